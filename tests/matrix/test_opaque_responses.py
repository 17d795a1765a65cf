"""Problems 6, 8, 9 and 11 for the Responses API, as a client's and as an upstream's."""

import json

import pytest

from dialects.laws import ASKED, events_of, frames_of, rendered
from matrix.opaque import Upstream, decoded
from pointsman.canon.blocks import Native
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.events import BlockEnd, BlockStart, MessageEnd, MessageStart, Stop
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.registry import DIALECTS

RESPONSES = DIALECTS["openai_responses"]
SIGNATURE, REDACTED = "EqQBCgIYAhIMéΩ+/==", "EmwKAhgBEgy3va3pzpix/+=="
ENCRYPTED = "gAAAAABpKQ4m+/=="
USAGE = {"input_tokens": 1, "output_tokens": 1}
FORMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def as_codex(output):
    """What Codex sends back of an output: its items, reasoning with `content: null`."""
    return [{**item, "content": None} if item["type"] == "reasoning" else item for item in output]


class Codex:
    """A client that keeps the items of each answer, from the stream or from the whole."""

    def __init__(self, stream, tools=()):
        self.stream = stream
        self.items = []
        self.tools = list(tools)

    def ask(self, upstream, answer, *said):
        """One exchange; the output that came back. `answer` is made from the body that arrived."""
        self.items += said
        body = {"model": "asked", "input": self.items, "tools": self.tools, "store": False}
        request = RESPONSES.decode_request(json.loads(json.dumps(body)))
        encoded = upstream.dialect.encode_request(request, upstream.target)
        upstream.take(request)
        origin = Origin(upstream.origin.issuer, encoded.names)
        given = answer(encoded.body) if callable(answer) else answer
        events = list(upstream.dialect.whole(given, origin))
        if self.stream:
            events = events_of(
                upstream.dialect,
                rendered(upstream.dialect, upstream.dialect.whole(given, Origin())),
                (),
                origin,
            )
            frames = frames_of(rendered(RESPONSES, events))
            output = [frame["item"] for name, frame in frames if name == "response.output_item.done"]
        else:
            output = RESPONSES.fold(gather(events), ASKED)["output"]
        self.items += as_codex(output)
        return output


def user(text):
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def results(*ids):
    return [{"type": "function_call_output", "call_id": id, "output": "12 °C"} for id in ids]


