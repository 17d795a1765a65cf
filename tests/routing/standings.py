"""Standings and rosters of every kind, for property tests."""

from math import inf

from hypothesis import strategies as st

from pointsman.routing.allowance import Allowance
from pointsman.routing.breaker import Breaker
from pointsman.routing.roster import Need, Roster
from pointsman.routing.selectors import SELECTORS
from pointsman.routing.snapshot import Account
from pointsman.routing.standing import EVERY, Block, Standing
from pointsman.routing.window import Window

NOW = 1000.0
MODELS = ("opus", "sonnet")
ALIASES = ("a", "b", "c", "d")
TIMES = st.sampled_from([0.0, NOW - 1, NOW, NOW + 1, NOW + 7200])
WINDOWS = st.builds(
    Window,
    st.sampled_from(["requests", "tokens", "five_hour"]),
    st.floats(0, 1.5),
    st.none() | TIMES,
    st.none() | st.floats(1, 100),
    st.none() | st.floats(0, 100),
    st.sampled_from([(), ("opus*",), ("son*",)]),
)
BLOCKS = st.dictionaries(
    st.sampled_from([EVERY, *MODELS]),
    st.builds(Block, TIMES | st.just(inf), st.just("why"), st.sampled_from(["limit", "refused"]), TIMES),
    max_size=2,
)
BREAKERS = st.builds(Breaker, st.integers(0, 9), st.integers(0, 3), TIMES)
SPENT = st.lists(st.tuples(TIMES, st.floats(0, 50)), max_size=3).map(sorted)
ALLOWANCES = st.none() | st.builds(Allowance, st.floats(1, 100), SPENT)


@st.composite
def standings(draw, alias="a"):
    """One account's, in any state."""
    account = Account(
        alias, weight=draw(st.floats(0.1, 10)), max_in_flight=draw(st.none() | st.integers(1, 4))
    )
    return Standing(
        account,
        in_flight=draw(st.integers(0, 4)),
        unheard=draw(st.sets(st.integers(1, 4), max_size=4)),
        windows=tuple(draw(st.lists(WINDOWS, max_size=2))),
        status=draw(st.sampled_from([None, None, "allowed", "rejected"])),
        reported=draw(st.none() | TIMES),
        blocks=draw(st.just({}) | BLOCKS),
        breaker=draw(st.just(Breaker()) | BREAKERS),
        requests=draw(ALLOWANCES),
        tokens=draw(ALLOWANCES),
        paced=draw(TIMES),
        served=draw(st.floats(0, 50)),
        turn=draw(st.integers(0, 50)),
        latency=draw(st.none() | st.floats(0, 10)),
        missing=draw(st.sampled_from(["", "", "", "it has no key"])),
    )


@st.composite
def rosters(draw):
    """A backend's, with up to four accounts."""
    made = {alias: draw(standings(alias)) for alias in ALIASES[: draw(st.integers(1, 4))]}
    choose = SELECTORS[draw(st.sampled_from(list(SELECTORS)))]
    breaker = draw(st.just(Breaker()) | BREAKERS)
    return Roster("backend", choose, made, breaker, draw(st.none() | st.integers(1, 12)))


NEEDS = st.builds(
    Need,
    st.sampled_from(MODELS),
    st.frozensets(st.sampled_from(ALIASES), max_size=2),
    st.none() | st.sampled_from(ALIASES),
    st.none() | st.sampled_from(ALIASES),
)


def free(alias="a", **fields):
    """An account that nothing hinders."""
    return Standing(Account(alias), **fields)


def roster(*made, strategy="headroom", **fields):
    """A roster of these."""
    return Roster("backend", SELECTORS[strategy], {each.account.alias: each for each in made}, **fields)
