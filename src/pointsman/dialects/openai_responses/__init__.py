"""OpenAI Responses: the dialect that Codex speaks (developers.openai.com, "Responses")."""

from pointsman.canon.errors import Fault
from pointsman.dialects.dialect import Decoder, Dialect, Route
from pointsman.dialects.openai_responses.counting import count_answer, count_request, read_count
from pointsman.dialects.openai_responses.decode import ResponsesDecoder, summary, whole
from pointsman.dialects.openai_responses.encode import ResponsesEncoder, fold
from pointsman.dialects.openai_responses.encode_request import encode_request
from pointsman.dialects.openai_responses.errors import error_frame, frames_after, parse_error, render_error
from pointsman.dialects.openai_responses.kept import STATEFUL
from pointsman.dialects.openai_responses.kinds import KINDS, ROLES
from pointsman.dialects.openai_responses.losses import answer_losses, fold_losses
from pointsman.dialects.openai_responses.relay import rewrite_reason
from pointsman.dialects.openai_responses.request import HISTORY, decode_request
from pointsman.dialects.openai_responses.socket import SOCKETED
from pointsman.dialects.openai_responses.words import NAME
from pointsman.wire.shape import TurnRules
from pointsman.wire.sse import comment


def _error_after(followed: Decoder, fault: Fault, request_id: str) -> bytes:
    if not isinstance(followed, ResponsesDecoder):
        return error_frame(fault, request_id)
    return frames_after(fault, *followed.reached, request_id)


DIALECT = Dialect(
    name=NAME,
    title="OpenAI Responses",
    routes=(
        Route("/responses", "generate"),
        Route("/responses/input_tokens", "count_tokens"),
        Route("/responses/compact", "compact"),
    ),
    paths={
        "generate": "/responses",
        "count_tokens": "/responses/input_tokens",
        "compact": "/responses/compact",
    },
    models_path="/models",
    request_headers=(("content-type", "application/json"),),
    ping=comment("ping"),
    decode_request=decode_request,
    encode_request=encode_request,
    rewrite_reason=rewrite_reason,
    decoder=ResponsesDecoder,
    whole=whole,
    summary=summary,
    encoder=ResponsesEncoder,
    fold=fold,
    answer_losses=answer_losses,
    fold_losses=fold_losses,
    parse_error=parse_error,
    render_error=render_error,
    error_frame=error_frame,
    error_after=_error_after,
    count_answer=count_answer,
    count_request=count_request,
    read_count=read_count,
    stateful=STATEFUL,
    socketed=SOCKETED,
    turns_field="input",
    instructions=("instructions",),
    opaque=("encrypted_content",),
    turns_text=True,
    turn_rules=TurnRules(ROLES, role_required=False),
    turns_elsewhere=HISTORY,
    kinds=KINDS,
)

__all__ = ["DIALECT"]
