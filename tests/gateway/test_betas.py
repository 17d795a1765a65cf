"""Beta flags: passed through, added, and left out where an account was refused them."""

import json

import pytest
from rig import backend_table, rig
from voices import ANTHROPIC, CHAT

from pointsman.config.load import load
from scripted import Upstream, json_reply, run

EDITING = "context-management-2025-06-27"
EFFORT = "effort-2025-11-24"
ODD = "brand-new-2027-01-01"
BODY = (
    b'{"model": "anthropic:%s", "max_tokens":  9, "context_management": {"edits": []}, '
    b'"output_config": {"effort": "low", "x": 1.50}, "messages": [{"role":"user","content":"Hi"}]}'
    % ANTHROPIC.model.encode()
)


def unexpected(*flags):
    named = ", ".join(f"`{flag}`" for flag in flags)
    message = (
        f"Unexpected value(s) {named} for the `anthropic-beta` header. Please consult our documentation."
    )
    return ANTHROPIC.refusal(400, "invalid_request_error", message)


EXTRA = ANTHROPIC.refusal(400, "invalid_request_error", "context_management: Extra inputs are not permitted")
INVALID = ANTHROPIC.refusal(400, "invalid_request_error", "invalid beta flag")


def betas(*flags):
    return ("anthropic-beta", ",".join(flags))


async def post(gateway, *flags, body=BODY):
    heads = [pair for pair in ANTHROPIC.headers if pair[0] != "anthropic-beta"]
    return await gateway.post("/v1/messages", body, *heads, *([betas(*flags)] if flags else []))


def sent(seen):
    return tuple(filter(None, (seen.header("anthropic-beta") or "").split(",")))


def exchanged(*replies, flags=(EDITING, EFFORT), times=1, **config):
    """The answers to so many requests, and what the upstream saw of them."""

    async def scenario():
        async with Upstream(*replies) as server, rig(anthropic=server, **config) as gateway:
            return [await post(gateway, *flags) for _ in range(times)], server.requests

    return run(scenario())


@pytest.mark.parametrize(
    ("settings", "flags", "seen"),
    [
        ("", (EDITING, ODD), (EDITING, ODD)),
        (f'passthrough_betas = ["{EFFORT}"]', (EDITING,), (EDITING, EFFORT)),
        (f'passthrough_betas = ["{EDITING}"]', (EDITING,), (EDITING,)),
        (f'passthrough_betas = ["{EFFORT}"]', (), (EFFORT,)),
    ],
    ids=["as sent", "added", "once", "where none was sent"],
)
def test_what_the_client_sent_stays_and_the_users_own_are_added(settings, flags, seen):
    answers, requests = exchanged(ANTHROPIC.whole(), flags=flags, settings=settings)

    assert answers[0].status == 200
    assert sent(requests[0]) == seen
    assert answers[0].header("x-pointsman-losses") is None


def test_they_are_added_to_translated_requests_too_and_to_no_other_api():
    async def scenario():
        async with (
            Upstream(ANTHROPIC.whole()) as server,
            Upstream(CHAT.whole()) as other,
            rig(
                settings=f'passthrough_betas = ["{EFFORT}"]',
                anthropic=server,
                openai_chat=other,
            ) as gateway,
        ):
            await gateway.ask(CHAT, backend="anthropic")
            await gateway.ask(ANTHROPIC, backend="openai_chat")
            return server.requests[0], other.requests[0]

    seen, other = run(scenario())

    assert sent(seen) == (EFFORT,)
    assert other.header("anthropic-beta") is None


def test_a_refused_flag_goes_with_its_members_for_one_more_try_and_is_remembered():
    replies = (unexpected(EDITING), ANTHROPIC.whole(), ANTHROPIC.whole())

    answers, requests = exchanged(*replies, times=2)

    assert [answer.status for answer in answers] == [200, 200]
    assert [sent(seen) for seen in requests] == [(EDITING, EFFORT), (EFFORT,), (EFFORT,)]
    first, *others = (json.loads(seen.body) for seen in requests)
    assert "context_management" in first
    assert all("context_management" not in each for each in others)
    assert b'"output_config":{"effort": "low", "x": 1.50}' in requests[1].body
    for answer in answers:
        assert f"dropped anthropic-beta: {EDITING}" in answer.header("x-pointsman-losses")
        assert answer.header("x-pointsman-form") == "relay"


def test_a_member_within_another_goes_alone():
    _, requests = exchanged(unexpected(EFFORT), ANTHROPIC.whole())

    body = json.loads(requests[1].body)
    assert body["output_config"] == {"x": 1.5}
    assert "context_management" in body


def test_a_member_that_is_refused_takes_its_flag_along():
    answers, requests = exchanged(EXTRA, ANTHROPIC.whole())

    assert answers[0].status == 200
    assert sent(requests[1]) == (EFFORT,)