def message(*content, stop="tool_use"):
    """An answer of Messages."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "usage": USAGE}
    return {**head, "content": list(content), "stop_reason": stop, "stop_sequence": None}


def use(id, city):
    return {"type": "tool_use", "id": id, "name": "weather", "input": {"city": city}}


FIRST = message(
    {"type": "thinking", "thinking": "Two calls. Grüezi 🚂", "signature": SIGNATURE},
    {"type": "redacted_thinking", "data": REDACTED},
    {"type": "text", "text": "Looking."},
    use("toolu_1", "Bern"),
    use("toolu_2", "Thun"),
)
SECOND = message({"type": "thinking", "thinking": "", "signature": "c2Vjb25k"}, use("toolu_3", "Biel"))
LAST = message({"type": "text", "text": "Fine."}, stop="end_turn")


@FORMS
def test_anthropics_signatures_survive_three_turns_through_codex(stream):
    client, upstream = Codex(stream), Upstream("anthropic", "anthropic")

    client.ask(upstream, FIRST, user("Weather?"))
    client.ask(upstream, SECOND, *results("toolu_1", "toolu_2"))
    client.ask(upstream, LAST, *results("toolu_3"))

    turns = [turn["content"] for turn in upstream.bodies[2]["messages"] if turn["role"] == "assistant"]
    bare = [[{k: v for k, v in block.items() if k != "caller"} for block in turn] for turn in turns]
    assert bare == [FIRST["content"], SECOND["content"]]
    assert upstream.losses[2] <= {"max_tokens"}


@FORMS
def test_problem_11_another_issuer_gets_no_state_and_the_loss_is_reported(stream):
    client, other = Codex(stream), Upstream("anthropic", "bedrock")
    client.ask(Upstream("anthropic", "anthropic"), FIRST, user("Weather?"))

    client.ask(other, LAST, *results("toolu_1", "toolu_2"))

    blocks = other.bodies[0]["messages"][1]["content"]
    assert [block["type"] for block in blocks] == ["text", "tool_use", "tool_use"]
    assert {"messages[1].content[0]", "messages[1].content[1]"} <= other.losses[0]


@FORMS
def test_problem_11_envelopes_never_reach_a_responses_upstream(stream):
    client, other = Codex(stream), Upstream("openai_responses", "openai")
    client.ask(Upstream("anthropic", "anthropic"), FIRST, user("Weather?"))

    client.ask(other, response({"type": "message", **SAID}), *results("toolu_1", "toolu_2"))

    assert [item["type"] for item in other.bodies[0]["input"]] == [
        *("message", "message", "function_call", "function_call"),
        *("function_call_output", "function_call_output"),
    ]
    assert "reasoning" in other.losses[0]


@FORMS
def test_state_of_a_call_survives_a_client_of_the_responses_api(stream):
    """Problem 9: the signature of a call that comes from a dialect of another kind."""
    native = Native("openai_chat", "google", {"extra_content": {"google": {"thought_signature": "c2ln"}}})
    upstream = Upstream("openai_chat", "google")
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": "{}"},
        **native.data,
    }
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None, "tool_calls": [call]},
        "finish_reason": "tool_calls",
    }
    answer = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    client = Codex(stream)

    output = client.ask(upstream, answer, user("Weather?"))
    client.ask(upstream, answer, *results("call_1"))

    assert [item["type"] for item in output] in (
        ["reasoning", "function_call"],
        ["function_call", "reasoning"],
    )
    (sent,) = upstream.bodies[1]["messages"][1]["tool_calls"]
    assert sent["extra_content"] == native.data["extra_content"]


SAID = {
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Fine.", "annotations": []}],
}


def response(*output):
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "output": list(output),
    }


REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}],
    "encrypted_content": ENCRYPTED,
}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "status": "completed",
    "call_id": "call_1",
    "name": "weather",
    "arguments": "{}",
}


def messages_client(upstream, *, stream, issuer_of_second=None):
    """Two turns of a Messages client with a tool over Responses upstreams; what the last one got."""
    dialect = DIALECTS["anthropic"]
    turns = [{"role": "user", "content": "Weather?"}]
    body = {"model": "asked", "max_tokens": 99, "messages": turns}
    upstream.take(dialect.decode_request(body))
    events = list(RESPONSES.whole(response(REASONING, CALL), upstream.origin))
    if stream:
        frames = frames_of(rendered(dialect, events))
        blocks = {}
        for name, frame in frames:
            if name == "content_block_start":
                blocks[frame["index"]] = {**frame["content_block"]}
            elif name == "content_block_delta" and "signature" in frame["delta"]:
                blocks[frame["index"]]["signature"] = frame["delta"]["signature"]
            elif name == "content_block_delta" and "thinking" in frame["delta"]:
                blocks[frame["index"]]["thinking"] += frame["delta"]["thinking"]
        content = list(blocks.values())
    else:
        content = dialect.fold(gather(events), ASKED)["content"]
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": "12 °C"}
    turns += [{"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
    last = issuer_of_second or upstream
    last.take(dialect.decode_request(body))
    return last


@FORMS
def test_encrypted_reasoning_comes_back_through_a_messages_client_byte_by_byte(stream):
    upstream = messages_client(Upstream("openai_responses", "openai"), stream=stream)

    assert upstream.bodies[1]["input"][1] == REASONING
    assert upstream.bodies[1]["store"] is False
    assert upstream.bodies[1]["include"] == ["reasoning.encrypted_content"]


@FORMS
def test_problem_11_encrypted_reasoning_goes_to_no_other_organisation(stream):
    other = Upstream("openai_responses", "azure")

    messages_client(Upstream("openai_responses", "openai"), stream=stream, issuer_of_second=other)

    assert ENCRYPTED not in json.dumps(other.bodies[0])
    assert "thinking.signature" in other.losses[0]


PATCH = '*** Begin Patch\n*** Update File: a.txt\n-a\n+"b" \\ Grüezi 🚂\n*** End Patch'
TOOLS = [
    {"type": "custom", "name": "apply_patch", "description": "Edits.", "format": {"type": "text"}},
    {
        "type": "namespace",
        "name": "mcp__trains",
        "description": "Trains.",
        "tools": [{"type": "function", "name": "now", "parameters": {"type": "object"}, "strict": False}],
    },
    {"type": "function", "name": "now", "parameters": {"type": "object"}, "strict": False},
]


def patching(body):
    """A Messages upstream's answer that calls each of the tools by the name that it got."""
    names = [tool["name"] for tool in body["tools"]]
    assert len(set(names)) == 3
    calls = [{"type": "tool_use", "id": "t1", "name": names[0], "input": {"input": PATCH}}]
    calls += [{"type": "tool_use", "id": f"t{at}", "name": names[at - 1], "input": {}} for at in (2, 3)]
    return message(*calls)


def patching_in_chat(body):
    names = [tool["function"]["name"] for tool in body["tools"]]
    assert all(tool["type"] == "function" for tool in body["tools"])
    assert len(set(names)) == 3
    arguments = [json.dumps({"input": PATCH}), "{}", "{}"]
    calls = [
        {"id": f"t{at}", "type": "function", "function": {"name": name, "arguments": given}}
        for at, (name, given) in enumerate(zip(names, arguments, strict=True), 1)
    ]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None, "tool_calls": calls},
        "finish_reason": "tool_calls",
    }
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


