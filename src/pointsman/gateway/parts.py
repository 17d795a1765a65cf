"""What the pipeline works with beside the request: the running endpoint's parts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pointsman.accounts.pool import Pool
from pointsman.accounts.queue import Later, loop_later
from pointsman.catalog.beta import Beta
from pointsman.dialects.dialect import Dialect
from pointsman.gateway.keepsakes import Keepsakes
from pointsman.gateway.masking import KnownSecrets
from pointsman.gateway.pace import Pace
from pointsman.gateway.spending import Spending
from pointsman.routing.attempts import Patience
from pointsman.routing.router import Router
from pointsman.routing.snapshot import Backend
from pointsman.store.responses import ResponsesStore
from pointsman.upstream.transport import Transport


@dataclass(slots=True)
class Parts:
    """Put together in `app.py`; the router is replaced as a whole when the configuration changes."""

    router: Router
    dialects: Mapping[str, Dialect]
    transport: Transport
    pool: Pool
    instance: str
    """Names this endpoint in `Via`, so that a request which comes back is seen."""
    clock: Callable[[], float]
    """Monotonic seconds."""
    wall: Callable[[], float]
    """Seconds since the epoch."""
    random: Callable[[], float]
    """From 0 to 1."""
    new_id: Callable[[], str]
    """Letters and digits, never twice the same."""
    proxy_for: Callable[[str, Backend], str | None]
    spending: Spending
    betas: Sequence[Beta] = ()
    """What of a request goes with which beta flag."""
    added_betas: Sequence[str] = ()
    """Flags that the user wants to have everywhere."""
    own_key: str | None = None
    """What opens this endpoint; it goes to nobody."""
    unknown_model: Callable[[], None] = lambda: None
    """Told that a request named a model which nobody has listed: a list may be old."""
    responses: ResponsesStore | None = None
    """Keeps answers for backends that keep none; None where that is turned off."""
    patience: Patience = field(default_factory=Patience)
    pace: Pace = field(default_factory=Pace)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    later: Later = loop_later
    known: KnownSecrets = field(default_factory=KnownSecrets)
    keepsakes: Keepsakes = field(init=False)

    def __post_init__(self) -> None:
        self.keepsakes = Keepsakes(self.clock)
