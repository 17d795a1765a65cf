"""Gemini generateContent (ai.google.dev, "Gemini API")."""

from pointsman.dialects.dialect import MODEL, Dialect, Route
from pointsman.dialects.gemini.array import ArrayWriter
from pointsman.dialects.gemini.counting import count_answer, count_request, read_count
from pointsman.dialects.gemini.decode import StreamDecoder, decode_whole, summary
from pointsman.dialects.gemini.embeddings import EMBEDDING
from pointsman.dialects.gemini.encode import StreamEncoder
from pointsman.dialects.gemini.encode_request import encode_request
from pointsman.dialects.gemini.errors import error_frame, parse_error, render_error
from pointsman.dialects.gemini.fold import fold
from pointsman.dialects.gemini.joining import joined
from pointsman.dialects.gemini.kinds import KINDS, ROLES
from pointsman.dialects.gemini.losses import answer_losses, fold_losses
from pointsman.dialects.gemini.relay import rewrite_reason
from pointsman.dialects.gemini.request import CONTENTS, WRAPPED, decode_request
from pointsman.dialects.gemini.spelling import snake
from pointsman.dialects.gemini.words import NAME
from pointsman.wire.shape import TurnRules

DIALECT = Dialect(
    name=NAME,
    title="Gemini generateContent",
    routes=(
        Route(f"/models/{MODEL}:generateContent", "generate"),
        Route(f"/models/{MODEL}:streamGenerateContent", "generate", streams=True),
        Route(f"/models/{MODEL}:countTokens", "count_tokens"),
        Route(f"/models/{MODEL}:embedContent", "embeddings"),
        Route(f"/models/{MODEL}:batchEmbedContents", "batch_embeddings"),
    ),
    paths={
        "generate": f"/v1beta/models/{MODEL}:generateContent",
        "count_tokens": f"/v1beta/models/{MODEL}:countTokens",
        "embeddings": f"/v1beta/models/{MODEL}:embedContent",
        "batch_embeddings": f"/v1beta/models/{MODEL}:batchEmbedContents",
    },
    stream_paths={"generate": f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"},
    version_prefix="/v1beta",
    event_query=("alt", "sse"),
    array=ArrayWriter,
    model_list="resources",
    sign_header="x-goog-api-key",
    models_path="/v1beta/models",
    request_headers=(("content-type", "application/json"),),
    ping=b"",
    decode_request=decode_request,
    joined=joined,
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
    count_answer=count_answer,
    count_request=count_request,
    read_count=read_count,
    embedding=EMBEDDING,
    turns_field=CONTENTS,
    wrapping=WRAPPED,
    instructions=("systemInstruction", "system_instruction"),
    opaque=("thoughtSignature", "thought_signature"),
    turns_elsewhere=(WRAPPED, snake(WRAPPED)),
    turn_rules=TurnRules(ROLES, "parts", content_text=False, role_required=False, single=True),
    kinds=KINDS,
)
