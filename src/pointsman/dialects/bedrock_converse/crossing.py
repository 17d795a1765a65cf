"""One request on its way to one target: what is known of both, and what gets lost on the way."""

from collections.abc import Iterable, Iterator

from pointsman.canon.blocks import CacheMark, ToolCall, ToolResult
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.canon.traits import Target
from pointsman.dialects.bedrock_converse.media import document_name
from pointsman.dialects.bedrock_converse.words import FREE_TEXT, ID_CHARSET, NAME, NAME_CHARSET, NAME_LIMIT
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.names import map_ids, map_names


class Crossing:
    """Losses are noted here; names and ids are mapped for the whole request at once."""

    def __init__(self, request: Request, target: Target) -> None:
        self.own = request.dialect == NAME
        """Whether the request came in this dialect: then nothing changes that the target takes."""
        self.target = target
        self.traits = target.traits
        self.marks = "cache" not in target.traits.refused_fields
        self.names = self._map_names(request)
        self._ids = self._map_ids(request)
        self._losses: list[Loss] = []
        self._dropped_marks = 0
        self._files: set[str] = set()

    def dropped(self, what: str, why: str) -> None:
        """Note that something does not reach the target."""
        self._losses.append(Loss("dropped", what, why))

    def approximated(self, what: str, why: str) -> None:
        """Note that something reaches the target changed."""
        self._losses.append(Loss("approximated", what, why))

    def dropped_extra(self, extra: Json, path: str) -> None:
        """Note the fields of another dialect that have no canonical place."""
        for name in unsaid(extra):
            self.dropped(f"{path}.{name}" if path else name, "the target has no such field")

    def drop_mark(self, mark: CacheMark | None) -> None:
        """Note a cache breakpoint, if there is one, that the target has no place for."""
        if mark is not None:
            self._dropped_marks += 1

    def losses(self) -> tuple[Loss, ...]:
        """All that was noted, cache breakpoints as one."""
        if not self._dropped_marks:
            return tuple(self._losses)
        why = f"{self._dropped_marks} breakpoint(s): the target has no place for them"
        return (*self._losses, Loss("dropped", "cache_control", why))

    def sent_name(self, name: str, kind: str = "function") -> str:
        """The name under which a tool is sent."""
        return self.names.get((kind, name), name)

    def sent_id(self, id: str) -> str:
        """The id under which a tool call is sent."""
        return self._ids.get(id, id)

    def changed_names(self) -> dict[str, str]:
        """Sent name → the client's, for the names that had to change."""
        return {sent: name for (_, name), sent in self.names.items() if sent != name}

    def document_name(self, title: str | None) -> str:
        """A name that no other document of the request has: the API refuses a second one."""
        base = document_name(title or "") or "Document"
        name, number = base, 1
        while name in self._files:
            number += 1
            name = f"{base} {number}"
        self._files.add(name)
        return name

    def _limits(self, limit: int | None, charset: str | None, own: str) -> tuple[int | None, str | None]:
        """The target's, or for a foreign request the dialect's own."""
        if self.own:
            return limit, charset
        return min(limit or NAME_LIMIT, NAME_LIMIT), charset or own

    def _map_names(self, request: Request) -> dict[tuple[str, str], str]:
        limit, charset = self._limits(
            self.traits.tool_name_limit, self.traits.tool_name_charset, NAME_CHARSET
        )
        named = list(_names(request))
        functions = map_names((name for kind, name in named if kind == "function"), limit, charset)
        short = None if limit is None else limit - len(FREE_TEXT)
        customs = map_names((name for kind, name in named if kind == "custom"), short, charset)
        sent = {("custom", name): mapped + FREE_TEXT for name, mapped in customs.items()}
        clash = set(sent.values()) & set(functions.values())
        if clash:
            raise UnsupportedError(f"two tools would have one name at the target; rename: {min(clash)}")
        return {**sent, **{("function", name): mapped for name, mapped in functions.items()}}

    def _map_ids(self, request: Request) -> dict[str, str]:
        limit, charset = self._limits(self.traits.tool_id_limit, self.traits.tool_id_charset, ID_CHARSET)
        ids = (block.id if isinstance(block, ToolCall) else block.call_id for block in _calls(request))
        return map_ids(ids, limit, charset)


def _calls(request: Request) -> Iterator[ToolCall | ToolResult]:
    for message in request.messages:
        for block in message.content:
            if isinstance(block, ToolCall | ToolResult):
                yield block


def _names(request: Request) -> Iterable[tuple[str, str]]:
    """(kind, name) of every tool that the request names, the provider's own left out."""
    declared = [(tool.kind, tool.name) for tool in request.tools or () if tool.kind != "server"]
    return [*declared, *((call.kind, call.name) for call in _calls(request) if isinstance(call, ToolCall))]


def is_blank(text: str) -> bool:
    """Whether the API refuses it as a text block: empty, or white space alone."""
    return not text or text.isspace()
