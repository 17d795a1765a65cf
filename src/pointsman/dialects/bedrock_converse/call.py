"""One tool call of an answer, as its arguments come in.

Names that were changed on the way out are restored. A tool that takes free text was sent as a function with
one string; its arguments are unwrapped once they are whole.
"""

from typing import Any, cast

from msgspec import structs

from pointsman.canon.blocks import ServerTool, ToolCall
from pointsman.canon.errors import MalformedError
from pointsman.canon.events import ArgumentsDelta, NativeDelta
from pointsman.canon.json import Json
from pointsman.dialects.bedrock_converse.arguments import input_of, parse_arguments
from pointsman.dialects.bedrock_converse.words import FREE_TEXT, NAME
from pointsman.dialects.dialect import Origin
from pointsman.wire.surrogates import SurrogateJoiner


class CallReader:
    """The arguments of one call."""

    def __init__(self, index: int, block: ToolCall, origin: Origin) -> None:
        self._index = index
        self._joiner = SurrogateJoiner()
        self._parts: list[str] = []
        name = origin.names.get(block.name, block.name)
        self._wrapped = name != block.name and block.name.endswith(FREE_TEXT)
        kind = "custom" if self._wrapped else "function"
        self.start = structs.replace(block, name=name, arguments="", kind=kind)
        """The block as it starts."""

    def feed(self, text: str, extra: Json) -> list[ArgumentsDelta]:
        """More of the arguments; `extra` is what the dialect says beside them."""
        text = self._joiner.feed(text)
        if self._wrapped:
            self._parts.append(text)
            return []
        return [ArgumentsDelta(self._index, text, extra, NAME)]

    def close(self) -> list[ArgumentsDelta]:
        """What is left to say before the call ends."""
        rest = self._joiner.close()
        if self._wrapped:
            return [ArgumentsDelta(self._index, _unwrapped("".join([*self._parts, rest])))]
        return [ArgumentsDelta(self._index, rest)] if rest else []


class ServedReader:
    """What comes of a block of a tool that the provider runs, for whoever gathers."""

    def __init__(self, index: int, block: ServerTool) -> None:
        self._index = index
        self._block = block
        self._input: list[str] = []
        self._content: list[Any] = []

    def feed(self, delta: Json) -> None:
        """A piece of a call's input, or of a result's content."""
        called, given = delta.get("toolUse"), delta.get("toolResult")
        text = cast("Json", called).get("input") if isinstance(called, dict) else None
        if isinstance(text, str):
            self._input.append(text)
        if isinstance(given, list):
            self._content += cast("list[Any]", given)

    def close(self) -> list[NativeDelta]:
        """The whole block, if anything came after its start."""
        native = self._block.native
        kind = "toolUse" if self._block.part == "call" else "toolResult"
        added: dict[str, Any] = {}
        if self._input:
            added["input"] = input_of("".join(self._input), own=True)
        if self._content:
            added["content"] = self._content
        if not added:
            return []
        data = {**native.data, kind: {**native.data[kind], **added}}
        return [NativeDelta(self._index, structs.replace(native, data=data), "call")]


def _unwrapped(arguments: str) -> str:
    try:
        value = parse_arguments(arguments)
    except MalformedError:
        return arguments
    text = cast("Json", value).get("input", "") if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments
