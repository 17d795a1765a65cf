"""The readers of the dialects: requests, answers, streams and errors, each carried on to every dialect."""

from collections.abc import Callable, Iterable, Iterator

from fuzz.target import Target, corpus, die, pieces, unless_refused
from matrix.crossing import ASKED, ORIGIN
from pointsman.canon import traits as canon
from pointsman.canon.errors import PointsmanError, RequestError, TruncatedError, UpstreamError
from pointsman.canon.events import Event, Failure, MessageEnd
from pointsman.canon.request import Request
from pointsman.canon.traits import Traits
from pointsman.dialects.dialect import Dialect, Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.estimate import estimate
from pointsman.wire.json import decode_object, encode, peek
from pointsman.wire.shape import check_kinds, check_turns
from pointsman.wire.sse import FrameReader

LENIENT = Origin(issuer="maker", names={"f_1": "f.1"}, lenient=True)
TRAITS = (
    Traits(),
    Traits(tool_name_limit=8, tool_name_charset="a-zA-Z0-9_-", tool_id_limit=9, tool_id_charset="a-zA-Z0-9"),
    Traits(schema_subset="openapi", developer_role=False, mid_system="user", images=False, max_output=99),
    Traits(schema_subset="plain", echo_reasoning="all", reasoning="thinking", effort_budgets={"low": 1024}),
    Traits(
        schema_subset="grammar", reasoning="reasoning_object", efforts=("low", "high"), tool_choice=("auto",)
    ),
    Traits(reasoning="none", tools=False, output_formats=(), refused_fields=("temperature", "reasoning")),
)
"""Servers that follow their dialect, and some that do not."""


def read_request(source: Dialect, data: bytes) -> None:
    """As the endpoint and the pipeline read a body."""
    unless_refused(_look, source, data, by=RequestError)
    body = unless_refused(decode_object, data, by=RequestError)
    request = body and unless_refused(source.decode_request, body, by=RequestError)
    if not body or not request:
        return
    estimate(request)
    traits = die(data).choice(TRAITS)
    source.rewrite_reason(body, data, traits)
    for to in DIALECTS.values():
        unless_refused(_write, to, request, traits, by=RequestError)


def _look(source: Dialect, data: bytes) -> None:
    members = peek(data).members
    check_kinds(data, members, source.kinds.get("generate", {}))
    check_turns(data, members, source.turns_field, source.turn_rules)


def _write(to: Dialect, request: Request, traits: Traits) -> None:
    body = to.encode_request(request, canon.Target("sent", "maker", traits)).body
    encode(body)
    if to.count_request is not None:
        encode(to.count_request(body, "m"))


def read_answer(source: Dialect, data: bytes) -> None:
    """As an answer that was not streamed, as what a relay looks at, and as a count."""
    body = unless_refused(decode_object, data, by=RequestError)
    if body is None:
        return
    unless_refused(lambda: list(source.summary(body)), by=UpstreamError)
    events = unless_refused(lambda: list(source.whole(body, ORIGIN)), by=UpstreamError)
    say(events or [])
    if source.read_count is not None:
        source.read_count(body)


def read_stream(source: Dialect, data: bytes) -> None:
    """At once and in pieces, and as a tap; what is read is said in every dialect."""
    at_once, wrong = outcome(source, [data], ORIGIN)
    in_pieces, wrong_in_pieces = outcome(source, pieces(data), ORIGIN)
    assert wrong == wrong_in_pieces
    assert wrong is not None or in_pieces == at_once
    say(in_pieces, wrong)
    assert outcome(source, pieces(data), LENIENT)[1] in (None, TruncatedError)


def outcome(
    source: Dialect, chunks: Iterable[bytes], origin: Origin
) -> tuple[list[Event], type[PointsmanError] | None]:
    """The events, and what ended them."""
    decoder = source.decoder(origin)
    events: list[Event] = []
    try:
        for chunk in chunks:
            events.extend(decoder.feed(chunk))
        events.extend(decoder.close())
    except UpstreamError as error:
        return events, type(error)
    return events, None


def say(events: list[Event], wrong: type[PointsmanError] | None = None) -> None:
    """The events have a form for every client, streamed and whole."""
    for to in DIALECTS.values():
        encoder = to.encoder(ASKED)
        for event in events:
            encoder.encode(event)
            to.answer_losses(event)
        if wrong is None:
            encoder.close()
        encoder.losses()
        failed = any(isinstance(event, Failure) for event in events)
        if not failed and any(isinstance(event, MessageEnd) for event in events):
            answer = gather(events)
            encode(to.fold(answer, ASKED))
            to.fold_losses(answer, ASKED)


def read_error(source: Dialect, data: bytes) -> None:
    """As the body of any status; every dialect has a word for it."""
    chance = die(data)
    fault = source.parse_error(chance.choice((200, 400, 401, 404, 418, 429, 500, 529)), (), data)
    assert fault.message
    for to in DIALECTS.values():
        encode(to.render_error(fault, "req_0"))
        to.error_frame(fault, "req_0")


_READERS: dict[str, Callable[[Dialect, bytes], None]] = {
    "request": read_request,
    "answer": read_answer,
    "stream": read_stream,
    "error": read_error,
}
_SEEDS = {
    "request": (("requests",), ".json"),
    "answer": (("answers", "errors"), ".json"),
    "stream": (("streams", "errors"), ".sse"),
    "error": (("errors", "answers"), ".json"),
}


def _target(dialect: Dialect, what: str) -> Target:
    folders, suffix = _SEEDS[what]
    files = corpus(dialect.name, *folders, suffix=suffix)
    return Target(
        f"{dialect.name}.{what}",
        lambda data: _READERS[what](dialect, data),
        (lambda: _and_arrays(files())) if what == "stream" and dialect.event_query else files,
        "stream" if what == "stream" else "json",
    )


def _and_arrays(streams: Iterator[bytes]) -> Iterator[bytes]:
    """Streams as events, and as the arrays that the dialect has, too."""
    for stream in streams:
        yield stream
        yield b"[" + b",".join(frame.data for frame in FrameReader().feed(stream + b"\n\n")) + b"]"


def targets() -> Iterator[Target]:
    """Four for each dialect."""
    for dialect in DIALECTS.values():
        for what in _READERS:
            yield _target(dialect, what)
