"""The endpoint's own pages, model lists, counting, and the paths around them."""

import json
from urllib.parse import quote

import pytest
from rig import rig
from voices import ANTHROPIC, CHAT, GEMINI, OF_MESSAGES, SAME, VOICES

from scripted import Gate, Reply, Upstream, json_reply, run

ANTHROPIC_VERSION = ("anthropic-version", "2026-10-21")
TWO = 'models = ["one", "vendor/two"]'
KNOWN = 'models = ["gpt-5.4", "unheard-of"]'


@SAME
@pytest.mark.parametrize("prefix", ["", "/v1", "/v1/v1"])
@pytest.mark.parametrize("suffix", ["", "/", "?beta=true"])
def test_each_path_answers_with_and_without_its_prefix(voice, prefix, suffix):
    async def scenario():
        async with Upstream(voice.whole()) as upstream, rig(**{voice.name: upstream}) as gateway:
            path = prefix + voice.path.removeprefix("/v1beta").removeprefix("/v1") + suffix
            answer = await gateway.post(path, voice.request(), *voice.headers)

            assert answer.status == 200
            assert upstream.requests[0].target == voice.upstream_path + (suffix if "?" in suffix else "")

    run(scenario())


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/api/hello", "/v1/api/hello", "/health", "/v1/health", "/status", "/v1/models", "/models"],
)
def test_the_pages_answer_with_and_without_their_prefix(method, path):
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9") as gateway:
            answer = await gateway.send(method, path)

            assert answer.status == 200
            assert answer.header("x-pointsman-request-id")

    run(scenario())


TOLD = {"messages": ANTHROPIC, "v1beta": GEMINI}
"""What in a path tells its dialect."""


