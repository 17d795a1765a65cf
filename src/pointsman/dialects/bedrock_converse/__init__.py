"""Amazon Bedrock's Converse and ConverseStream (docs.aws.amazon.com/bedrock/latest/APIReference).

Spoken to upstreams only: the API signs its requests, so no client can be pointed at another address as it is.
The codec is complete in both directions all the same.
"""

from pointsman.dialects.bedrock_converse.answer import fold
from pointsman.dialects.bedrock_converse.counting import count_answer, count_request, read_count
from pointsman.dialects.bedrock_converse.decode import StreamDecoder, decode_whole, summary
from pointsman.dialects.bedrock_converse.encode import StreamEncoder
from pointsman.dialects.bedrock_converse.encode_request import encode_request
from pointsman.dialects.bedrock_converse.errors import error_frame, parse_error, render_error
from pointsman.dialects.bedrock_converse.losses import answer_losses, fold_losses
from pointsman.dialects.bedrock_converse.relay import rewrite_reason
from pointsman.dialects.bedrock_converse.request import decode_request
from pointsman.dialects.bedrock_converse.words import NAME
from pointsman.dialects.dialect import Dialect

DIALECT = Dialect(
    name=NAME,
    title="Amazon Bedrock Converse",
    routes=(),
    paths={"generate": "/model/{model}/converse", "count_tokens": "/model/{model}/count-tokens"},
    stream_paths={"generate": "/model/{model}/converse-stream"},
    models_path="",
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
    count_answer=count_answer,
    count_request=count_request,
    read_count=read_count,
    request_id_header="x-amzn-requestid",
)
