"""Kept responses over whole exchanges: who keeps them, how they are continued, shown, deleted and bound."""

import gzip
import json

import pytest
from kept import KEYS, PATH, answer_of, ask, kept_rig, response, said_to, says
from rig import rig
from voices import ANTHROPIC, CHAT, RESPONSES

from scripted import RESET, Reply, Upstream, json_reply, run, sse

STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
KEY = ("authorization", "Bearer one")
OTHER = ("authorization", "Bearer another")


@STREAMED
def test_a_backend_that_keeps_nothing_gets_the_whole_conversation(stream):
    async def scenario():
        async with (
            Upstream(says("One."), says("Two."), says("Three.")) as up,
            kept_rig(forgetful=up) as gateway,
        ):
            first = answer_of(await ask(gateway, "forgetful", "a", stream=stream))
            second = answer_of(
                await ask(gateway, "forgetful", "b", stream=stream, previous_response_id=first["id"])
            )
            third = await ask(gateway, "forgetful", "c", stream=stream, previous_response_id=second["id"])
            return [said_to(seen) for seen in up.requests[1:]], up.requests[2].json(), third

    (second, third), body, answer = run(scenario())

    assert second == [("user", "a"), ("assistant", "One."), ("user", "b")]
    assert third == [*second, ("assistant", "Two."), ("user", "c")]
    assert "previous_response_id" not in body
    assert answer.header("x-pointsman-form") == "relay"


def test_what_needs_no_state_is_relayed_byte_for_byte_and_kept():
    async def scenario():
        async with Upstream(says()) as up, kept_rig(forgetful=up) as gateway:
            body = b'{ "model":"forgetful:gpt-x", "input":"a","x" : 1.0 }'
            answer = await gateway.post(PATH, body)
            kept = await gateway.get(f"{PATH}/{answer.json()['id']}")
            return body, up.requests[0].body, answer, kept

    sent, arrived, answer, kept = run(scenario())

    assert arrived == sent.replace(b"forgetful:gpt-x", b"gpt-x")
    assert answer.body == json.dumps(response(answer.json()["id"])).encode()
    assert kept.json() == answer.json()


def test_a_backend_that_would_refuse_the_wish_is_not_asked_to_keep():
    async def scenario():
        async with Upstream(says()) as up, kept_rig(forgetful=up) as gateway:
            answer = await ask(gateway, "forgetful", "a", store=True)
            kept = await gateway.get(f"{PATH}/{answer.json()['id']}")
            return up.requests[0].json(), kept.json()

    body, kept = run(scenario())

    assert body["store"] is False
    assert kept["store"] is True


@STREAMED
@pytest.mark.parametrize("backend", ["claude", "chat"])
def test_a_conversation_goes_on_with_a_backend_of_another_api(backend, stream):
    voice = {"claude": ANTHROPIC, "chat": CHAT}[backend]
    reply = voice.stream() if stream else voice.whole()

    async def scenario():
        async with Upstream(reply, reply) as up, kept_rig(**{backend: up}) as gateway:
            first = await ask(gateway, backend, "a", stream=stream)
            whole = answer_of(first)
            second = await ask(gateway, backend, "b", stream=stream, previous_response_id=whole["id"])
            return first, whole, answer_of(second), up.requests[1].json()["messages"]

    first, whole, second, messages = run(scenario())

    assert [turn["role"] for turn in messages] == ["user", "assistant", "user"]
    assert "Hello there" in json.dumps(messages[1])
    assert whole["store"] is True
    assert second["previous_response_id"] == whole["id"]
    assert "store" not in (first.header("x-pointsman-losses") or "")


