"""When a used-up limit opens again, in each of the forms that providers write."""

import pytest
from rig import rig
from voices import ANTHROPIC, CHAT

from pointsman.catalog.provider import RateLimits
from pointsman.gateway.resets import reset_after
from scripted import Upstream, json_reply, run

LIMITS = RateLimits(remaining=("left-requests", "left-tokens"), reset=("reset-requests", "reset-tokens"))
NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1s", 1),
        ("6m0s", 360),
        ("20ms", 0.02),
        ("1h2m3.5s", 3723.5),
        ("7", 7),
        ("7.5", 7.5),
        ("1700000030", 30),
        ("1700000030000", 30),
        ("2023-11-14T22:13:50Z", 30),
        ("2023-11-14T22:13:50", 30),
        ("2020-01-01T00:00:00Z", 0),
        ("soon", None),
        ("", None),
    ],
)
def test_a_reset_is_read_in_every_form(value, seconds):
    found = reset_after((("left-requests", "0"), ("reset-requests", value)), LIMITS, NOW)

    assert found == (None if seconds is None else pytest.approx(seconds))


def test_only_what_is_used_up_is_waited_for_and_the_last_of_it_decides():
    headers = (
        ("left-requests", "3"),
        ("reset-requests", "90s"),
        ("left-tokens", "0"),
        ("reset-tokens", "4s"),
    )
    both = (("left-requests", "0"), ("reset-requests", "9s"), ("left-tokens", "0"), ("reset-tokens", "4s"))

    assert reset_after(headers, LIMITS, NOW) == 4
    assert reset_after(both, LIMITS, NOW) == 9
    assert reset_after((), LIMITS, NOW) is None
    assert reset_after(both, RateLimits(), NOW) is None


def groq(upstream):
    return (
        f'[backends.groq]\nprovider = "groq"\nbase_url = "{upstream.url}/v1"\nkey_env = "K"\nmodels = ["x"]\n'
    )


@pytest.mark.parametrize(("reset", "asked"), [("3.2s", 2), ("2h", 1)])
@pytest.mark.parametrize("client", [CHAT, ANTHROPIC], ids=["relayed", "translated"])
def test_problem_25_a_reset_without_retry_after_is_honoured_and_passed_on(client, reset, asked):
    async def scenario():
        fields = (("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", reset))
        limited = json_reply({"error": {"message": "slow", "type": "requests", "code": None}}, 429, fields)
        async with (
            Upstream(always=limited) as server,
            rig(settings=groq(server), environment={"K": "k"}) as gateway,
        ):
            waited = gateway.hurry()
            answer = await gateway.ask(client, model="groq:x")

            assert answer.status == 429
            assert answer.all("retry-after") == [str({"3.2s": 4, "2h": 7200}[reset])]
            assert len(server.requests) == asked
            assert len(waited) == asked - 1

    run(scenario())
