"""What every dialect offers: pure codecs between its wire form and the canonical one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from pointsman.canon.errors import Fault
from pointsman.canon.events import Answer, Event
from pointsman.canon.intent import Operation
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.embedding import Embedding
from pointsman.dialects.socketed import Socketed
from pointsman.dialects.stateful import Stateful
from pointsman.wire.headers import Headers
from pointsman.wire.shape import TurnRules


class Encoded(Struct, frozen=True):
    """A request in the target's dialect."""

    body: Json
    losses: tuple[Loss, ...] = ()
    names: Mapping[str, str] = {}
    """Tool names that had to change: sent name → the client's name."""


class Origin(Struct, frozen=True):
    """Who answers: what a decoder needs to know beside the bytes."""

    issuer: str = ""
    """The provider, for the opaque state in the answer."""
    names: Mapping[str, str] = {}
    """Tool names to restore: sent name → the client's name."""
    lenient: bool = False
    """Whether frames of a stream that cannot be read are passed over, as an `UnknownEvent` called
    `UNREADABLE` that says why. For a relay, which goes on in any case and must know how the stream ends."""
    answer: str = ""
    """Tells this answer from all others, for ids that the upstream left out; the same at each reading."""
    spelled: bool = True
    """Whether it is told how the pieces of a stream were spelled, for an encoder of the same dialect."""


UNREADABLE = "unreadable"


class Asked(Struct, frozen=True):
    """What the client asked for, as far as the form of its answer depends on it."""

    model: str
    """The name that the client used."""
    message_id: str
    """For an answer whose upstream gave no id; without prefix, `[a-zA-Z0-9]+`."""
    created: int
    """Seconds since the epoch, for an answer whose upstream gave none."""
    include_usage: bool = False
    """Whether a stream ends with usage, where the dialect makes that a choice."""
    call_form: str = ""
    """How tool calls are said, where the dialect has more than one way; from the request."""
    input_estimate: int = 0
    """Input tokens, estimated, for dialects that report them before the upstream does."""
    body: Json = {}
    """The request itself, for dialects whose answers repeat what was asked."""


class Decoder(Protocol):
    """Upstream bytes → events; one per response."""

    def feed(self, data: bytes, /) -> Iterable[Event]:
        """The events that `data` completes. Raises GarbledError."""
        ...

    def close(self) -> Iterable[Event]:
        """The last events. Raises TruncatedError if the answer has not ended."""
        ...


class Encoder(Protocol):
    """Events → client bytes; one per response."""

    def encode(self, event: Event, /) -> bytes:
        """The bytes for an event; may be empty."""
        ...

    def close(self) -> bytes:
        """What ends the stream after `MessageEnd`."""
        ...

    def losses(self) -> tuple[Loss, ...]:
        """What it left out that no event shows by itself; asked at the end."""
        ...


MODEL = "{model}"
"""Stands in a path for the model's name."""


ModelList = Literal["list", "pages", "resources"]
"""OpenAI's `{"data": […]}`; Anthropic's, in pages; Google's `{"models": [{"name": "models/…"}]}`."""


class ArrayFrames(Protocol):
    """A stream's frames → the pieces of one JSON array."""

    def write(self, frames: bytes, /) -> bytes:
        """Whole frames, as items behind those that were written before."""
        ...

    def close(self) -> bytes:
        """The end of the array."""
        ...


class Route(Struct, frozen=True):
    """One endpoint of a dialect. Paths stand without the version prefix (`/v1`)."""

    path: str
    """May hold `{model}` once; then the path tells the form of the answer, too."""
    operation: Operation
    streams: bool = False
    """Whether a request there asks for a stream, where the path tells."""


