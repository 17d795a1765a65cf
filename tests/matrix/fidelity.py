"""The fidelity of each pair of dialects: what becomes of each feature between them, and why."""

import json

from msgspec import Struct, structs

from matrix.crossing import ASKED, ORIGIN, losses_as_text, target
from matrix.facts import differences, of_answer, of_request
from matrix.features import ANSWERED, ASKED_FOR, NOTHING, Feature, Told
from pointsman.canon.errors import RequestError
from pointsman.canon.request import Request
from pointsman.dialects.dialect import Dialect
from pointsman.dialects.gather import gather
from pointsman.dialects.registry import DIALECTS, SERVED

WORDS = {"carried": "●", "approximated": "◐", "dropped": "○", "refused": "✕"}


class Cell(Struct, frozen=True):
    """What becomes of one feature between two dialects."""

    fate: str
    """A key of `WORDS`."""
    why: str = ""


def _fate(losses):
    """The worst of these losses in one cell."""
    for fate in ("dropped", "approximated"):
        why = [loss for loss in losses if loss.startswith(fate + " ")]
        if why:
            return Cell(fate, "; ".join(each.removeprefix(fate + " ") for each in why))
    return Cell("carried")


# Requests


def said(feature: Feature, source: str):
    """(the request with the feature, the same without), as clients of the dialect send them.

    None where the dialect cannot say it.
    """
    dialect = DIALECTS[source]
    everything = target(cache_marks="cache_control", top_k=True, prompt_cache_key=True)
    plain = dialect.encode_request(feature.base, everything)
    base = dialect.decode_request(plain.body)
    if feature.request is None:
        added = feature.native.get(source)
        return None if added is None else (dialect.decode_request(_merged(plain.body, added)), base)
    try:
        encoded = dialect.encode_request(feature.request, everything)
    except RequestError:
        return None
    if set(encoded.losses) - set(plain.losses):
        return None
    return dialect.decode_request(encoded.body), base


def _merged(body, added):
    merged = json.loads(json.dumps(body))
    for name, value in added.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = {**merged[name], **value} if both else value
    return merged


def _sent(request: Request, to: Dialect):
    return to.encode_request(structs.replace(request, model="sent"), target())


def of_feature(feature: Feature, source: str, to: str) -> Cell | None:
    """What becomes of a request's feature; None where the source has no such thing."""
    pair = said(feature, source)
    if pair is None:
        return None
    request, base = pair
    known = losses_as_text(_sent(base, DIALECTS[to]).losses)
    try:
        losses = losses_as_text(_sent(request, DIALECTS[to]).losses)
    except RequestError as error:
        return Cell("refused", error.message)
    return _fate([loss for loss in losses if loss not in known])


def arrives(feature: Feature, source: str, to: str) -> set[str]:
    """The labels of the facts that the feature loses on the way, beside those that the base loses."""
    request, base = said(feature, source)
    return _changed(request, DIALECTS[to]) - _changed(base, DIALECTS[to])


def _changed(request: Request, to: Dialect) -> set[str]:
    encoded = _sent(request, to)
    lost, made = differences(of_request(request), of_request(to.decode_request(encoded.body), encoded.names))
    return lost | made


# Answers


def answered(told: Told, source: str):
    """The events of the answer as an upstream of the dialect gives it; None where it cannot."""
    dialect = DIALECTS[source]
    if told.answer is None:
        body = told.native.get(source)
        return None if body is None else list(dialect.whole(body, ORIGIN))
    if dialect.fold_losses(told.answer, ASKED):
        return None
    events = list(dialect.whole(dialect.fold(told.answer, ASKED), ORIGIN))
    lost, made = differences(of_answer(told.answer), of_answer(gather(events)))
    return None if lost | made else events


def of_answered(told: Told, source: str, to: str) -> Cell | None:
    """What becomes of an answer's feature; None where the source has no such thing."""
    events = answered(told, source)
    if events is None:
        return None
    return _fate([loss for loss in _missed(events, to) if loss not in _missed(answered(NOTHING, source), to)])


def _missed(events, to):
    dialect = DIALECTS[to]
    losses = [loss for event in events for loss in dialect.answer_losses(event)]
    return losses_as_text([*losses, *dialect.fold_losses(gather(events), ASKED)])


def is_read(told: Told, source: str, to: str) -> set[str]:
    """The labels of the facts that a client of the other dialect does not read."""
    events = answered(told, source)
    sent = gather(events)
    dialect = DIALECTS[to]
    lost, made = differences(
        of_answer(sent), of_answer(gather(dialect.whole(dialect.fold(sent, ASKED), ORIGIN)))
    )
    return lost | made


# The page

PAGE = """\
# Fidelity

<!-- Written by the tests: pytest tests/matrix/test_fidelity.py --update-golden -->

What becomes of each thing that a request or an answer may hold, for every pair of wire APIs. Where both
sides speak the same one, bytes are relayed, and there is nothing to lose.

{key}

An empty cell: the client's API (for answers: the backend's) has no such thing. The backend here takes all
that its API documents; what a single provider or model refuses is a row in `catalog/`, and is reported in
the same way. What is lost of a request or an answer of yours stands in its `x-pointsman-losses` header
([translation](../translation.md)).

{tables}
"""
KEY = {
    "carried": "arrives with its meaning whole",
    "approximated": "something near to it arrives",
    "dropped": "does not arrive; the answer is made without it",
    "refused": "the request is refused with a 400 that says why: the answer would be another",
}


def page() -> str:
    """The whole page."""
    key = "\n".join(f"- {WORDS[fate]} {fate}: {meaning}" for fate, meaning in KEY.items())
    return PAGE.format(key=key, tables="\n\n".join(_tables()))


def _tables():
    for source in SERVED:
        dialect, others = DIALECTS[source], [name for name in DIALECTS if name != source]
        rows = [(each.name, [of_feature(each, source, to) for to in others]) for each in ASKED_FOR]
        heads = [DIALECTS[name].title for name in others]
        yield f"## A client of {dialect.title}: its requests\n\n" + _table("to a backend of", heads, rows)
    for to in SERVED:
        dialect, others = DIALECTS[to], [name for name in DIALECTS if name != to]
        rows = [(each.name, [of_answered(each, source, to) for source in others]) for each in ANSWERED]
        heads = [DIALECTS[name].title for name in others]
        yield f"## A client of {dialect.title}: its answers\n\n" + _table("from a backend of", heads, rows)


def _table(what, heads, rows):
    """A table and the reasons behind its marks, each reason once."""
    reasons: dict[str, int] = {}
    lines = [f"| {what} | {' | '.join(heads)} |", "| --- |" + " :---: |" * len(heads)]
    for name, cells in rows:
        if any(cells):
            lines.append(f"| {name} | {' | '.join(_mark(cell, reasons) for cell in cells)} |")
    notes = [f"{number}. {why}" for why, number in reasons.items()]
    return "\n".join(lines) + ("\n\n" + "\n".join(notes) if notes else "")


def _mark(cell, reasons):
    if cell is None:
        return ""
    if not cell.why:
        return WORDS[cell.fate]
    return f"{WORDS[cell.fate]} {reasons.setdefault(cell.why, len(reasons) + 1)}"
