"""A request on its way to an upstream: what the parts of the encoder share, and what it could not say."""

import re
from collections.abc import Iterable
from typing import Any

from pointsman.canon.blocks import ToolCall
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.gemini.words import NAME, NAME_CHARSET, NAME_LIMIT
from pointsman.dialects.names import map_names

_BEGINS = re.compile("[a-zA-Z_]")


class Draft:
    """One request for one target."""

    def __init__(self, request: Request, target: Target) -> None:
        self.request = request
        self.target = target
        self.traits: Traits = target.traits
        self.own = request.dialect == NAME
        """The client speaks this dialect: its spellings and unknown fields are said again."""
        self.body: dict[str, Any] = {}
        self.config: dict[str, Any] = {}
        """`generationConfig`."""
        self.names = self._map_names()
        """Tool names → the names to send."""
        self._losses: list[Loss] = []
        self._marks = 0

    def dropped(self, what: str, why: str) -> None:
        """The upstream will not see this."""
        self._losses.append(Loss("dropped", what, why))

    def approximated(self, what: str, why: str) -> None:
        """The upstream sees something near to this."""
        self._losses.append(Loss("approximated", what, why))

    def dropped_extra(self, extra: Json, path: str) -> None:
        """The upstream will not see these fields of another dialect."""
        for name in unsaid(extra):
            self.dropped(f"{path}.{name}" if path else name, "the target has no such field")

    def count_mark(self, block: object) -> None:
        """Note a cache breakpoint, for which the dialect has no place."""
        if getattr(block, "cache", None) is not None:
            self._marks += 1

    def name(self, name: str) -> str:
        """A tool's name as the upstream takes it."""
        return self.names.get(name, name)

    def losses(self) -> tuple[Loss, ...]:
        """All that was noted, cache breakpoints as one."""
        if not self._marks:
            return tuple(self._losses)
        why = f"{self._marks} breakpoint(s): the target takes none"
        return (*self._losses, Loss("dropped", "cache_control", why))

    def _map_names(self) -> dict[str, str]:
        limit, charset = self.traits.tool_name_limit, self.traits.tool_name_charset
        if not self.own:
            limit, charset = limit or NAME_LIMIT, charset or NAME_CHARSET
        mapped = map_names(_names(self.request), limit, charset)
        return mapped if self.own else _lettered(mapped, limit or NAME_LIMIT)


def _lettered(mapped: dict[str, str], limit: int) -> dict[str, str]:
    """The names, each beginning with a letter or an underscore, as the API demands."""
    wrong = {name: sent for name, sent in mapped.items() if _BEGINS.match(sent) is None}
    if not wrong:
        return mapped
    taken = set(mapped.values())
    prefixed = {name: f"_{sent}"[:limit] for name, sent in wrong.items()}
    clash = [name for name, sent in prefixed.items() if sent in taken]
    fresh = map_names([f"{name}\0" for name in clash], limit - 1, NAME_CHARSET)
    hashed = {name.removesuffix("\0"): f"_{sent}" for name, sent in fresh.items()}
    return {**mapped, **prefixed, **hashed}


def _names(request: Request) -> Iterable[str]:
    """Every tool that the request names, the provider's own left out."""
    for tool in request.tools or ():
        if tool.kind != "server":
            yield tool.name
    for message in request.messages:
        yield from (block.name for block in message.content if isinstance(block, ToolCall))
    choice = request.tool_choice
    if choice is not None:
        yield from choice.names
        if choice.name is not None:
            yield choice.name
