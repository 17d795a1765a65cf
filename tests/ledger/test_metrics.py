"""The metrics: what is counted, within how many series, and how a text is escaped."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from records import record

from pointsman.canon.usage import Usage
from pointsman.ledger.exposition import Distribution, Family, written
from pointsman.ledger.metrics import MOST_MODELS, Metrics


def lines(metrics, name):
    return [line for text in metrics.written() for line in text.splitlines() if line.startswith(name)]


def test_there_are_at_most_so_many_models_and_the_rest_is_other():
    metrics = Metrics()

    metrics([record(model=f"m-{number}") for number in range(3 * MOST_MODELS)])

    found = lines(metrics, "pointsman_requests_total{")
    assert len(found) == MOST_MODELS + 1
    assert found[-1].endswith(f" {2 * MOST_MODELS}")
    assert 'model="other"' in found[-1]


def test_a_model_that_has_answered_keeps_its_series_when_it_fails():
    metrics = Metrics()

    metrics(
        [record(model="m"), record(model="m", status=529, error="overloaded"), record(model="n", status=404)]
    )

    assert [
        line.partition("} ")[0].split(",")[1] for line in lines(metrics, "pointsman_requests_total{")
    ] == [
        'model="m"',
        'model="m"',
        'model="other"',
    ]


def test_unknown_cost_is_not_zero():
    metrics = Metrics()

    metrics([record(cost=None), record(cost=Decimal("0.1")), record(cost=Decimal("0.2"))])
    metrics([record(cost=None, usage=Usage())])
    metrics([record(cost=None, bucket="unknown"), record(cost=None, bucket="local")])

    assert lines(metrics, "pointsman_cost_dollars_total{")[0].endswith(" 0.3")
    assert sum(float(line.split()[-1]) for line in lines(metrics, "pointsman_unpriced_requests_total{")) == 2


def test_attempts_are_counted_by_backend_and_outcome():
    metrics = Metrics()
    attempts = ["first/work refused 429", "first/- out 429", "work/default committed"]

    metrics([record(attempts=attempts), record(attempts=["unreachable 502"], status=502)])

    assert sorted(lines(metrics, "pointsman_attempts_total{")) == [
        'pointsman_attempts_total{backend="first",outcome="out"} 1',
        'pointsman_attempts_total{backend="first",outcome="refused"} 1',
        'pointsman_attempts_total{backend="work",outcome="committed"} 1',
        'pointsman_attempts_total{backend="work",outcome="unreachable"} 1',
    ]
    assert lines(metrics, "pointsman_failovers_total{") == ['pointsman_failovers_total{backend="work"} 1']


def test_labels_hold_any_text():
    family = Family("a_total", "counter", "Two\nlines.", ("model",))

    assert "".join(written(family, {('a"b\\c\nd',): 1})) == (
        '# HELP a_total Two\\nlines.\n# TYPE a_total counter\na_total{model="a\\"b\\\\c\\nd"} 1\n'
    )


@given(st.lists(st.floats(0, 100), max_size=50))
def test_a_distribution_counts_each_value_at_most_so_high(values):
    spread = Distribution((0.5, 1.0, 50.0))

    for value in values:
        spread.add(value)

    assert [count for _, count in spread.reached()] == [
        sum(value <= bound for value in values) for bound in (0.5, 1.0, 50.0, float("inf"))
    ]
    assert spread.total == sum(values)


def test_failures_are_told_apart_in_a_few_words():
    metrics = Metrics()
    failures = [
        {"status": 529, "error": "some-code-of-the-provider-1"},
        {"status": 529, "error": "some-code-of-the-provider-2"},
        {"status": 200, "error": "overloaded_error"},
        {"status": None, "error": "client_gone"},
        {"status": 401, "error": "authentication_error", "reject": "authorization", "backend": None},
    ]

    metrics([record(), *[record(**failure) for failure in failures]])

    assert sorted(lines(metrics, "pointsman_errors_total{")) == [
        'pointsman_errors_total{backend="",kind="rejected"} 1',
        'pointsman_errors_total{backend="work",kind="5xx"} 2',
        'pointsman_errors_total{backend="work",kind="broken"} 1',
        'pointsman_errors_total{backend="work",kind="client_gone"} 1',
    ]
