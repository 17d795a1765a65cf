"""`ask_usage`: the counts are asked for, and hidden from a client that did not ask."""

from rig import rig
from voices import CHAT

from scripted import Upstream, run


def test_usage_is_asked_for_and_hidden_where_the_backend_says_so():
    async def scenario():
        async with (
            Upstream(CHAT.stream()) as server,
            rig(openai_chat=server, backend="ask_usage = true") as gateway,
        ):
            answer = await gateway.ask(CHAT, backend=CHAT.name, stream=True)

            assert CHAT.text(answer) == "Hello there"
            assert server.requests[0].json()["stream_options"] == {"include_usage": True}
            assert answer.header("x-pointsman-form") == "translate"
            assert not any('"choices":[]' in str(event).replace(" ", "") for event in answer.events)

    run(scenario())


def test_usage_is_not_asked_for_otherwise():
    async def scenario():
        async with Upstream(CHAT.stream()) as server, rig(openai_chat=server) as gateway:
            answer = await gateway.ask(CHAT, backend=CHAT.name, stream=True)

            assert answer.header("x-pointsman-form") == "relay"
            assert "stream_options" not in server.requests[0].json()

    run(scenario())