def test_the_model_may_change_from_turn_to_turn():
    async def scenario():
        async with (
            Upstream(says("One."), says("Three.")) as forgetful,
            Upstream(ANTHROPIC.whole()) as claude,
            kept_rig(forgetful=forgetful, claude=claude) as gateway,
        ):
            first = answer_of(await ask(gateway, "forgetful", "a"))
            second = answer_of(await ask(gateway, "claude", "b", previous_response_id=first["id"]))
            await ask(gateway, "forgetful", "c", previous_response_id=second["id"])
            return claude.requests[0].json()["messages"], said_to(forgetful.requests[1])

    messages, said = run(scenario())

    assert [turn["role"] for turn in messages] == ["user", "assistant", "user"]
    assert said == [
        ("user", "a"),
        ("assistant", "One."),
        ("user", "b"),
        ("assistant", "Hello there"),
        ("user", "c"),
    ]


@STREAMED
def test_a_backend_that_keeps_responses_is_asked_by_the_id(stream):
    async def scenario():
        async with Upstream(says("One.", "resp_theirs"), says("Two.")) as up, kept_rig(keeper=up) as gateway:
            await ask(gateway, "keeper", "a", stream=stream)
            await ask(gateway, "keeper", "b", stream=stream, previous_response_id="resp_theirs", store=True)
            return up.requests[1].json()

    body = run(scenario())

    assert (body["previous_response_id"], body["input"], body["store"]) == ("resp_theirs", "b", True)


def test_what_a_backend_keeps_does_not_go_on_elsewhere_and_the_error_says_where_it_is():
    async def scenario():
        async with (
            Upstream(says("One.", "resp_theirs")) as keeper,
            Upstream() as claude,
            kept_rig(keeper=keeper, claude=claude) as gateway,
        ):
            await ask(gateway, "keeper", "a")
            answer = await ask(gateway, "claude", "b", previous_response_id="resp_theirs")
            return answer, claude.requests

    answer, requests = run(scenario())

    error = answer.json()["error"]
    assert answer.status == 400
    assert error["param"] == "previous_response_id"
    assert "keeper" in error["message"]
    assert requests == []


def test_what_is_kept_here_goes_on_at_a_backend_that_keeps_its_own():
    async def scenario():
        async with (
            Upstream(says("One.")) as forgetful,
            Upstream(says("Two.", "resp_theirs"), says("Three.")) as keeper,
            kept_rig(forgetful=forgetful, keeper=keeper) as gateway,
        ):
            first = answer_of(await ask(gateway, "forgetful", "a"))
            await ask(gateway, "keeper", "b", previous_response_id=first["id"])
            await ask(gateway, "keeper", "c", previous_response_id="resp_theirs")
            return said_to(keeper.requests[0]), keeper.requests[1].json()

    said, body = run(scenario())

    assert said == [("user", "a"), ("assistant", "One."), ("user", "b")]
    assert (body["previous_response_id"], body["input"]) == ("resp_theirs", "c")


@pytest.mark.parametrize("backend", ["forgetful", "claude"])
def test_an_id_that_nobody_knows_is_the_provider_s_own_error(backend):
    async def scenario():
        async with Upstream() as up, kept_rig(**{backend: up}) as gateway:
            return await ask(gateway, backend, "b", previous_response_id="resp_gone"), up.requests

    answer, requests = run(scenario())

    error = answer.json()["error"]
    assert answer.status == 400
    assert error["code"] == "previous_response_not_found"
    assert error["param"] == "previous_response_id"
    assert error["message"].startswith("Previous response with id 'resp_gone' not found.")
    assert requests == []


def test_nobody_continues_shows_or_deletes_another_key_s_response():
    async def scenario():
        async with Upstream(always=says("One.")) as up, kept_rig(forgetful=up) as gateway:
            first = answer_of(await ask(gateway, "forgetful", "a", KEY))
            address = f"{PATH}/{first['id']}"
            refused = [
                await ask(gateway, "forgetful", "b", OTHER, previous_response_id=first["id"]),
                await gateway.get(address, OTHER),
                await gateway.send("DELETE", address, (OTHER,)),
                await gateway.get(f"{address}/input_items", OTHER),
            ]
            return refused, await gateway.get(address, KEY), await gateway.get(address, ("x-api-key", "one"))

    refused, own, own_elsewhere = run(scenario())

    assert [each.status for each in refused] == [400, 404, 404, 404]
    assert own.status == own_elsewhere.status == 200


