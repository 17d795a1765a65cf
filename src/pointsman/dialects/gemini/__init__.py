"""Gemini generateContent (ai.google.dev, "Gemini API")."""

from pointsman.canon.json import Json
from pointsman.dialects.dialect import Dialect, Route
from pointsman.dialects.gemini.array import ArrayWriter
from pointsman.dialects.gemini.decode import StreamDecoder, decode_whole, summary
from pointsman.dialects.gemini.encode import StreamEncoder
from pointsman.dialects.gemini.encode_request import encode_request
from pointsman.dialects.gemini.errors import error_frame, parse_error, render_error
from pointsman.dialects.gemini.fold import fold
from pointsman.dialects.gemini.kinds import KINDS, ROLES
from pointsman.dialects.gemini.losses import answer_losses, fold_losses
from pointsman.dialects.gemini.relay import rewrite_reason
from pointsman.dialects.gemini.request import CONTENTS, WRAPPED, decode_request
from pointsman.dialects.gemini.spelling import snake
from pointsman.dialects.gemini.words import NAME


def _count_answer(tokens: int) -> Json:
    return {"totalTokens": tokens}


DIALECT = Dialect(
    name=NAME,
    title="Gemini generateContent",
    routes=(
        Route("/models/{model}:generateContent", "generate"),
        Route("/models/{model}:streamGenerateContent", "generate", streams=True),
    ),
    paths={"generate": "/v1beta/models/{model}:generateContent"},
    stream_paths={"generate": "/v1beta/models/{model}:streamGenerateContent?alt=sse"},
    version_prefix="/v1beta",
    event_query=("alt", "sse"),
    model_list="resources",
    models_path="/v1beta/models",
    request_headers=(("content-type", "application/json"),),
    ping=b"",
    decode_request=decode_request,
    encode_request=encode_request,
    rewrite_reason=rewrite_reason,
    decoder=StreamDecoder,
    whole=decode_whole,
    summary=summary,
    encoder=StreamEncoder,
    fold=fold,
    answer_losses=answer_losses,
    fold_losses=fold_losses,
    parse_error=parse_error,
    render_error=render_error,
    error_frame=error_frame,
    count_answer=_count_answer,
    turns_field=CONTENTS,
    roles=ROLES,
    kinds=KINDS,
    parts_field="parts",
    wrappers=(WRAPPED, snake(WRAPPED)),
    as_array=ArrayWriter,
)
