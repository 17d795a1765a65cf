"""A request on its way to an upstream: what the parts of the encoder share, and what it could not say."""

import re
from collections.abc import Iterable
from typing import Any

from pointsman.canon.blocks import ToolCall
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.gemini.words import FREE_TEXT, NAME, NAME_CHARSET, NAME_LIMIT
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
        """(kind, name) of each tool → the name to send."""
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

    def name(self, name: str, kind: str = "function") -> str:
        """A tool's name as the upstream takes it; one of that name but of another kind is found as well."""
        other = "custom" if kind == "function" else "function"
        return self.names.get((kind, name)) or self.names.get((other, name)) or name

    def losses(self) -> tuple[Loss, ...]:
        """All that was noted, cache breakpoints as one."""
        if not self._marks:
            return tuple(self._losses)
        why = f"{self._marks} breakpoint(s): the target takes none"
        return (*self._losses, Loss("dropped", "cache_control", why))

    def sent_names(self) -> dict[str, str]:
        """Sent name → the client's, for the names that had to change."""
        return {sent: name for (_, name), sent in self.names.items() if sent != name}

    def _map_names(self) -> dict[tuple[str, str], str]:
        """Free-text tools end in a mark, by which their calls are known again. Raises UnsupportedError."""
        limit, charset = self.traits.tool_name_limit, self.traits.tool_name_charset
        if not self.own:
            limit, charset = limit or NAME_LIMIT, charset or NAME_CHARSET
        named = list(_names(self.request))
        functions = map_names([name for kind, name in named if kind == "function"], limit, charset)
        if self.own:
            return {("function", name): sent for name, sent in functions.items()}
        short = (limit or NAME_LIMIT) - len(FREE_TEXT)
        custom = map_names([name for kind, name in named if kind == "custom"], short, charset)
        mapped = {("function", name): sent for name, sent in functions.items()}
        mapped |= {("custom", name): sent + FREE_TEXT for name, sent in custom.items()}
        if len(set(mapped.values())) < len(mapped):
            raise UnsupportedError("two tools would have one name at the target; rename one", param="tools")
        return _lettered(mapped, limit or NAME_LIMIT)


def _lettered(mapped: dict[tuple[str, str], str], limit: int) -> dict[tuple[str, str], str]:
    """The names, each beginning with a letter or an underscore, as the API demands."""
    wrong = {key: sent for key, sent in mapped.items() if _BEGINS.match(sent) is None}
    taken = set(mapped.values())
    for key, sent in wrong.items():
        prefixed = f"_{sent}"
        if len(prefixed) > limit or prefixed in taken:
            prefixed = "_" + map_names([f"{sent}\0"], limit - 1, NAME_CHARSET)[f"{sent}\0"]
        mapped[key] = prefixed
        taken.add(prefixed)
    return mapped


def _names(request: Request) -> Iterable[tuple[str, str]]:
    """(kind, name) of every tool that the request names, the provider's own left out."""
    for tool in request.tools or ():
        if tool.kind != "server":
            yield tool.kind, tool.name
    for message in request.messages:
        yield from ((block.kind, block.name) for block in message.content if isinstance(block, ToolCall))
