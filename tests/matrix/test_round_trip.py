"""Law 5 for requests: what is lost is named, what is named is lost, and nothing else changes."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from matrix.conversations import requests_in
from matrix.crossing import CROSSED, cases, target
from matrix.facts import differences, of_request
from matrix.naming import labels_of
from pointsman.canon.errors import RequestError
from pointsman.dialects.registry import DIALECTS

some = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
each_pair = pytest.mark.parametrize(("source", "to"), CROSSED)


def step(request, to):
    """(the request as an upstream of the dialect reads it, its losses, the names to restore)."""
    encoded = DIALECTS[to].encode_request(request, target())
    arrived = DIALECTS[to].decode_request(encoded.body)
    if not arrived.model:  # it stands in the path, and so does whether to stream
        arrived = structs.replace(arrived, model=request.model, stream=request.stream)
    return arrived, encoded.losses, dict(encoded.names)


def assert_losses_tell_all(request, to):
    """One step: what changed is named, and what is named has changed. Returns the request there."""
    arrived, losses, names = step(request, to)
    lost, made = differences(of_request(request), of_request(arrived, names))
    named = [(loss.what, labels_of(loss, request)) for loss in losses]

    told = set().union(*(labels for _, labels in named))
    assert lost - told == set(), f"lost in silence: {sorted(lost - told)}"
    assert made - told == set(), f"made up in silence: {sorted(made - told)}"
    assert [what for what, labels in named if labels and not labels & (lost | made)] == [], (
        "named, but not lost"
    )
    return arrived


def there_and_back(request, source, to):
    """Both steps, as far as nobody refuses."""
    try:
        assert_losses_tell_all(assert_losses_tell_all(request, to), source)
    except RequestError as refused:
        assert refused.message  # noqa: PT017 - any of the requests may be refused, none must be


@each_pair
@some
@given(data=st.data())
def test_a_request_loses_exactly_what_is_named(source, to, data):
    request = DIALECTS[source].decode_request(data.draw(requests_in(DIALECTS[source])))
    there_and_back(request, source, to)


@pytest.mark.parametrize(
    ("path", "source", "to"),
    [
        pytest.param(path, source, to, id=f"{case}.{source}.{to}")
        for case, name, path in cases("requests", ".json")
        for source, to in CROSSED
        if name == source
    ],
)
def test_a_real_request_loses_exactly_what_is_named(path, source, to):
    request = DIALECTS[source].decode_request(json.loads(path.read_text()))
    there_and_back(request, source, to)