@pytest.mark.parametrize(
    "path", ["/v1/realtime", "/v1/files", "/v1/messages/batches", "/v1beta/cachedContents"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_that_is_not_listed_is_a_404_that_names_it_in_the_callers_dialect(method, path):
    async def scenario():
        async with rig() as gateway:
            plain = await gateway.send(method, path)
            signed = await gateway.send(method, path, (ANTHROPIC_VERSION,))

            assert (plain.status, signed.status) == (404, 404)
            voice = next((each for word, each in TOLD.items() if word in path), CHAT)
            assert path in voice.error(plain)["message"]
            assert path in (ANTHROPIC if voice is CHAT else voice).error(signed)["message"]

    run(scenario())


@SAME
def test_a_question_by_the_wrong_method_is_told_the_right_one(voice):
    async def scenario():
        async with rig() as gateway:
            answer = await gateway.get(voice.path, *voice.headers)

            assert answer.status == 404
            assert "POST" in voice.error(answer)["message"]

    run(scenario())


def test_status_tells_of_backends_and_traffic_and_of_no_secret():
    async def scenario():
        environment = {"UP": "sk-canary-1"}
        lines = 'key_env = "UP"\nheaders = { x-own = "sk-canary-2" }'
        async with (
            Upstream(always=CHAT.whole()) as upstream,
            rig(openai_chat=upstream, backend=lines, environment=environment) as gateway,
        ):
            await gateway.ask(CHAT)
            await gateway.ask(CHAT, model="nobody")
            await gateway.settled()
            answer = await gateway.get("/status")

            status = answer.json()
            assert status["traffic"]["requests"] == 2
            assert status["traffic"]["errors"] == 1
            assert status["traffic"]["in_flight"] == 0
            assert status["traffic"]["by_backend"]["openai_chat"]["output_tokens"] == 4
            assert status["backends"][0]["name"] == "openai_chat"
            assert status["port"] == gateway.port
            assert "sk-canary" not in answer.body.decode()

    run(scenario())


def test_problem_32_the_model_list_has_the_shape_of_who_asks():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", backend=TWO) as gateway:
            chat = (await gateway.get("/v1/models")).json()
            anthropic = (await gateway.get("/v1/models?limit=1000", ANTHROPIC_VERSION)).json()
            codex = (await gateway.get("/v1/models?client_version=0.156.0")).json()
            google = (await gateway.get("/v1/models?key=pointsman")).json()

            assert chat["object"] == "list"
            assert all(entry["object"] == "model" for entry in chat["data"])
            assert {"has_more", "first_id", "last_id", "data"} <= anthropic.keys()
            assert all(
                {"type", "id", "display_name", "created_at"} <= entry.keys() for entry in anthropic["data"]
            )
            assert {entry["slug"] for entry in codex["models"]} == {entry["id"] for entry in chat["data"]}
            assert {"one", "vendor/two"} <= {entry["id"] for entry in chat["data"]}
            assert {"models/one", "models/vendor/two"} <= {entry["name"] for entry in google["models"]}

    run(scenario())


def test_a_window_that_no_server_lists_is_the_familys():
    """Codex compacts by it: without a window it takes 272,000 tokens for granted."""

    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", backend=KNOWN) as gateway:
            chat = (await gateway.get("/v1/models/gpt-5.4")).json()
            anthropic = (await gateway.get("/v1/models/gpt-5.4", ANTHROPIC_VERSION)).json()
            codex = (await gateway.get("/v1/models?client_version=0.169.0")).json()
            slugs = {entry["slug"]: entry for entry in codex["models"]}

            assert chat["context_length"] == anthropic["max_input_tokens"] == 1_050_000
            assert anthropic["max_tokens"] == 128_000
            assert slugs["gpt-5.4"]["context_window"] == 1_050_000
            assert "xhigh" in {level["effort"] for level in slugs["gpt-5.4"]["supported_reasoning_levels"]}
            assert slugs["unheard-of"]["context_window"] is None

    run(scenario())


def test_the_pages_of_anthropics_list_follow_each_other():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", backend=TWO) as gateway:
            first = (await gateway.get("/v1/models?limit=1", ANTHROPIC_VERSION)).json()
            target = f"/v1/models?limit=1&after_id={first['last_id']}"
            second = (await gateway.get(target, ANTHROPIC_VERSION)).json()

            assert first["has_more"]
            assert first["data"][0]["id"] == "one"
            assert second["data"][0]["id"] == "vendor/two"

    run(scenario())


def test_a_page_before_a_name_ends_next_to_it():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", backend=TWO) as gateway:
            target = "/v1/models?limit=1&before_id=local"
            page = (await gateway.get(target, ANTHROPIC_VERSION)).json()
            whole = (await gateway.get("/v1/models", ANTHROPIC_VERSION)).json()

            assert [entry["id"] for entry in page["data"]] == [whole["data"][-2]["id"]]
            assert page["has_more"]

    run(scenario())


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=x", "limit=%C2%B2", "after_id=no", "before_id=no"]
)
def test_a_page_that_cannot_be_is_a_400_that_names_the_parameter(query):
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", backend=TWO) as gateway:
            answer = await gateway.get(f"/v1/models?{query}", ANTHROPIC_VERSION)

            assert answer.status == 400
            assert query.partition("=")[0] in answer.json()["error"]["message"]

    run(scenario())


def test_a_limit_above_the_highest_shows_what_there_is():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", backend=TWO) as gateway:
            answer = await gateway.get(f"/v1/models?limit={'9' * 5000}", ANTHROPIC_VERSION)

            assert len(answer.json()["data"]) > 1

    run(scenario())


@pytest.mark.parametrize("name", ["50%25off", "a b", "x/", "ü?#&="])
def test_a_name_is_unescaped_once(name):
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", backend=TWO) as gateway:
            asked = quote(f"openai_chat:{name}", safe="")
            told = (await gateway.get(f"/explain?model={asked}")).json()
            one = (await gateway.get(f"/v1/models/{asked}")).json()

            assert told["model"] == name
            assert one["id"] == f"openai_chat:{name}".rstrip("/")

    run(scenario())


def test_every_listed_model_sent_back_reaches_its_backend_slashes_included():
    async def scenario():
        async with (
            Upstream(always=ANTHROPIC.whole()) as theirs,
            Upstream(always=CHAT.whole()) as other,
            rig(anthropic=theirs, openai_chat=other, backend=TWO) as gateway,
        ):
            listed = (await gateway.get("/v1/models")).json()["data"]
            ours = [entry for entry in listed if entry["owned_by"] in VOICES]
            for entry in ours:
                answer = await gateway.ask(CHAT, model=entry["id"])
                one = await gateway.get(f"/v1/models/{entry['id']}")
                escaped = await gateway.get(f"/v1/models/{entry['id'].replace('/', '%2F')}")

                assert answer.header("x-pointsman-backend") == entry["owned_by"]
                assert one.json() == escaped.json() == entry
            assert len(ours) == 4

    run(scenario())


@SAME
def test_a_model_that_is_not_listed_is_a_404_in_the_dialect(voice):
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9") as gateway:
            answer = await gateway.get("/v1/models/gpt-y", *voice.headers)

            assert answer.status == 404
            assert "gpt-y" in voice.error(answer)["message"]

    run(scenario())


COUNT = "/v1/messages/count_tokens"
TOOL = {
    "name": "t",
    "description": "d" * 300,
    "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}},
}


def test_tokens_are_counted_by_the_backend_that_can():
    async def scenario():
        async with (
            Upstream(json_reply({"input_tokens": 42, "new": 1})) as upstream,
            rig(anthropic=upstream) as gateway,
        ):
            body = {"model": "anthropic:claude-x", "messages": [{"role": "user", "content": "hi"}]}
            answer = await gateway.post(COUNT + "?beta=true", body, *ANTHROPIC.headers)

            assert answer.json() == {"input_tokens": 42, "new": 1}
            assert answer.header("x-pointsman-estimate") is None
            assert upstream.requests[0].target == COUNT + "?beta=true"
            assert upstream.requests[0].json()["model"] == "claude-x"

    run(scenario())


def test_problem_15_an_estimate_counts_everything_errs_upwards_and_says_what_it_is():
    async def scenario():
        async with Upstream() as upstream, rig(openai_chat=upstream) as gateway:

            async def count(**fields):
                body = {
                    "model": "openai_chat:gpt-x",
                    "messages": [{"role": "user", "content": "hi"}],
                    **fields,
                }
                return await gateway.post(COUNT, body, *ANTHROPIC.headers)

            image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
            text = "The quick brown fox jumps over the lazy dog. " * 100
            plain = await count()
            counts = {
                "system": await count(system="word " * 100),
                "tools": await count(tools=[TOOL]),
                "image": await count(messages=[{"role": "user", "content": [image]}]),
                "text": await count(messages=[{"role": "user", "content": text}]),
            }

            least = plain.json()["input_tokens"]
            assert plain.header("x-pointsman-estimate") == "true"
            assert all(answer.json()["input_tokens"] > least + 90 for answer in counts.values())
            assert counts["text"].json()["input_tokens"] > 1001, "a thousand words and a bit"
            assert not upstream.requests

    run(scenario())


@pytest.mark.parametrize(
    "missing",
    [
        Reply(404, (("content-type", "text/html"),), b"<h1>404</h1>"),
        json_reply({"detail": "Not Found"}, 404),
        Reply(405),
        json_reply({"error": {"message": "no route"}}, 404),
    ],
)
def test_problem_15_a_backend_that_lacks_its_counter_is_replaced_by_the_estimate(missing):
    async def scenario():
        async with Upstream(missing) as upstream, rig(anthropic=upstream) as gateway:
            body = {"model": "claude-x", "messages": [{"role": "user", "content": "hi"}]}
            answer = await gateway.post(COUNT, body, *ANTHROPIC.headers)

            assert answer.status == 200
            assert answer.json()["input_tokens"] > 0
            assert answer.header("x-pointsman-estimate") == "true"
            assert len(upstream.requests) == 1

    run(scenario())


def test_a_counters_own_404_is_not_hidden_by_an_estimate():
    async def scenario():
        async with (
            Upstream(ANTHROPIC.refusal(404, "not_found_error", "model: x")) as upstream,
            rig(anthropic=upstream) as gateway,
        ):
            body = {"model": "claude-x", "messages": [{"role": "user", "content": "?"}]}
            answer = await gateway.post(COUNT, body, *ANTHROPIC.headers)

            assert answer.status == 404

    run(scenario())


EMBEDDINGS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}],
    "model": "gpt-x",
}
COMPLETION = {
    "id": "cmpl-1",
    "object": "text_completion",
    "choices": [{"text": "hi", "index": 0, "finish_reason": "stop"}],
}


