"""Problems 8 and 9 with Gemini on one side: each signature comes back on the part that it sat on."""

import pytest
from msgspec import structs

from matrix.opaque import (
    Client,
    Upstream,
    coded_anew,
    from_chunks,
    from_chunks_as_they_came,
    from_completion,
    from_message,
    from_message_events,
    from_response,
    from_responses,
    from_responses_as_turns,
)
from matrix.test_opaque_responses import FORMS, Codex, user
from matrix.test_opaque_responses import results as outputs
from matrix.test_opaque_state import FIRST, LAST, SECOND, answered, results, without
from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.keepsakes import Keeper, Keepsakes, restore
from pointsman.gateway.place import places

GEMINI = "gemini"
STAND_IN = "c3RhbmQtaW4="


def response(*parts):
    """An answer of Gemini."""
    return {
        "candidates": [
            {"content": {"parts": list(parts), "role": "model"}, "finishReason": "STOP", "index": 0}
        ],
        "responseId": "r",
    }


def call(id, city, **signed):
    return {"functionCall": {"id": id, "name": "weather", "args": {"city": city}}, **signed}


ASKS = response(
    {"text": "Two calls. Grüezi 🚂", "thought": True, "thoughtSignature": "YWJj"},
    {"text": "Looking.", "thoughtSignature": "ZGVm"},
    call("fc-1", "Bern", thoughtSignature="Z2hp"),
    call("fc-2", "Thun"),
)
ASKS_AGAIN = response(call("fc-3", "Biel", thoughtSignature="amts"))
TELLS = response({"text": "Fine."}, {"text": "", "thoughtSignature": "bW5v"})
ANSWERS = [ASKS, ASKS_AGAIN, TELLS]
CHAT = {"keep": [from_completion, from_chunks, from_chunks_as_they_came], "stream": [False, True, True]}


def parts_sent(upstream, number):
    """The model's turns in a request, as their parts."""
    return [turn["parts"] for turn in upstream.bodies[number]["contents"] if turn["role"] == "model"]


def parts_told(*answers):
    return [answer["candidates"][0]["content"]["parts"] for answer in answers]


def chat_history(keep, stream, upstream, last=None):
    """Three turns with tools and a fourth between a Chat client and a Gemini upstream."""
    client = Client("openai_chat", keep, stream=stream)
    client.say({"role": "user", "content": "Weather?"})
    client.ask(upstream, ASKS)
    client.say(*answered("fc-1", "fc-2"))
    client.ask(upstream, ASKS_AGAIN)
    client.say(*answered("fc-3"))
    client.ask(last or upstream, TELLS)
    client.say({"role": "user", "content": "And now?"})
    client.ask(last or upstream, TELLS)


@pytest.mark.parametrize(("keep", "stream"), list(zip(*CHAT.values(), strict=True)))
def test_problem_9_signatures_come_back_through_a_chat_client_on_their_parts(keep, stream):
    upstream = Upstream(GEMINI, "google", unsigned_call=STAND_IN)

    chat_history(keep, stream, upstream)

    assert parts_sent(upstream, 3) == parts_told(*ANSWERS)


MIXED = response(
    {"text": "Hm.", "thought": True, "thoughtSignature": "YWJj"},
    {"text": "Grüezi 🚂. ", "thoughtSignature": "ZGVm"},
    {"text": "Looking."},
    {"text": "", "thoughtSignature": "Z2hp"},
    call("fc-1", "Bern", thoughtSignature="amts"),
    call("fc-2", "Thun"),
    {"text": "", "thoughtSignature": "bW5v"},
)


@pytest.mark.parametrize(("keep", "stream"), list(zip(*CHAT.values(), strict=True)))
def test_signatures_between_texts_and_behind_calls_come_back_in_their_order(keep, stream):
    upstream = Upstream(GEMINI, "google", unsigned_call=STAND_IN)
    client = Client("openai_chat", keep, stream=stream)
    client.say({"role": "user", "content": "Weather?"})
    client.ask(upstream, MIXED)
    client.say(*answered("fc-1", "fc-2"))

    client.ask(upstream, TELLS)

    assert parts_sent(upstream, 1) == parts_told(MIXED)