@pytest.mark.parametrize("gone", ["another key's", "deleted"])
def test_a_server_of_unknown_ways_is_not_asked_about_a_response_that_is_known_here(gone):
    async def scenario():
        async with Upstream(always=says("One.")) as up, rig(openai_responses=up) as gateway:
            model = f"openai_responses:{RESPONSES.model}"
            first = (await gateway.post(PATH, {"model": model, "input": "a"}, KEY)).json()
            if gone == "deleted":
                await gateway.send("DELETE", f"{PATH}/{first['id']}", (KEY,))
            key = KEY if gone == "deleted" else OTHER
            body = {"model": model, "input": "b", "previous_response_id": first["id"]}
            return await gateway.post(PATH, body, key), len(up.requests)

    answer, asked = run(scenario())

    assert answer.json()["error"]["code"] == "previous_response_not_found"
    assert asked == 1


def test_nobody_reaches_another_key_s_response_at_the_backend_that_keeps_it():
    async def scenario():
        async with Upstream(says("One.", "resp_theirs")) as up, kept_rig(keeper=up) as gateway:
            await ask(gateway, "keeper", "a", KEY)
            return (
                await ask(gateway, "keeper", "b", OTHER, previous_response_id="resp_theirs"),
                await gateway.get(f"{PATH}/resp_theirs", OTHER),
                up.requests,
            )

    continued, shown, requests = run(scenario())

    assert continued.json()["error"]["code"] == "previous_response_not_found"
    assert shown.status == 404
    assert len(requests) == 1


def test_a_restart_forgets_nothing():
    async def scenario():
        async with Upstream(says("One."), says("Two."), says("Mine.", "resp_theirs")) as up:
            async with kept_rig(forgetful=up) as gateway:
                first = answer_of(await ask(gateway, "forgetful", "a"))
            async with kept_rig(forgetful=up) as gateway:
                await ask(gateway, "forgetful", "b", previous_response_id=first["id"])
                shown = await gateway.get(f"{PATH}/{first['id']}")
            return said_to(up.requests[1]), shown.json()["id"] == first["id"]

    said, same = run(scenario())

    assert said == [("user", "a"), ("assistant", "One."), ("user", "b")]
    assert same


def test_a_response_that_is_not_to_be_kept_is_not():
    async def scenario():
        async with Upstream(says()) as up, kept_rig(forgetful=up) as gateway:
            answer = answer_of(await ask(gateway, "forgetful", "a", store=False))
            return await gateway.get(f"{PATH}/{answer['id']}"), gateway.app.paths.data

    shown, data = run(scenario())

    assert shown.status == 404
    assert shown.json()["error"]["code"] == "response_not_found"
    assert all(b"Hello there" not in each.read_bytes() for each in data.iterdir())


def test_a_deleted_response_is_gone_and_so_is_what_came_after_it():
    async def scenario():
        async with Upstream(always=says("One.")) as up, kept_rig(forgetful=up) as gateway:
            first = answer_of(await ask(gateway, "forgetful", "a"))
            second = answer_of(await ask(gateway, "forgetful", "b", previous_response_id=first["id"]))
            deleted = await gateway.send("DELETE", f"{PATH}/{first['id']}")
            return (
                first,
                deleted,
                await gateway.get(f"{PATH}/{first['id']}"),
                await gateway.get(f"{PATH}/{second['id']}"),
                await ask(gateway, "forgetful", "c", previous_response_id=second["id"]),
            )

    first, deleted, shown, later, continued = run(scenario())

    assert deleted.json() == {"id": first["id"], "object": "response", "deleted": True}
    assert (shown.status, later.status) == (404, 200)
    assert continued.json()["error"]["code"] == "previous_response_not_found"


