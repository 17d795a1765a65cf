"""A request on its way to an upstream: the body as far as it is written, and what it could not say."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pointsman.canon.blocks import CacheMark, ToolCall, ToolResult
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.free_text import Kinded, map_kinds
from pointsman.dialects.names import map_ids, map_names, parted
from pointsman.dialects.openai_responses.parts import BREAKPOINT
from pointsman.dialects.openai_responses.words import NAME, NAME_CHARSET, NAME_LIMIT


class Draft:
    """What the parts of the encoder share for one request."""

    def __init__(self, request: Request, target: Target) -> None:
        self.request = request
        self.target = target
        self.traits: Traits = target.traits
        self.own = request.dialect == NAME
        """The client speaks this dialect: its items and unknown fields are said again."""
        self.free_text = target.traits.custom_tools is not False
        """Whether the target takes tools with free text."""
        self.body: dict[str, Any] = {"model": target.model}
        self.losses: list[Loss] = []
        self._names = self._map_names()
        self._ids = self._map_ids()
        self._counted: Counter[tuple[str, str, str]] = Counter()
        self._marks = 0

    def _map_names(self) -> dict[Kinded, str]:
        """The sent names; those of its own clients' tools stay in their namespaces."""
        limit, charset = self.traits.tool_name_limit, self.traits.tool_name_charset
        named = list(_names(self.request))
        if self.own:
            named = [(kind, parted(name)[1]) for kind, name in named]
        else:
            limit, charset = limit or NAME_LIMIT, charset or NAME_CHARSET
        if not self.free_text:
            return map_kinds(named, limit, charset)
        mapped = map_names((name for _, name in named), limit, charset)
        return {(kind, name): mapped[name] for kind, name in named}

    def _map_ids(self) -> Mapping[str, str]:
        limit, charset = self.traits.tool_id_limit, self.traits.tool_id_charset
        if limit is None and charset is None:
            return {}
        return map_ids(_ids(self.request), limit, charset)

    def put(self, key: str, value: Any) -> None:
        """A member of the body, unless there is nothing to say."""
        if value is not None:
            self.body[key] = value

    def dropped(self, what: str, why: str) -> None:
        """The upstream will not see this."""
        self.losses.append(Loss("dropped", what, why))

    def approximated(self, what: str, why: str) -> None:
        """The upstream sees something near to this."""
        self.losses.append(Loss("approximated", what, why))

    def dropped_extra(self, extra: Json, where: str) -> None:
        """The upstream will not see these fields of another dialect."""
        for name in unsaid(extra):
            self.count("dropped", f"{where}.{name}", "this dialect has no such field")

    def count(self, kind: str, what: str, why: str) -> None:
        """A loss that is told once, with how often it happened."""
        self._counted[(kind, what, why)] += 1

    def name(self, name: str, kind: str = "function") -> str:
        """A tool's name as the upstream takes it."""
        return self._names.get((kind, name), name)

    def changed_names(self) -> dict[str, str]:
        """Sent name → the client's, for those that had to change."""
        return {sent: name for (_, name), sent in self._names.items() if sent != name}

    def id(self, id: str) -> str:
        """A call's id as the upstream takes it."""
        return self._ids.get(id, id)

    def mark(self, cache: CacheMark | None, *, takes: bool = True) -> dict[str, Any]:
        """The member that carries a cache breakpoint, where the target has one and its place takes one."""
        if cache is None:
            return {}
        if not takes or self.traits.cache_marks != BREAKPOINT:
            self._marks += 1
            return {}
        if cache.ttl is not None:
            self.count("approximated", "cache_control.ttl", "the target's own lifetime applies")
        return {BREAKPOINT: {"mode": "explicit"}}

    def all_losses(self) -> tuple[Loss, ...]:
        """Every loss, those that were counted at the end."""
        if self._marks:
            self._counted[("dropped", "cache_control", "the target has no cache marks there")] += self._marks
        for (kind, what, why), times in self._counted.items():
            reason = why if times == 1 else f"{why} ({times} times)"
            (self.approximated if kind == "approximated" else self.dropped)(what, reason)
        self._counted.clear()
        self._marks = 0
        return tuple(self.losses)


def _names(request: Request) -> Iterator[Kinded]:
    for tool in request.tools or ():
        if tool.kind != "server":
            yield tool.kind, tool.name
    for message in request.messages:
        for block in message.content:
            if isinstance(block, ToolCall):
                yield block.kind, block.name
    choice = request.tool_choice
    if choice is not None:
        yield from ((choice.kind, name) for name in (*choice.names, choice.name) if name is not None)


def _ids(request: Request) -> Iterator[str]:
    for message in request.messages:
        for block in message.content:
            if isinstance(block, ToolCall):
                yield block.id
            elif isinstance(block, ToolResult):
                yield block.call_id
