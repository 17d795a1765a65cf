"""Fitness: whether a fallback can do what a request needs; a target that cannot is skipped."""

from collections.abc import Iterator

from pointsman.canon.blocks import Block, Image, ToolResult
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.request import Request
from pointsman.canon.traits import Traits
from pointsman.gateway.estimate import estimate
from pointsman.gateway.exchange import CONVERSING, Exchange
from pointsman.gateway.parts import Parts
from pointsman.gateway.prepare import upstream_dialect
from pointsman.routing.plan import Candidate


def check_fit(exchange: Exchange, candidate: Candidate, parts: Parts) -> None:
    """Raises UnsupportedError, saying what it lacks."""
    if exchange.intent.operation not in CONVERSING:
        return
    dialect = upstream_dialect(exchange, candidate, parts.dialects)
    traits = parts.router.traits(candidate.backend, dialect.name, candidate.model)
    for lack in _lacks(exchange.request(), traits, parts.router.window(candidate, traits)):
        raise UnsupportedError(f"{candidate.backend.name}:{candidate.model} {lack}", param="model")


def _lacks(request: Request, traits: Traits, window: int | None) -> Iterator[str]:
    if request.tools and not traits.tools:
        yield "has no tools"
    if not traits.images and any(map(_is_image, _blocks(request))):
        yield "sees no pictures"
    wanted = request.output_format
    if wanted is not None and wanted.kind == "json_schema" and wanted.kind not in traits.output_formats:
        yield "cannot be held to a schema"
    if window is not None and (size := estimate(request)) > window:
        yield f"takes {window} tokens, and the request has about {size}"


def _blocks(request: Request) -> Iterator[Block]:
    for message in request.messages:
        for block in message.content:
            yield block
            if isinstance(block, ToolResult):
                yield from block.content


def _is_image(block: Block) -> bool:
    return isinstance(block, Image)
