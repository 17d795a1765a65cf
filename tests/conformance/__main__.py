"""Serves the obliging upstream until it is stopped, and says its port: `python -m conformance`."""

import asyncio

from conformance.upstream import Obliging
from scripted import Upstream


async def main() -> None:
    """Says its port once it answers."""
    async with Upstream(always=Obliging()) as upstream:
        print(upstream.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
