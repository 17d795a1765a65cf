"""From one dialect to another, as the gateway goes: requests, answers and streams, with what they lose."""

import json
from importlib import import_module
from pathlib import Path

from msgspec import structs

from dialects.laws import events_of, rendered
from pointsman.canon.errors import RequestError
from pointsman.canon.events import Failure, MessageStart, UsageReport
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.dialect import Asked, Origin
from pointsman.dialects.gather import gather, merge_usage
from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.crossing import put_across

CORPUS = Path(__file__).parents[1] / "corpus"
ASKED = Asked(model="asked", message_id="0a", created=1_700_000_000, include_usage=True, input_estimate=11)
ORIGIN = Origin(issuer="maker")
PAIRS = [(source, target) for source in DIALECTS for target in DIALECTS]
CROSSED = [(source, target) for source, target in PAIRS if source != target]


def cases(folder, suffix):
    """(case, dialect, path) of every file of the corpus in a folder of that name."""
    return [
        (path.name.removesuffix(suffix), name, path)
        for name in DIALECTS
        for path in sorted((CORPUS / name / folder).glob(f"*{suffix}"))
    ]


def target(model="sent", issuer="maker", **traits):
    """A target that follows its dialect, but for these traits."""
    return Target(model, issuer, Traits(**traits))


def losses_as_text(losses):
    """Each loss once, in one line."""
    return list(dict.fromkeys(f"{loss.kind} {loss.what}: {loss.why}" for loss in losses))


def translated(source, to, body, target_):
    """What an upstream of the dialect `to` gets of a request, or why it gets nothing."""
    try:
        request, lost = DIALECTS[source].decode_request(body), ()
        if to != source:
            request, lost = put_across(request, DIALECTS[source])
        encoded = DIALECTS[to].encode_request(request, target_)
    except RequestError as error:
        return {"refused": {"code": error.code, "param": error.param, "message": error.message}}
    told = {"losses": losses_as_text((*lost, *encoded.losses)), "body": encoded.body}
    return {**told, "names": dict(encoded.names)} if encoded.names else told


def told(to, events):
    """What a client of the dialect `to` reads in a whole answer, what it misses, and what the tap counts."""
    dialect = DIALECTS[to]
    failed = next((event for event in events if isinstance(event, Failure)), None)
    if failed is not None:
        return {"error": dialect.render_error(failed.fault, "req_0"), "status": failed.fault.status}
    return {
        "losses": losses_as_text(loss for event in events for loss in dialect.answer_losses(event)),
        "usage": counts(events),
        "answer": dialect.fold(gather(events), ASKED),
    }


def counts(events):
    """The buckets that the tap fills from these events."""
    usage = None
    for event in events:
        if isinstance(event, UsageReport | MessageStart) and event.usage is not None:
            usage = merge_usage(usage, event.usage)
    known = {} if usage is None else structs.asdict(usage)
    return {name: value for name, value in known.items() if value is not None and name != "extra"}


def streamed(source, stream):
    """The events of a stream of the dialect `source`."""
    return events_of(DIALECTS[source], stream, origin=ORIGIN)


def whole(source, body):
    """The events of a whole answer of the dialect `source`."""
    return list(DIALECTS[source].whole(body, ORIGIN))


def as_stream(to, events, asked=ASKED):
    """The stream for a client of the dialect `to`."""
    return rendered(DIALECTS[to], events, asked)


def readable(value):
    """JSON for people."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def strategies_of(name):
    """The strategies that a dialect's author wrote for it."""
    return import_module(f"dialects.{name}.strategies")
