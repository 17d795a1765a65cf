"""Excerpts: the beginnings of bodies, without credentials, for whoever wants to see what goes over the line.

Taken only where that was asked for. Masking is left to the thread that shows them.
"""

import re
import threading
from collections.abc import Callable, Iterable

from pointsman.gateway.exchange import Client, Exchange
from pointsman.gateway.masking import sent_with
from pointsman.wire import headers as fields
from pointsman.wire.coding import as_far_as_readable
from pointsman.wire.headers import Headers
from pointsman.wire.secrets import mask_alike, mask_many

SHOWN = 8 * 1024
"""Bytes of a body that are shown."""
KEPT = 2 * SHOWN
"""Bytes that are kept until then: what stands at the end of what is shown must be seen whole to be masked."""
MOST = 500
"""Exchanges that are kept until they are shown."""
_LAST = 512
_WORD = re.compile(r"[^\s\"',;:{}()<>\[\]]*\Z")


class Excerpt:
    """One exchange's."""

    def __init__(self, exchange: Exchange) -> None:
        self.request = exchange.body[:KEPT]
        self.size = len(exchange.body)
        self.answer = bytearray()
        self.answered = 0
        self.coding: str | None = None
        self.secrets = sent_with(exchange.headers, exchange.query)

    def head(self, headers: Headers) -> None:
        """The head of the answer."""
        self.coding = fields.first(headers, "content-encoding")

    def note(self, data: bytes) -> None:
        """A piece of the answer."""
        self.answered += len(data)
        if len(self.answer) < KEPT:
            self.answer += data[: KEPT - len(self.answer)]


class Excerpts:
    """Those of all exchanges that nobody has shown yet, the latest ones where there are many."""

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        """`secrets` gives every credential that is known; asked in the thread that shows."""
        self._secrets = secrets
        self._kept: dict[str, Excerpt] = {}
        self._busy = threading.Lock()

    def follow(self, exchange: Exchange, client: Client) -> Client:
        """The client, whose answer is looked at from now on."""
        excerpt = Excerpt(exchange)
        with self._busy:
            if len(self._kept) >= MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[exchange.request_id] = excerpt
        return _Followed(client, excerpt)

    def take(self, request_id: str) -> tuple[tuple[str, str], ...]:
        """What to show of an exchange, once: titles and texts."""
        with self._busy:
            excerpt = self._kept.pop(request_id, None)
        if excerpt is None:
            return ()
        secrets = (*self._secrets(), *excerpt.secrets)
        answer = as_far_as_readable(bytes(excerpt.answer), excerpt.coding, KEPT)
        return (
            (f"request, {excerpt.size:,} bytes", _shown(excerpt.request, secrets)),
            (f"answer, {excerpt.answered:,} bytes", _shown(answer, secrets)),
        )


class _Followed:
    """A client whose answer is looked at."""

    def __init__(self, client: Client, excerpt: Excerpt) -> None:
        self._client = client
        self._excerpt = excerpt
        self.watch = client.watch
        self.abort = client.abort

    async def head(self, status: int, headers: Headers) -> None:
        self._excerpt.head(headers)
        await self._client.head(status, headers)

    async def write(self, data: bytes) -> None:
        self._excerpt.note(data)
        await self._client.write(data)

    async def finish(self, data: bytes = b"") -> None:
        self._excerpt.note(data)
        await self._client.finish(data)


def _shown(data: bytes, secrets: Iterable[str]) -> str:
    told = data.decode("utf-8", "replace")
    if len(data) >= KEPT:
        # Of a credential that is cut here no pattern would know the beginning.
        told = told[:-_LAST] + _WORD.sub("", told[-_LAST:])
    text = mask_alike(mask_many(told, secrets))
    shown = text.encode("utf-8", "replace")
    return text if len(shown) <= SHOWN else f"{shown[:SHOWN].decode('utf-8', 'ignore')} …"
