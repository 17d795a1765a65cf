"""One request on its way to one target: what is known of both, and what gets lost on the way."""

from collections.abc import Iterator

from pointsman.canon.blocks import ToolCall, ToolResult
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.canon.traits import Target
from pointsman.dialects.anthropic.words import NAME, NAME_CHARSET, NAME_LIMIT
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.free_text import map_kinds
from pointsman.dialects.names import map_ids


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

    def dropped(self, what: str, why: str) -> None:
        """Note that something does not reach the target."""
        self._losses.append(Loss("dropped", what, why))

    def approximated(self, what: str, why: str) -> None:
        """Note that something reaches the target changed."""
        self._losses.append(Loss("approximated", what, why))

    def retract(self, *whats: str) -> bool:
        """Take back the approximations of these, since more became of them; whether there were any."""
        kept = [loss for loss in self._losses if loss.kind == "dropped" or loss.what not in whats]
        found = len(kept) < len(self._losses)
        self._losses = kept
        return found

    def dropped_extra(self, extra: Json, path: str) -> None:
        """Note the fields of another dialect that have no canonical place."""
        for name in unsaid(extra):
            self.dropped(f"{path}.{name}" if path else name, "the target has no such field")

    def count_mark(self) -> None:
        """Note a cache breakpoint that the target does not take."""
        self._dropped_marks += 1

    def losses(self) -> tuple[Loss, ...]:
        """All that was noted, cache breakpoints as one."""
        if not self._dropped_marks:
            return tuple(self._losses)
        why = f"{self._dropped_marks} breakpoint(s): the target takes none"
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

    def _limits(self, limit: int | None, charset: str | None) -> tuple[int | None, str | None]:
        """The target's, or for a foreign request the dialect's own."""
        if self.own:
            return limit, charset
        return limit or NAME_LIMIT, charset or NAME_CHARSET

    def _map_names(self, request: Request) -> dict[tuple[str, str], str]:
        limit, charset = self._limits(self.traits.tool_name_limit, self.traits.tool_name_charset)
        return map_kinds(_names(request), limit, charset)

    def _map_ids(self, request: Request) -> dict[str, str]:
        ids = (
            block.id if isinstance(block, ToolCall) else block.call_id
            for message in request.messages
            for block in message.content
            if isinstance(block, ToolCall | ToolResult)
        )
        charset = self.traits.tool_id_charset or (None if self.own else NAME_CHARSET)
        return map_ids(ids, self.traits.tool_id_limit, charset)


def _names(request: Request) -> Iterator[tuple[str, str]]:
    """(kind, name) of every tool that the request names, the provider's own left out."""
    for tool in request.tools or ():
        if tool.kind != "server":
            yield tool.kind, tool.name
    for message in request.messages:
        for block in message.content:
            if isinstance(block, ToolCall):
                yield block.kind, block.name


def is_blank(text: str) -> bool:
    """Whether the API refuses it as a text block: empty, or white space alone."""
    return not text or text.isspace()
