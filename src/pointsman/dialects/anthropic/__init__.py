"""Anthropic Messages (platform.claude.com, "Messages API")."""

from pointsman.dialects.anthropic.answer import fold
from pointsman.dialects.anthropic.counting import count_answer, count_request, read_count
from pointsman.dialects.anthropic.decode import StreamDecoder, decode_whole, summary
from pointsman.dialects.anthropic.encode import PING, StreamEncoder
from pointsman.dialects.anthropic.encode_request import encode_request
from pointsman.dialects.anthropic.errors import error_frame, parse_error, render_error
from pointsman.dialects.anthropic.kinds import KINDS, ROLES
from pointsman.dialects.anthropic.losses import answer_losses, fold_losses
from pointsman.dialects.anthropic.relay import rewrite_reason
from pointsman.dialects.anthropic.request import decode_request
from pointsman.dialects.anthropic.words import NAME, VERSION
from pointsman.dialects.dialect import Dialect, Route
from pointsman.wire.shape import TurnRules

DIALECT = Dialect(
    name=NAME,
    title="Anthropic Messages",
    routes=(Route("/messages", "generate"), Route("/messages/count_tokens", "count_tokens")),
    paths={"generate": "/v1/messages", "count_tokens": "/v1/messages/count_tokens"},
    models_path="/v1/models",
    request_headers=(("content-type", "application/json"), ("anthropic-version", VERSION)),
    ping=PING,
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
    count_answer=count_answer,
    count_request=count_request,
    read_count=read_count,
    model_list="pages",
    sign_header="anthropic-version",
    request_id_header="request-id",
    turn_rules=TurnRules(ROLES, content_required=True),
    kinds=KINDS,
    beta_field="anthropic-beta",
    instructions=("system",),
    opaque=("signature", "data"),
)
