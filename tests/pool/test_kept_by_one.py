"""What only one account can serve, because it keeps what the request goes on from."""

from .house import house
from .limits import HOUR, Window, untold
from .provider import Account, Provider, unlimited
from .tongues import Responses, events
from .virtual import run_virtual


async def two_turns(built):
    """The answers to a question that is to be kept, and to one that goes on from it."""
    tongue = built.provider.tongue

    async def ask(**fields):
        body = {**tongue.body(tongue.model, "", tongue.say("Hello")), "store": True, **fields}
        return await built.send(built.caller(body))

    first = await ask()
    *_, last = events(first.body)
    return first, await ask(previous_response_id=last["response"]["id"])


def pair(seconds):
    """The first is full after one request, the second has room."""
    return Provider([Account("a", (Window("requests", 1, seconds),), untold), unlimited("b")], Responses())


def ends(provider):
    return [(each.account, each.end) for each in provider.arrivals]


def test_its_account_is_waited_for_though_another_has_room():
    provider = pair(50.0)

    async def scenario(loop):
        return await two_turns(house(provider, loop, backend='strategy = "fill-first"'))

    _, answer = run_virtual(scenario)
    assert answer.whole
    assert ends(provider) == [("a", "served"), ("a", "limited"), ("a", "served")]


def test_a_limit_of_its_account_that_stays_is_told_with_that_accounts_reset():
    provider = pair(HOUR)

    async def scenario(loop):
        return await two_turns(house(provider, loop, backend='strategy = "fill-first"'))

    _, answer = run_virtual(scenario)
    assert answer.status == 429
    assert int(answer.header("retry-after")) > 3500
    assert ends(provider) == [("a", "served"), ("a", "limited")]
