"""A Gemini client's history at a model that wants calls signed: the stand-in where nobody signed for it."""

import pytest
from rig import rig
from voices import CHAT, GEMINI

from pointsman.wire.json import encode
from scripted import Upstream, json_reply, run

MODEL = "gemini-3-pro"
PATH = f"/v1beta/models/{{}}:{MODEL}:generateContent"
STAND_IN = "skip_thought_signature_validator"
SIGNATURE = "c2lnbmF0dXJlIG9mIHRoZSBmaXJzdCBhY2NvdW50IG9ubHk="
HELLO = {"role": "user", "parts": [{"text": "Hello"}]}
TOLD = {
    "role": "user",
    "parts": [{"functionResponse": {"id": "c1", "name": "f", "response": {"output": "x"}}}],
}
TWO_ACCOUNTS = """
[backends.first]
provider = "gemini-compatible"
base_url = "{url}"
models = ["gemini-3-pro"]
[backends.second]
provider = "gemini-compatible"
base_url = "{url}"
models = ["gemini-3-pro"]
"""


def asks(**signed):
    return {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "f", "args": {}}, **signed}]}


def sent_signatures(request):
    parts = [part for turn in request.json()["contents"] for part in turn["parts"]]
    return [part.get("thoughtSignature") for part in parts if "functionCall" in part]


@pytest.mark.parametrize("signed", [{}, {"thoughtSignature": SIGNATURE}], ids=["unsigned", "signed"])
def test_a_call_that_another_model_made_gets_the_stand_in_and_a_signed_one_is_relayed(signed):
    async def scenario():
        async with (
            Upstream(GEMINI.whole()) as server,
            rig(gemini=server, backend=f'models = ["{MODEL}"]') as at,
        ):
            body = encode({"contents": [HELLO, asks(**signed), TOLD], "new": 1})
            answer = await at.post(PATH.format("gemini"), body)
            assert sent_signatures(server.requests[0]) == [signed.get("thoughtSignature", STAND_IN)]
            assert (server.requests[0].body == body) is bool(signed)
            assert answer.status == 200

    run(scenario())


def test_a_call_that_another_account_signed_gets_the_stand_in():
    made = {**GEMINI.answer["candidates"][0], "content": asks(thoughtSignature=SIGNATURE)}

    async def scenario():
        async with (
            Upstream(json_reply({**GEMINI.answer, "candidates": [made]}), always=GEMINI.whole()) as server,
            rig(settings=TWO_ACCOUNTS.format(url=server.url)) as at,
        ):
            await at.post(PATH.format("first"), {"contents": [HELLO]})
            history = {"contents": [HELLO, made["content"], TOLD]}
            for name in ("first", "second"):
                await at.post(PATH.format(name), history)
            assert [sent_signatures(seen) for seen in server.requests[1:]] == [[SIGNATURE], [STAND_IN]]

    run(scenario())


def test_a_signature_on_text_that_a_chat_client_drops_is_on_its_text_again_after_a_restart():
    text = {"text": "I look.", "thoughtSignature": SIGNATURE}
    parts = [text, *asks(thoughtSignature="YWJj")["parts"]]
    made = {**GEMINI.answer["candidates"][0], "content": {"role": "model", "parts": parts}}

    async def scenario():
        async with Upstream(
            json_reply({**GEMINI.answer, "candidates": [made]}), always=GEMINI.whole()
        ) as server:
            async with rig(gemini=server) as at:
                answer = await at.ask(CHAT, backend="gemini")
            said = answer.json()["choices"][0]["message"]
            call = {key: said["tool_calls"][0][key] for key in ("id", "type", "function")}
            history = [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": said["content"], "tool_calls": [call]},
                {"role": "tool", "tool_call_id": call["id"], "content": "sunny"},
            ]
            async with rig(gemini=server) as at:
                await at.ask(CHAT, backend="gemini", messages=history)
            assert server.requests[1].json()["contents"][1]["parts"] == parts

    run(scenario())
