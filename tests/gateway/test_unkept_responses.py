"""Responses where pointsman keeps none: `responses_store = false`."""

import pytest
from kept import PATH, answer_of, ask, kept_rig, says
from recorded import recorded
from rig import rig
from voices import ANTHROPIC, RESPONSES, VOICES

from scripted import Upstream, json_reply, run

KEEPER_TWO = (
    '[backends.two]\nprovider = "openai"\nbase_url = "{url}/v1"\ndialects = ["openai_responses"]\n'
    'key_env = "KEEPER_KEY"\nmodels = ["gpt-y"]\n'
)


def test_turned_off_nothing_is_kept_and_the_error_says_so():
    async def scenario():
        settings = "responses_store = false"
        async with Upstream(says(), says()) as up, kept_rig(forgetful=up, settings=settings) as gateway:
            first = answer_of(await ask(gateway, "forgetful", "a"))
            await recorded(gateway)
            return (
                await ask(gateway, "forgetful", "b", previous_response_id=first["id"]),
                await gateway.get(f"{PATH}/{first['id']}"),
                gateway.app.describe()["responses"]["kept"],
                [each.read_bytes() for each in gateway.app.paths.data.glob("*.db*")],
            )

    continued, shown, kept, files = run(scenario())

    assert continued.json()["error"]["code"] == "previous_response_not_found"
    assert "responses_store" in continued.json()["error"]["message"]
    assert shown.status == 404
    assert kept is False
    assert all(b"Hello there" not in each for each in files)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_turned_off_an_answer_does_not_say_that_it_is_kept(stream):
    async def scenario():
        async with (
            Upstream(ANTHROPIC.stream() if stream else ANTHROPIC.whole()) as up,
            rig(anthropic=up, responses_store=False) as gateway,
        ):
            return await gateway.ask(RESPONSES, backend="anthropic", stream=stream)

    answer = run(scenario())
    told = answer.events[-1]["response"] if stream else answer.json()

    assert told["store"] is False


@pytest.mark.parametrize("client", ["anthropic", "openai_chat", "gemini"])
def test_an_approval_that_nobody_here_can_act_on_is_refused(client):
    asked = {"type": "mcp_approval_request", "id": "a1", "name": "f", "server_label": "s", "arguments": "{}"}
    allowed = {"type": "mcp_approval_response", "approval_request_id": "a1", "approve": True}
    said = {"role": "user", "content": "Go."}
    upstream = VOICES[client]

    async def scenario():
        async with Upstream(upstream.whole()) as up, rig(**{client: up}) as gateway:
            pending = await gateway.ask(RESPONSES, backend=client, input=[said, asked, allowed])
            past = await gateway.ask(RESPONSES, backend=client, input=[said, asked, allowed, said])
            return pending, past

    pending, past = run(scenario())

    assert pending.status == 400
    assert "mcp_approval_response" in RESPONSES.error(pending)["message"]
    assert past.status == 200


@pytest.mark.parametrize("rest", ["", "/input_items"])
def test_turned_off_the_only_backend_that_keeps_answers_is_asked_for_them(rest):
    async def scenario():
        shown = json_reply({"id": "resp_theirs", "object": "response"})
        async with (
            Upstream(says("One.", "resp_theirs"), shown) as up,
            Upstream() as other,
            kept_rig(keeper=up, claude=other, settings="responses_store = false") as gateway,
        ):
            await ask(gateway, "keeper", "a", background=True)
            answer = await gateway.get(f"{PATH}/resp_theirs{rest}")
            return answer.json(), [request.target for request in up.requests]

    shown, asked = run(scenario())

    assert shown["id"] == "resp_theirs"
    assert asked == ["/v1/responses", f"/v1/responses/resp_theirs{rest}"]


def test_turned_off_nothing_is_made_in_the_background_that_nobody_could_find():
    async def scenario():
        second = KEEPER_TWO.format(url="http://127.0.0.1:9")
        async with (
            Upstream() as up,
            kept_rig(keeper=up, settings=f"responses_store = false\n{second}") as gateway,
        ):
            answer = await ask(gateway, "keeper", "a", background=True)
            return answer, await gateway.get(f"{PATH}/resp_theirs"), up.requests

    answer, shown, requests = run(scenario())

    assert (answer.status, answer.json()["error"]["param"]) == (400, "background")
    assert (shown.status, requests) == (404, [])