class Dialect(Struct, frozen=True):
    """A wire API."""

    name: str
    """As in the configuration: `anthropic`, `openai_chat`."""
    title: str
    routes: tuple[Route, ...]
    paths: Mapping[Operation, str]
    """Where each operation lives below an upstream's base URL; may hold `{model}`, and a query of its own."""
    models_path: str
    """Where an upstream lists its models."""
    request_headers: Headers
    """What a translated request to such an upstream carries beside the credential."""
    ping: bytes
    """A frame that keeps a client waiting; empty where the dialect has none."""

    decode_request: Callable[[Json], Request]
    """Raises MalformedError, naming the field."""
    encode_request: Callable[[Request, Target], Encoded]
    """Raises UnsupportedError where a meaning would be lost."""
    rewrite_reason: Callable[[Json | Mapping[str, object], bytes, Traits], str | None]
    """(top-level members, body, traits): why a request in this dialect cannot be relayed as it is; None
    if it can. The members map names to anything; only their presence matters."""
    decoder: Callable[[Origin], Decoder]
    whole: Callable[[Json, Origin], Iterable[Event]]
    """The events of an answer that was not streamed. Raises GarbledError."""
    summary: Callable[[Json], Iterable[Event]]
    """Of an answer that was not streamed, what a relay needs to know: its start and usage, or its failure.
    Raises GarbledError."""
    encoder: Callable[[Asked], Encoder]
    fold: Callable[[Answer, Asked], Json]
    """The answer that is not streamed."""
    answer_losses: Callable[[Event], tuple[Loss, ...]]
    """What this dialect's encoder cannot carry of an answer's event."""
    parse_error: Callable[[int, Headers, bytes], Fault]
    """(status, headers, body) → the error; any body, HTML and empty ones too."""
    render_error: Callable[[Fault, str], Json]
    """(error, our request id) → the body."""
    error_frame: Callable[[Fault, str], bytes]
    """(error, our request id) → the frame that ends a stream which failed."""
    count_answer: Callable[[int], Json]
    """(input tokens) → the body of a token count."""
    fold_losses: Callable[[Answer, Asked], tuple[Loss, ...]]
    """What `fold` cannot carry beside that: what shows only in the whole answer."""
    error_after: Callable[[Decoder, Fault, str], bytes] | None = None
    """(what has followed a relayed stream, error, our request id) → the frame, where it must go on from what
    the stream has said; None where `error_frame` will do."""
    joined: Callable[[Request], Request] | None = None
    """A request for another dialect, where its clients keep one turn as several; None where they don't."""
    stream_paths: Mapping[Operation, str] = {}
    """Where it lives if a stream is asked for, as far as that is elsewhere."""
    version_prefix: str = "/v1"
    """What its clients' paths begin with."""
    event_query: tuple[str, str] | None = None
    """The query's member without which a stream is one JSON array, not server-sent events."""
    array: Callable[[], ArrayFrames] | None = None
    """Makes such an array of frames."""
    model_list: ModelList = "list"
    """How its clients read a list of models."""
    embedding: Embedding | None = None
    """How embeddings are asked for; None where the dialect has none."""
    count_request: Callable[[Json, str], Json] | None = None
    """(a request for an answer, model) → the request that counts its tokens; None where the dialect counts
    none."""
    read_count: Callable[[Json], int | None] | None = None
    """What such a request was answered with, in input tokens; None for what is no count."""
    sign_header: str = ""
    """A header field that only this dialect's clients send; empty where there is none."""
    request_id_header: str = "x-request-id"
    """The header field in which this dialect's clients look for an answer's id."""
    turns_field: str = "messages"
    """The member of a request that holds the conversation, an array with at least one item."""
    beta_field: str = ""
    """The header field in which clients ask for what is in beta."""
    instructions: Sequence[str] = ()
    """Members that hold instructions beside the conversation."""
    opaque: Sequence[str] = ()
    """Members, wherever they stand, that hold opaque state as a text."""
    wrapping: str = ""
    """A member of a request for a count that may hold the request itself, its model's name included."""
    turns_text: bool = False
    """Whether that member may be a text, too."""
    turns_elsewhere: Sequence[str] = ()
    """Members in whose presence that one may be missing or empty: the conversation stands elsewhere."""
    turn_rules: TurnRules = TurnRules()
    """What each turn must be; one that is not is refused, relayed or not."""
    kinds: Mapping[Operation, Mapping[str, str]] = {}
    """Members of a request → what they must be, if they are not null: `string`, `array`, `object`, `boolean`,
    `number`, `integer`, `objects`, `strings`, or several of them apart by `|`. Only what the dialect's page
    states."""
    stateful: Stateful | None = None
    """How its answers are kept and continued; None where each request stands alone."""
    socketed: Socketed | None = None
    """How it is spoken over a WebSocket; None where it is not."""
