"""Tools and the choice among them: to canonical ones."""

from typing import Literal, get_args

from pointsman.canon.json import Json
from pointsman.canon.request import Tool, ToolChoice
from pointsman.dialects.anthropic.blocks import take_cache
from pointsman.wire.fields import Fields

CLIENT_TYPE = "custom"
"""What a tool that the client runs may say for its type."""

_CLIENT_RUN = ("bash_2", "text_editor_2", "computer_", "memory_2", "browser_toolset_")
"""How the types of tools begin whose schema Anthropic's models know and which the client runs; all others run
at the provider (platform.claude.com, "Tool reference")."""

Mode = Literal["auto", "any", "none", "tool"]
_MODES: dict[str, Mode] = {mode: mode for mode in get_args(Mode)}


def decode_tool(wire: Json, path: str) -> Tool:
    """One tool; a type of its own makes it the provider's. Raises MalformedError."""
    fields = Fields(wire, path)
    type = fields.text("type")
    if type is not None and type != CLIENT_TYPE:
        return _provider_tool(fields, type)
    name = fields.required_text("name")
    return Tool(
        name,
        fields.text("description"),
        fields.object("input_schema"),
        strict=fields.boolean("strict"),
        cache=take_cache(fields),
        form=type or "",
        extra=fields.rest,
    )


def _provider_tool(fields: Fields, type: str) -> Tool:
    """Toolsets have no name of their own; what configures the tool stays in `extra`."""
    name = fields.text("name")
    form = "" if name is not None else "unnamed"
    return Tool(
        name or type,
        kind="server",
        type=type,
        cache=take_cache(fields),
        form=form,
        extra=fields.rest,
        client_run=type.startswith(_CLIENT_RUN),
    )


def decode_tool_choice(wire: Json, path: str) -> tuple[ToolChoice, bool | None] | None:
    """(choice, parallel calls); None for a choice of an unknown type. Raises MalformedError."""
    fields = Fields(wire, path)
    mode = _MODES.get(fields.required_text("type"))
    if mode is None:
        return None
    name = fields.required_text("name") if mode == "tool" else None
    disabled = fields.boolean("disable_parallel_tool_use")
    parallel = None if disabled is None else not disabled
    return ToolChoice(mode, name, extra=fields.rest), parallel
