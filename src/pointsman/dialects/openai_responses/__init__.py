"""OpenAI Responses: the dialect that Codex speaks (developers.openai.com, "Responses")."""

from pointsman.canon.json import Json
from pointsman.dialects.dialect import Dialect, Route
from pointsman.dialects.openai_responses.decode import ResponsesDecoder, summary, whole
from pointsman.dialects.openai_responses.encode import ResponsesEncoder, fold
from pointsman.dialects.openai_responses.encode_request import encode_request
from pointsman.dialects.openai_responses.errors import error_frame, parse_error, render_error
from pointsman.dialects.openai_responses.kinds import KINDS
from pointsman.dialects.openai_responses.losses import answer_losses, fold_losses
from pointsman.dialects.openai_responses.relay import rewrite_reason
from pointsman.dialects.openai_responses.request import HISTORY, decode_request
from pointsman.dialects.openai_responses.words import NAME
from pointsman.wire.sse import comment


def _count_answer(tokens: int) -> Json:
    return {"object": "response.input_tokens", "input_tokens": tokens}


DIALECT = Dialect(
    name=NAME,
    title="OpenAI Responses",
    routes=(Route("/responses", "generate"), Route("/responses/input_tokens", "count_tokens")),
    paths={"generate": "/responses", "count_tokens": "/responses/input_tokens"},
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
    count_answer=_count_answer,
    turns_field="input",
    turns_text=True,
    turns_elsewhere=HISTORY,
    kinds=KINDS,
)

__all__ = ["DIALECT"]
