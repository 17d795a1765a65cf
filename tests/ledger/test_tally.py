"""The tally: what it counts of each exchange, and what it does not keep."""

from pointsman.canon.loss import Loss
from pointsman.ledger.tally import MANY, Tally
from pointsman.ledger.trace import Trace


def trace(*what, backend="desk", dialect="chat"):
    losses = [Loss("dropped", each, "the target has none") for each in what]
    return Trace("1", "POST", "/", 0.0, dialect=dialect, backend=backend, losses=losses)


def test_losses_are_counted_once_an_exchange_wherever_in_a_list_they_stand():
    tally = Tally()

    tally.add(trace("messages[0].x", "messages[7].x", "top_k"))
    tally.add(trace("messages[3].x"))

    counted = {loss.what: times for loss, times in tally.backends["desk"].lost["chat"].items()}
    assert counted == {"messages[].x": 2, "top_k": 1}


def test_names_that_clients_make_up_do_not_fill_the_memory():
    tally = Tally()

    for number in range(3 * MANY):
        tally.add(trace(f"field_{number}", "top_k"))

    kinds = tally.backends["desk"].lost["chat"]
    assert len(kinds) == MANY
    assert max(kinds.values()) == 3 * MANY


def test_an_exchange_that_reached_nobody_counts_as_a_request_alone():
    tally = Tally()

    tally.add(trace("x", backend=None))

    assert (tally.requests, tally.backends) == (1, {})