def test_the_input_of_a_kept_response_is_listed_in_pages():
    async def scenario():
        async with Upstream(says("One."), says("Two.")) as up, kept_rig(forgetful=up) as gateway:
            first = answer_of(await ask(gateway, "forgetful", "a"))
            second = answer_of(await ask(gateway, "forgetful", "b", previous_response_id=first["id"]))
            items = f"{PATH}/{second['id']}/input_items"
            page = (await gateway.get(f"{items}?order=asc&limit=2")).json()
            rest = (await gateway.get(f"{items}?order=asc&limit=2&after={page['last_id']}")).json()
            wrong = [await gateway.get(f"{items}?{query}") for query in ("limit=0", "order=up", "after=x")]
            return page, rest, (await gateway.get(items)).json(), wrong

    page, rest, newest_first, wrong = run(scenario())

    texts = [item["content"][0]["text"] for item in (*page["data"], *rest["data"])]
    assert texts == ["a", "One.", "b"]
    assert (page["has_more"], rest["has_more"]) == (True, False)
    assert [item["content"][0]["text"] for item in newest_first["data"]] == ["b", "One.", "a"]
    assert [each.status for each in wrong] == [400, 400, 400]


def test_a_kept_response_is_neither_streamed_again_nor_cancelled():
    async def scenario():
        async with Upstream(says()) as up, kept_rig(forgetful=up) as gateway:
            found = answer_of(await ask(gateway, "forgetful", "a"))
            address = f"{PATH}/{found['id']}"
            return await gateway.get(f"{address}?stream=true"), await gateway.post(f"{address}/cancel", {})

    streamed, cancelled = run(scenario())

    assert (streamed.status, cancelled.status) == (400, 400)
    assert streamed.json()["error"]["param"] == "stream"


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", ""),
        ("GET", "?include[]=reasoning.encrypted_content"),
        ("DELETE", ""),
        ("POST", "/cancel"),
        ("GET", "/input_items?limit=3"),
    ],
)
def test_what_is_asked_of_a_backend_s_own_response_goes_there(method, rest):
    async def scenario():
        replies = says("One.", "resp_theirs"), json_reply({"id": "resp_theirs", "seen": True}, 200)
        async with Upstream(*replies) as up, kept_rig(keeper=up) as gateway:
            await ask(gateway, "keeper", "a")
            answer = await gateway.send(method, f"{PATH}/resp_theirs{rest}")
            await gateway.settled()
            return answer, up.requests[1], gateway.tally.backends["keeper"].requests

    answer, seen, counted = run(scenario())

    assert answer.json() == {"id": "resp_theirs", "seen": True}
    assert (seen.method, seen.target) == (method, f"/v1/responses/resp_theirs{rest}")
    assert seen.header("authorization") == f"Bearer {KEYS['KEEPER_KEY']}"
    assert answer.header("x-pointsman-backend") == "keeper"
    assert counted == 2


def test_a_backend_s_error_about_its_response_comes_as_it_is_without_our_key():
    error = {"error": {"message": f"no {KEYS['KEEPER_KEY']}", "type": "invalid_request_error", "code": None}}

    async def scenario():
        replies = says("One.", "resp_theirs"), json_reply(error, 404)
        async with Upstream(*replies) as up, kept_rig(keeper=up) as gateway:
            await ask(gateway, "keeper", "a")
            return await gateway.get(f"{PATH}/resp_theirs")

    answer = run(scenario())

    assert answer.status == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert KEYS["KEEPER_KEY"].encode() not in answer.body


def test_an_id_that_was_never_seen_is_not_found():
    async def scenario():
        async with Upstream() as up, kept_rig(keeper=up) as gateway:
            return (
                await gateway.get(f"{PATH}/resp_never"),
                await gateway.get("/responses/resp_never"),
                up.requests,
            )

    with_version, without, requests = run(scenario())

    assert with_version.status == without.status == 404
    assert with_version.json()["error"]["message"].startswith("Response with id 'resp_never' not found")
    assert requests == []