@pytest.mark.parametrize(
    ("path", "reply", "fields"),
    [("/v1/embeddings", EMBEDDINGS, {"input": ["a"]}), ("/v1/completions", COMPLETION, {"prompt": "a"})],
)
@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_embeddings_and_completions_are_relayed_to_a_backend_that_has_them(path, reply, fields, prefix):
    async def scenario():
        async with Upstream(json_reply(reply)) as upstream, rig(openai_chat=upstream) as gateway:
            answer = await gateway.post(
                prefix + path.removeprefix("/v1"), {"model": "openai_chat:gpt-x", **fields}
            )

            assert answer.body == json.dumps(reply).encode()
            assert upstream.requests[0].target == path
            assert upstream.requests[0].json() == {"model": "gpt-x", **fields}

    run(scenario())


def test_a_streamed_completion_is_relayed_as_it_comes():
    async def scenario():
        gate = Gate()
        frames = [b'data: {"id":"cmpl-1","object":"text_completion","choices":[{"text":"hi","index":0}]}\n\n']
        frames += [
            b'data: {"choices":[{"text":"","index":0,"finish_reason":"stop"}]}\n\n',
            b"data: [DONE]\n\n",
        ]
        steps = [frames[0], gate, *frames[1:]]
        reply = Reply(200, (("content-type", "text/event-stream"),), steps, chunked=True)
        async with Upstream(reply) as upstream, rig(openai_chat=upstream) as gateway:
            body = json.dumps({"model": "gpt-x", "prompt": "a", "stream": True}).encode()
            async with gateway.call("POST", "/v1/completions", (), body) as call:
                await call.until(b"hi")
                gate.open()
                answer = await call.rest()

            assert answer.whole
            assert answer.body == b"".join(frames)
            assert len(upstream.requests) == 1

    run(scenario())


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/completions"])
def test_a_backend_without_them_is_a_400_that_says_so(path):
    async def scenario():
        async with Upstream() as upstream, rig(anthropic=upstream) as gateway:
            answer = await gateway.post(path, {"model": "claude-x", "input": "a", "prompt": "a"})

            assert answer.status == 400
            assert "backend anthropic has no" in CHAT.error(answer)["message"]
            assert not upstream.requests

    run(scenario())