UPSTREAMS = pytest.mark.parametrize(
    ("dialect", "answer"), [("anthropic", patching), ("openai_chat", patching_in_chat)]
)


@FORMS
@UPSTREAMS
def test_problem_6_custom_tools_and_namespaces_go_and_come_back(dialect, answer, stream):
    client, upstream = Codex(stream, TOOLS), Upstream(dialect, "maker")

    output = client.ask(upstream, answer, user("Patch."))

    patch, inner, plain = output
    assert (patch["type"], patch["name"], patch["input"]) == ("custom_tool_call", "apply_patch", PATCH)
    assert (inner["name"], inner["namespace"]) == ("now", "mcp__trains")
    assert (plain["name"], plain.get("namespace")) == ("now", None)


@FORMS
@UPSTREAMS
def test_problem_6_the_history_goes_by_the_same_names(dialect, answer, stream):
    client, upstream = Codex(stream, TOOLS), Upstream(dialect, "maker")
    client.ask(upstream, answer, user("Patch."))
    outputs = [{"type": "custom_tool_call_output", "call_id": "t1", "output": "Done."}, *results("t2", "t3")]

    client.ask(upstream, answer, *outputs)

    first, second = upstream.bodies
    assert first["tools"] == second["tools"]
    sent = json.dumps(second["messages"][1], ensure_ascii=False)
    names = [tool.get("name") or tool["function"]["name"] for tool in second["tools"]]
    assert all(f'"name": "{name}"' in sent for name in names)
    if dialect == "anthropic":
        assert second["messages"][1]["content"][0]["input"] == {"input": PATCH}
    else:
        given = second["messages"][1]["tool_calls"][0]["function"]["arguments"]
        assert decoded(given) == {"input": PATCH}


@FORMS
def test_problem_6_a_responses_upstream_without_custom_tools_and_namespaces_gets_functions(stream):
    upstream = Upstream("openai_responses", "maker", custom_tools=False, tool_namespaces=False)
    client = Codex(stream, TOOLS)

    def answer(body):
        assert {tool["type"] for tool in body["tools"]} == {"function"}
        names = [tool["name"] for tool in body["tools"]]
        arguments = [json.dumps({"input": PATCH}), "{}", "{}"]
        calls = enumerate(zip(names, arguments, strict=True))
        return response(
            *(
                {**CALL, "id": f"fc_{at}", "call_id": f"c{at}", "name": name, "arguments": given}
                for at, (name, given) in calls
            )
        )

    patch, inner, plain = client.ask(upstream, answer, user("Patch."))

    assert (patch["type"], patch["name"], patch["input"]) == ("custom_tool_call", "apply_patch", PATCH)
    assert (inner["name"], inner["namespace"]) == ("now", "mcp__trains")
    assert (plain["name"], plain.get("namespace")) == ("now", None)


@FORMS
def test_problem_6_a_responses_upstream_without_namespaces_alone_is_restored_event_by_event(stream):
    upstream = Upstream("openai_responses", "maker", tool_namespaces=False)
    client = Codex(stream, TOOLS[1:])

    def answer(body):
        return response({**CALL, "name": body["tools"][0]["name"]})

    (inner,) = client.ask(upstream, answer, user("When?"))

    assert (inner["name"], inner["namespace"], inner["call_id"]) == ("now", "mcp__trains", "call_1")


@pytest.mark.parametrize("to", ["anthropic", "openai_chat", "gemini", "bedrock_converse"])
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"tools": [{"type": "web_search"}]}, "tools"),
        ({"tools": [{"type": "local_shell"}]}, "tools"),
        ({"tool_choice": {"type": "mcp", "server_label": "x"}}, "tool_choice"),
        ({"input": [{"type": "item_reference", "id": "m"}, user("x")]}, "item_reference"),
        ({"input": [{"type": "compaction", "encrypted_content": "e"}, user("x")]}, "compaction"),
    ],
)
def test_what_only_its_provider_has_is_refused_by_name(to, fields, param):
    request = RESPONSES.decode_request({"model": "m", "input": [user("x")], **fields})

    with pytest.raises(UnsupportedError) as refused:
        DIALECTS[to].encode_request(request, Target("m", "maker", Traits()))

    assert (refused.value.param or "").startswith(param)


def test_a_name_with_the_mark_of_a_namespace_is_split_once():
    events = [
        MessageStart(dialect="elsewhere"),
        BlockStart(0, RESPONSES.decode_request(_named("a", "b")).messages[0].content[0]),
        BlockEnd(0),
        Stop("tool_use"),
        MessageEnd(),
    ]

    (item,) = RESPONSES.fold(gather(events), ASKED)["output"]

    assert (item["namespace"], item["name"]) == ("a", "b")


def _named(namespace, name):
    return {"model": "m", "input": [{**CALL, "namespace": namespace, "name": name}]}
