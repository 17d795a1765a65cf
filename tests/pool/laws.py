"""What holds in every simulation, whatever the provider does and whichever strategy chooses."""

from collections import defaultdict

from pointsman.routing.standing import LIMIT_PROBE_EVERY

from .house import House
from .provider import Arrival


def check(house: House) -> None:
    """All laws."""
    assert not house.roomy, "a limit reached a client although an account had room"
    assert not house.provider.strayed, "opaque state went to an account that did not make it"
    check_attempts(house)
    check_limits(house)
    check_end(house)


def check_attempts(house: House) -> None:
    """A request is answered once at the most, goes nowhere after that, and never tries without end."""
    most = house.most
    for tag, met in by_tag(house).items():
        ends = [each.end for each in met]
        assert "served" not in ends[:-1], f"{tag} was sent on after its answer: {ends}"
        assert len(met) <= most, f"{tag} was tried too often: {ends}"
    answered = sum(answer.status == 200 and answer.whole for answer in house.answers)
    assert answered <= len(house.provider.served())


def check_limits(house: House) -> None:
    """Beyond a full window come no more than were under way before anyone could know, and the few that find
    out whether it is still full where nobody else can serve."""
    over = [each for each in house.provider.excesses() if each[1] > each[2] + each[3] // LIMIT_PROBE_EVERY]
    assert not over, f"(account, refused, under way, seconds): {over}"


def check_end(house: House) -> None:
    """Nothing is left reserved."""
    assert all(account.in_flight == 0 for account in house.provider.accounts.values())
    assert all(house.standing(alias).in_flight == 0 for alias in house.provider.accounts)
    assert len(house.pool.queue) == 0


def by_tag(house: House) -> dict[str, list[Arrival]]:
    """Each request's arrivals at the provider, in order."""
    found: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in house.provider.arrivals:
        found[arrival.tag].append(arrival)
    return found


def cache_share(house: House) -> float:
    """Which part of all prompts a cache had."""
    served = house.provider.served()
    return sum(each.read for each in served) / sum(each.prompt for each in served)