def test_a_row_of_the_catalog_that_says_no_is_believed():
    async def scenario():
        async with Upstream() as upstream, rig(settings=_groq(upstream), environment={"K": "k"}) as gateway:
            answer = await gateway.post("/v1/completions", {"model": "groq:x", "prompt": "a"})

            assert answer.status == 400
            assert not upstream.requests

    run(scenario())


def _groq(upstream):
    return (
        f'[backends.groq]\nprovider = "groq"\nbase_url = "{upstream.url}/v1"\nkey_env = "K"\nmodels = ["x"]\n'
    )


def test_an_answer_names_the_rule_and_what_else_was_possible():
    async def scenario():
        async with (
            Upstream(always=CHAT.whole()) as server,
            rig(openai_chat=server, anthropic="http://127.0.0.1:9", backend=TWO) as gateway,
        ):
            answer = await gateway.ask(CHAT, model="vendor/two")
            alone = await gateway.ask(CHAT, model="openai_chat:vendor/two")

            assert answer.header("x-pointsman-route") == "live catalog"
            names = {answer.header("x-pointsman-backend"), "anthropic", "openai_chat"}
            assert answer.header("x-pointsman-others").endswith(":vendor/two")
            assert answer.header("x-pointsman-others").partition(":")[0] in names
            assert alone.header("x-pointsman-others") is None

    run(scenario())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", ["a\nx-evil: 1", "\x00\x7f", "ключ", "m" * 20_000])
@OF_MESSAGES
def test_any_name_and_field_fits_into_the_headers_that_tell_of_them(voice, name, stream):
    async def scenario():
        reply = CHAT.stream() if stream else CHAT.whole()
        async with Upstream(reply) as upstream, rig(openai_chat=upstream) as gateway:
            odd = {name[:50]: 1} if voice is ANTHROPIC else {}
            body = {**voice.request("openai_chat", stream=stream), "model": f"openai_chat:{name}", **odd}
            answer = await gateway.post(voice.path, body, *voice.headers)

            assert answer.status == 200
            assert answer.header("x-evil") is None
            assert answer.header("x-pointsman-model").isprintable()
            assert sum(len(value) for _, value in answer.headers) < 10_000
            assert upstream.requests[0].json()["model"] == name

    run(scenario())


def test_explain_tells_where_a_request_without_a_name_goes():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", backend=TWO) as gateway:
            for target in ("/explain", "/explain?model="):
                assert (await gateway.get(target)).json()["rule"] == "default backend"

    run(scenario())


def test_explain_tells_the_rule_and_the_alternatives():
    async def scenario():
        async with rig(
            openai_chat="http://127.0.0.1:9", anthropic="http://127.0.0.1:9", backend=TWO
        ) as gateway:
            told = (await gateway.get("/explain/vendor%2Ftwo")).json()

            assert told["found"]
            assert told["rule"] == "live catalog"
            assert len(told["others"]) == 1

    run(scenario())


def test_explain_tells_what_was_lost_on_the_way():
    async def scenario():
        async with Upstream(always=CHAT.whole()) as upstream, rig(openai_chat=upstream) as gateway:
            before = (await gateway.get("/explain?model=gpt-x")).json()
            marked = [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}] * 2
            message = [{"role": "user", "content": marked}]
            for _ in range(2):
                await gateway.ask(ANTHROPIC, backend="openai_chat", top_k=5, messages=message)
            after = (await gateway.get("/explain?model=gpt-x")).json()

            assert before["lost"] == {}
            lost = {loss["what"]: loss for loss in after["lost"]["anthropic"]}
            assert (lost["top_k"]["kind"], lost["top_k"]["times"]) == ("dropped", 2)
            assert lost["cache_control"]["why"] == "the target has no cache marks"

    run(scenario())