def test_work_in_the_background_needs_a_backend_that_keeps_it():
    async def scenario():
        async with (
            Upstream(json_reply(response("resp_bg", status="queued", output=[]))) as keeper,
            Upstream() as claude,
            kept_rig(keeper=keeper, claude=claude) as gateway,
        ):
            relayed = await ask(gateway, "keeper", "a", background=True)
            keeper.then(json_reply(response("resp_bg")))
            shown = await gateway.get(f"{PATH}/resp_bg")
            refused = await ask(gateway, "claude", "a", background=True)
            return relayed.json(), shown.json(), refused, keeper.requests[0].json(), claude.requests

    relayed, shown, refused, body, requests = run(scenario())

    assert (relayed["status"], shown["status"], body["background"]) == ("queued", "completed", True)
    assert refused.status == 400
    assert refused.json()["error"]["param"] == "background"
    assert requests == []


def test_an_answer_that_broke_off_is_not_kept():
    async def scenario():
        from kept import frames

        broken = sse(*frames(response("resp_1"))[:5], end=[RESET])
        async with Upstream(broken) as up, kept_rig(forgetful=up) as gateway:
            answer = await ask(gateway, "forgetful", "a", stream=True)
            return answer, await gateway.get(f"{PATH}/resp_1")

    answer, shown = run(scenario())

    assert not answer.whole
    assert shown.status == 404


def test_thinking_that_only_its_maker_could_look_up_is_not_sent_to_another_server():
    async def scenario():
        thought = {"type": "reasoning", "id": "rs_1", "summary": []}
        sealed = {**thought, "id": "rs_2", "encrypted_content": "sealed"}
        whole = response("resp_1")
        whole["output"] = [thought, sealed, *whole["output"]]
        async with Upstream(json_reply(whole), says()) as up, kept_rig(forgetful=up) as gateway:
            await ask(gateway, "forgetful", "a")
            answer = await ask(gateway, "forgetful", "b", previous_response_id="resp_1")
            return [item.get("id") for item in up.requests[1].json()["input"]], answer

    ids, answer = run(scenario())

    assert ids == [None, "rs_2", "msg_1", None]
    assert answer.header("x-pointsman-losses") == "dropped reasoning"


def test_tokens_of_a_continued_conversation_are_counted_with_all_of_it():
    async def scenario():
        async with (
            Upstream(ANTHROPIC.whole(), json_reply({"input_tokens": 99})) as up,
            kept_rig(claude=up) as gateway,
        ):
            first = answer_of(await ask(gateway, "claude", "a"))
            body = {"model": "anthropic:claude-x", "input": "b", "previous_response_id": first["id"]}
            counted = await gateway.post(f"{PATH}/input_tokens", body)
            return counted.json(), [len(seen.json()["messages"]) for seen in up.requests]

    counted, turns = run(scenario())

    assert counted["input_tokens"] == 99
    assert turns == [1, 3]


def test_tokens_are_counted_by_a_provider_that_counts_them_with_what_it_keeps():
    async def scenario():
        async with (
            Upstream(always=json_reply({"input_tokens": 20_007})) as up,
            kept_rig(keeper=up) as gateway,
        ):
            body = {"model": "keeper:gpt-x", "input": "b", "previous_response_id": "resp_theirs"}
            return (await gateway.post(f"{PATH}/input_tokens", body)).json(), up.requests

    counted, requests = run(scenario())

    assert counted["input_tokens"] == 20_007
    assert [request.target for request in requests] == ["/v1/responses/input_tokens"]
    assert requests[0].json()["previous_response_id"] == "resp_theirs"


def test_a_store_that_is_broken_disturbs_no_answer_and_is_told():
    async def scenario():
        async with Upstream(always=says()) as up, kept_rig(forgetful=up) as gateway:
            data = gateway.app.paths.data
            data.mkdir(parents=True, exist_ok=True)
            (data / "pointsman.db").mkdir()
            first = await ask(gateway, "forgetful", "a")
            continued = await ask(gateway, "forgetful", "b", previous_response_id=first.json()["id"])
            shown = await gateway.get(f"{PATH}/{first.json()['id']}")
            return first.status, continued, shown, gateway.app.describe()["warnings"]

    status, continued, shown, warnings = run(scenario())

    assert status == 200
    assert continued.json()["error"]["code"] == "previous_response_not_found"
    assert "pointsman.db" in continued.json()["error"]["message"]
    assert shown.status == 503
    assert any("pointsman.db" in warning for warning in warnings)