def test_a_text_that_a_client_cut_short_keeps_its_signature_and_a_lost_picture_s_is_on_none():
    picture = {"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "YWJj"}
    upstream = Upstream(GEMINI, "google")
    client = Client("openai_chat", from_completion, stream=False)
    client.say({"role": "user", "content": "Weather?"})
    client.ask(upstream, response({"text": "Fine. \n", "thoughtSignature": "ZGVm"}))["content"] = "Fine."
    client.say({"role": "user", "content": "Draw!"})
    client.ask(upstream, response({"text": "So."}, picture))
    client.say({"role": "user", "content": "More!"})

    client.ask(upstream, TELLS)

    assert parts_sent(upstream, 2) == [
        [{"text": "Fine.", "thoughtSignature": "ZGVm"}],
        [{"text": "", "thoughtSignature": "YWJj"}, {"text": "So."}],
    ]


@FORMS
def test_problem_9_signatures_come_back_through_codex_on_their_parts(stream):
    """Codex keeps the items of a stream in the order in which they are done."""
    client, upstream = Codex(stream), Upstream(GEMINI, "google")

    client.ask(upstream, ASKS, user("Weather?"))
    client.ask(upstream, ASKS_AGAIN, *outputs("fc-1", "fc-2"))
    client.ask(upstream, TELLS, *outputs("fc-3"))
    client.ask(upstream, TELLS, user("And now?"))

    assert parts_sent(upstream, 3) == parts_told(ASKS, ASKS_AGAIN, TELLS)


def test_problem_9_another_issuer_gets_the_stand_in_instead():
    other = Upstream(GEMINI, "vertex", unsigned_call=STAND_IN)

    chat_history(from_completion, False, Upstream(GEMINI, "google"), other)

    calls = [part for parts in parts_sent(other, 0) for part in parts if "functionCall" in part]
    assert [part.get("thoughtSignature") for part in calls] == [STAND_IN, None, STAND_IN]


class Remembering(Client):
    """A Messages client behind an endpoint that keeps what its dialect has no place for."""

    keepsakes = None

    def ask(self, upstream, answer):
        request = self.dialect.decode_request(self.body())
        upstream.take(restore(request, self.keepsakes, "me"))
        keeper = Keeper(self.keepsakes, lambda: list(places(request, "me"))[-1], str(len(request.messages)))
        events = list(upstream.dialect.whole(answer, upstream.origin))
        for event in events:
            keeper.note(event)
        self.say(self.told(events))

    def told(self, events):
        from dialects.laws import ASKED, frames_of, rendered
        from pointsman.dialects.gather import gather

        if self.stream:
            return self.keep(frames_of(rendered(self.dialect, events)))
        return self.keep(self.dialect.fold(gather(events), ASKED))


@pytest.mark.parametrize(("keep", "stream"), [(from_message, False), (from_message_events, True)])
def test_problem_9_signatures_come_back_through_claude_codes_api(keep, stream):
    upstream = Upstream(GEMINI, "google", unsigned_call=STAND_IN)
    client = Remembering("anthropic", keep, stream=stream)
    client.keepsakes = Keepsakes(lambda: 0.0)

    client.say({"role": "user", "content": "Weather?"})
    client.ask(upstream, ASKS)
    client.say(results("fc-1", "fc-2"))
    client.ask(upstream, ASKS_AGAIN)
    client.say(results("fc-3"))
    client.ask(upstream, TELLS)
    client.say({"role": "user", "content": "And now?"})
    client.ask(upstream, TELLS)

    thanks = [{"text": "Fine."}]  # an answer there ends with what it says: Google asks no text's state back
    assert parts_sent(upstream, 3) == [*parts_told(*ANSWERS[:2]), thanks]


def bare(keep):
    """A Chat client that knows no field but the dialect's own."""
    known = ("role", "content", "tool_calls")

    def kept(answer):
        turn = {key: value for key, value in keep(answer).items() if key in known}
        calls = [{key: call[key] for key in ("id", "type", "function")} for call in turn["tool_calls"]]
        return {**turn, "tool_calls": calls}

    return kept


@pytest.mark.parametrize(("keep", "stream"), list(zip(*CHAT.values(), strict=True)))
def test_signatures_that_a_chat_client_drops_come_back_where_they_stood(keep, stream):
    upstream = Upstream(GEMINI, "google", unsigned_call=STAND_IN)
    client = Remembering("openai_chat", bare(keep), stream=stream)
    client.keepsakes = Keepsakes(lambda: 0.0)
    client.say({"role": "user", "content": "Weather?"})
    client.ask(upstream, MIXED)
    client.say(*answered("fc-1", "fc-2"))
    client.ask(upstream, ASKS)

    assert parts_sent(upstream, 1) == [parts_told(MIXED)[0][:-1]]  # what stood behind the calls is not kept


@pytest.mark.parametrize(
    ("keep", "stream"),
    [
        (from_response, False),
        (coded_anew(from_response), False),
        (from_responses, True),
        (coded_anew(from_responses), True),
        (from_responses_as_turns, True),
    ],
    ids=["whole", "whole, coded anew", "streamed", "streamed, coded anew", "each response as a turn"],
)
def test_problem_8_claudes_thinking_comes_back_through_a_gemini_client(keep, stream):
    upstream = Upstream("anthropic", "anthropic")
    client = Client(GEMINI, keep, stream=stream)

    client.say({"role": "user", "parts": [{"text": "Weather?"}]})
    client.ask(upstream, FIRST)
    client.say(functions("toolu_1", "toolu_2"))
    client.ask(upstream, SECOND)
    client.say(functions("toolu_3"))
    client.ask(upstream, LAST)

    turns = [turn["content"] for turn in upstream.bodies[2]["messages"] if turn["role"] == "assistant"]
    assert [without(turn, "caller") for turn in turns] == [FIRST["content"], SECOND["content"]]


def functions(*ids):
    """What functions answered, as Gemini clients say it."""
    said = [{"id": id, "name": "weather", "response": {"output": "12 °C"}} for id in ids]
    return {"role": "user", "parts": [{"functionResponse": each} for each in said]}


def test_a_gemini_upstream_gets_no_state_of_anthropics():
    upstream = Upstream(GEMINI, "google", unsigned_call=STAND_IN)
    client = Client(GEMINI, from_response, stream=False)
    client.say({"role": "user", "parts": [{"text": "Weather?"}]})
    client.ask(Upstream("anthropic", "anthropic"), FIRST)
    client.say(functions("toolu_1", "toolu_2"))

    client.ask(upstream, TELLS)

    assert [sorted(part) for part in parts_sent(upstream, 0)[0]] == [
        ["text"],
        ["functionCall", "thoughtSignature"],
        ["functionCall"],
    ]
    assert parts_sent(upstream, 0)[0][1]["thoughtSignature"] == STAND_IN
    assert upstream.losses[0] == {"thoughtSignature"}


def test_turns_that_held_another_providers_state_alone_are_not_sent_to_gemini():
    upstream = Upstream(GEMINI, "google", unsigned_call=STAND_IN)
    client = Client(GEMINI, from_responses_as_turns, stream=True)
    client.say({"role": "user", "parts": [{"text": "Weather?"}]})
    client.ask(Upstream("anthropic", "anthropic"), FIRST)
    client.say(functions("toolu_1", "toolu_2"))

    client.ask(upstream, TELLS)

    told = [[sorted(part) for part in turn] for turn in parts_sent(upstream, 0)]
    signed = ["functionCall", "thoughtSignature"]
    assert told == [[["text"]], [signed], [["functionCall"]], [["text"]]]


def test_the_issuer_of_a_state_is_the_one_that_answered():
    request = DIALECTS[GEMINI].decode_request({"contents": [{"role": "model", "parts": parts_told(ASKS)[0]}]})

    assert structs.asdict(request.messages[0].content[0].native)["issuer"] == ""