def test_a_stream_is_tried_again_as_well():
    async def scenario():
        body = BODY[:-1] + b', "stream": true}'
        async with (
            Upstream(unexpected(EDITING), ANTHROPIC.stream()) as server,
            rig(anthropic=server) as gateway,
        ):
            return ANTHROPIC.text(await post(gateway, EDITING, body=body))

    assert run(scenario()) == "Hello there"


@pytest.mark.parametrize(
    ("reply", "flags"),
    [
        (unexpected("another-flag"), (EDITING,)),
        (INVALID, (EDITING,)),
        (EXTRA, (EFFORT,)),
        (ANTHROPIC.refusal(400, "invalid_request_error", "max_tokens: too large"), (EDITING,)),
        (unexpected(EDITING), ()),
    ],
    ids=["a flag not sent", "no flag named", "a member of no flag sent", "something else", "no flags sent"],
)
def test_where_the_pair_is_unknown_the_client_gets_the_400_as_it_is(reply, flags):
    answers, requests = exchanged(reply, flags=flags)

    assert answers[0].status == 400
    assert len(requests) == 1


def test_flags_that_are_refused_one_after_the_other_all_go():
    answers, requests = exchanged(unexpected(EDITING), unexpected(EFFORT), ANTHROPIC.whole())

    assert (answers[0].status, len(requests)) == (200, 3)
    assert requests[2].header("anthropic-beta") is None


def test_a_refusal_that_is_not_about_the_flag_is_told_in_its_first_words_and_nothing_is_remembered():
    extra = ANTHROPIC.refusal(400, "invalid_request_error", "new_thing: Extra inputs are not permitted")
    replies = unexpected(EDITING), extra, ANTHROPIC.whole()
    answers, requests = exchanged(*replies, flags=(EDITING,), times=2)

    assert [answer.status for answer in answers] == [400, 200]
    assert EDITING in ANTHROPIC.error(answers[0])["message"]
    assert requests[2].header("anthropic-beta") == EDITING


def test_a_backend_that_names_none_is_spared_what_it_is_not_known_to_take():
    async def scenario():
        message = json_reply({"message": "The model returned the following errors: invalid beta flag"}, 400)
        async with Upstream(message, ANTHROPIC.whole()) as server:
            model = "us.anthropic.claude-x"
            table = (
                f'[backends.cloud]\nprovider = "bedrock-invoke"\nbase_url = "{server.url}"\nkey_env = "K"\n'
                f'region = "eu-central-1"\nmodels = ["{model}"]\n'
            )
            async with rig(settings=table, environment={"K": "k"}) as gateway:
                body = BODY.replace(f"anthropic:{ANTHROPIC.model}".encode(), f"cloud:{model}".encode())
                answer = await post(gateway, EDITING, ODD, body=body)
                return answer.status, [json.loads(seen.body)["anthropic_beta"] for seen in server.requests]

    assert run(scenario()) == (200, [[EDITING, ODD], [EDITING]])


def test_what_one_account_is_refused_another_one_may_have():
    lines = '[backends.anthropic.accounts.default]\nkey_env = "KA"\n'
    lines += '[backends.anthropic.accounts.b]\nkey_env = "KB"\n'

    async def scenario():
        def answer(seen):
            refused = seen.header("x-api-key") == "sk-a" and EDITING in sent(seen)
            return unexpected(EDITING) if refused else ANTHROPIC.whole()

        async with Upstream(always=answer) as server:
            table = backend_table(
                "anthropic", server, f'models = ["{ANTHROPIC.model}"]\nstrategy = "round-robin"'
            )
            table = table.replace('"anthropic-compatible"', '"anthropic"')
            async with rig(settings=table + lines, environment={"KA": "sk-a", "KB": "sk-b"}) as gateway:
                for number in range(4):
                    heads = [*ANTHROPIC.headers, ("x-session-id", f"s{number}"), betas(EDITING)]
                    await gateway.post("/v1/messages", BODY, *heads)
                return [(seen.header("x-api-key"), sent(seen)) for seen in server.requests]

    asked = run(scenario())

    assert asked == [
        ("sk-a", (EDITING,)),
        ("sk-a", ()),
        ("sk-b", (EDITING,)),
        ("sk-a", ()),
        ("sk-b", (EDITING,)),
    ]


@pytest.mark.parametrize(
    ("flags", "found"),
    [({}, (EFFORT,)), ({"passthrough_betas": [EDITING]}, (EDITING,)), ({"passthrough_betas": []}, ())],
    ids=["the environment's", "the command line's", "an empty command line"],
)
def test_the_command_line_goes_before_the_environment_even_where_it_is_empty(tmp_path, flags, found):
    environment = {"POINTSMAN_PASSTHROUGH_BETAS": EFFORT}

    assert load(tmp_path / "config.toml", environment, flags).settings.passthrough_betas == found