def test_a_full_disk_disturbs_no_answer_and_is_told():
    async def scenario():
        async with Upstream(always=says("x" * 200_000)) as up, kept_rig(forgetful=up) as gateway:
            database = gateway.parts.responses.database
            await database.ask(lambda c: c.execute("PRAGMA max_page_count = 20").fetchall())
            answer = await ask(gateway, "forgetful", "a")
            shown = await gateway.get(f"{PATH}/{answer.json()['id']}")
            return answer.status, shown.status, database.dropped

    assert run(scenario()) == (200, 404, 1)


def test_two_gateways_over_one_home_continue_each_other_s_conversations():
    async def scenario():
        async with (
            Upstream(says("One."), says("Two.")) as up,
            kept_rig(forgetful=up) as first,
            kept_rig(forgetful=up) as second,
        ):
            begun = answer_of(await ask(first, "forgetful", "a"))
            await first.parts.responses.find(b"", "settled")
            await ask(second, "forgetful", "b", previous_response_id=begun["id"])
            return said_to(up.requests[1])

    assert run(scenario()) == [("user", "a"), ("assistant", "One."), ("user", "b")]


def test_a_conversation_larger_than_may_be_is_refused(monkeypatch):
    async def scenario():
        async with Upstream(always=says()) as up, kept_rig(forgetful=up) as gateway:
            first = answer_of(await ask(gateway, "forgetful", "a"))
            monkeypatch.setattr("pointsman.gateway.state.LONGEST", 10)
            return await ask(gateway, "forgetful", "b", previous_response_id=first["id"])

    assert run(scenario()).status == 413


def test_the_hash_of_a_key_is_all_that_is_kept_of_it():
    async def scenario():
        async with Upstream(says()) as up, kept_rig(forgetful=up) as gateway:
            await ask(gateway, "forgetful", "a", ("authorization", "Bearer sk-client-canary"))
            await gateway.parts.responses.find(b"", "settled")
            return gateway.app.paths.data

    data = run(scenario())

    for file in data.iterdir():
        assert b"canary" not in file.read_bytes()


def test_a_conversation_is_shortened_where_the_backend_can_and_the_error_says_where_it_cannot():
    compacted = {"id": "resp_c", "object": "response.compaction", "output": []}

    async def scenario():
        async with (
            Upstream(says("One.")) as forgetful,
            Upstream(json_reply(compacted)) as keeper,
            kept_rig(forgetful=forgetful, keeper=keeper) as gateway,
        ):
            first = answer_of(await ask(gateway, "forgetful", "a"))
            body = {"input": "b", "previous_response_id": first["id"]}
            done = await gateway.post(f"{PATH}/compact", {"model": "keeper:gpt-x", **body})
            refused = await gateway.post(f"{PATH}/compact", {"model": "forgetful:gpt-x", **body})
            return done, refused, keeper.requests[0]

    done, refused, seen = run(scenario())

    assert done.json() == compacted
    assert seen.target == "/v1/responses/compact"
    assert said_to(seen) == [("user", "a"), ("assistant", "One."), ("user", "b")]
    assert refused.status == 400
    assert "no compact endpoint" in refused.json()["error"]["message"]


def test_an_answer_in_a_content_coding_is_kept_too():
    whole = response("resp_1")

    async def scenario():
        coded = gzip.compress(json.dumps(whole).encode())
        fields = (("content-type", "application/json"), ("content-encoding", "gzip"))
        async with Upstream(Reply(200, fields, coded)) as up, kept_rig(forgetful=up) as gateway:
            answer = await ask(gateway, "forgetful", "a", ("accept-encoding", "gzip"))
            return answer.body == coded, (await gateway.get(f"{PATH}/resp_1")).json()

    untouched, kept = run(scenario())

    assert untouched
    assert kept == whole
