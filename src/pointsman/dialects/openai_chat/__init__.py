"""OpenAI Chat Completions: the dialect that most compatible servers speak."""

from pointsman.canon.json import Json
from pointsman.dialects.dialect import Dialect, Route
from pointsman.dialects.embedding import PLAIN
from pointsman.dialects.openai_chat.decode import ChatDecoder, summary, whole
from pointsman.dialects.openai_chat.encode import ChatEncoder
from pointsman.dialects.openai_chat.encode_request import encode_request
from pointsman.dialects.openai_chat.errors import error_frame, parse_error, render_error
from pointsman.dialects.openai_chat.fold import fold
from pointsman.dialects.openai_chat.kinds import KINDS, ROLES
from pointsman.dialects.openai_chat.losses import answer_losses, fold_losses
from pointsman.dialects.openai_chat.relay import rewrite_reason
from pointsman.dialects.openai_chat.request import decode_request
from pointsman.dialects.openai_chat.words import NAME
from pointsman.wire.shape import TurnRules
from pointsman.wire.sse import comment


def _count_answer(tokens: int) -> Json:
    """The dialect has no token count of its own; this is the Responses API's."""
    return {"object": "response.input_tokens", "input_tokens": tokens}


DIALECT = Dialect(
    name=NAME,
    title="OpenAI Chat Completions",
    routes=(
        Route("/chat/completions", "generate"),
        Route("/embeddings", "embeddings"),
        Route("/completions", "completions"),
    ),
    paths={
        "generate": "/chat/completions",
        "embeddings": "/embeddings",
        "completions": "/completions",
    },
    models_path="/models",
    request_headers=(("content-type", "application/json"),),
    ping=comment("ping"),
    embedding=PLAIN,
    decode_request=decode_request,
    encode_request=encode_request,
    rewrite_reason=rewrite_reason,
    decoder=ChatDecoder,
    whole=whole,
    summary=summary,
    encoder=ChatEncoder,
    fold=fold,
    answer_losses=answer_losses,
    fold_losses=fold_losses,
    parse_error=parse_error,
    render_error=render_error,
    error_frame=error_frame,
    count_answer=_count_answer,
    turn_rules=TurnRules(ROLES),
    kinds=KINDS,
    opaque=("thought_signature", "signature", "data", "encrypted_content"),
)

__all__ = ["DIALECT"]
