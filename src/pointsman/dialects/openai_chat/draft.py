"""A request on its way to an upstream: the body as far as it is written, and what it could not say."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pointsman.canon.blocks import CacheMark, ToolCall, ToolResult
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.free_text import Kinded, map_kinds
from pointsman.dialects.names import map_ids, map_names
from pointsman.dialects.openai_chat.blocks import BREAKPOINT, CONTROL, encode_mark
from pointsman.dialects.openai_chat.words import NAME, NAME_CHARSET, NAME_LIMIT


class Draft:
    """What the parts of the encoder share for one request."""

    def __init__(self, request: Request, target: Target) -> None:
        self.request = request
        self.target = target
        self.traits: Traits = target.traits
        self.own = request.dialect == NAME
        """The client speaks this dialect: its spellings and unknown fields are said again."""
        self.body: dict[str, Any] = {"model": target.model}
        self.losses: list[Loss] = []
        takes = target.traits.custom_tools
        self.free_text = takes is not False if self.own else bool(takes)
        """Whether tools with free text are sent as such; else as functions with one string."""
        self._names = self._map_names()
        self._ids = self._map_ids()
        self._counted: Counter[tuple[str, str, str]] = Counter()
        self._marks = 0

    def _name_limits(self) -> tuple[int | None, str | None]:
        """The target's, or for a foreign request the dialect's own."""
        limit, charset = self.traits.tool_name_limit, self.traits.tool_name_charset
        return (limit, charset) if self.own else (limit or NAME_LIMIT, charset or NAME_CHARSET)

    def _map_names(self) -> dict[Kinded, str]:
        named, limits = list(_names(self.request)), self._name_limits()
        if not self.free_text:
            return map_kinds(named, *limits)
        mapped = map_names((name for _, name in named), *limits)
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

    def dropped_extra(self, extra: Json, where: str) -> None:
        """The upstream will not see these fields of another dialect."""
        for name in unsaid(extra):
            self.count("dropped", f"{where}.{name}", "this dialect has no such field")

    def approximated(self, what: str, why: str) -> None:
        """The upstream sees something near to this."""
        self.losses.append(Loss("approximated", what, why))

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

    def mark(self, cache: CacheMark | None) -> dict[str, Any]:
        """The member that carries a cache breakpoint, where the target has one."""
        if cache is None:
            return {}
        if self.own:
            return encode_mark(cache)
        if self.traits.cache_marks == CONTROL:
            return {CONTROL: {"type": "ephemeral", **({} if cache.ttl is None else {"ttl": cache.ttl})}}
        if self.traits.cache_marks == BREAKPOINT:
            if cache.ttl is not None:
                self.count("approximated", f"{CONTROL}.ttl", "the target's own lifetime applies")
            return {BREAKPOINT: {"mode": "explicit"}}
        self._marks += 1
        return {}

    def all_losses(self) -> tuple[Loss, ...]:
        """Every loss, those that were counted at the end."""
        if self._marks:
            self._counted[("dropped", CONTROL, "the target has no cache marks")] += self._marks
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
        yield from ((block.kind, block.name) for block in message.content if isinstance(block, ToolCall))
    choice = request.tool_choice
    if choice is not None:
        yield from ((choice.kind, name) for name in (*choice.names, choice.name) if name is not None)


def _ids(request: Request) -> Iterable[str]:
    for message in request.messages:
        for block in message.content:
            if isinstance(block, ToolCall):
                yield block.id
            elif isinstance(block, ToolResult):
                yield block.call_id
