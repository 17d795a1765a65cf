"""pointsman: one local endpoint for every LLM tool you use and every model you may use."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointsman.library import Gateway as Gateway

__all__ = ["Gateway"]


def __getattr__(name: str) -> object:
    """`Gateway` is imported when it is first asked for: the rooms below can be used without it."""
    if name == "Gateway":
        from pointsman.library import Gateway  # noqa: PLC0415 - the point of this function

        return Gateway
    raise AttributeError(f"module `pointsman` has no attribute `{name}`")
