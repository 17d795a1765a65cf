"""The estimate of a request's tokens: every kind of content counts, and more content never counts less."""

import base64
import json
import random
import uuid

import pytest
from voices import ANTHROPIC

from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.estimate import estimate, rough_estimate

DECODE = DIALECTS["anthropic"].decode_request
PNG = {"type": "base64", "media_type": "image/png", "data": "aGk=" * 10}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "aGk=" * 3000}
USE = {"type": "tool_use", "id": "t1", "name": "look", "input": {"where": "there " * 50}}
CONTENT = {
    "text": {"type": "text", "text": "word " * 100},
    "image": {"type": "image", "source": PNG},
    "image by address": {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}},
    "text document": {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "word " * 100},
    },
    "PDF": {"type": "document", "source": PDF},
    "document by address": {"type": "document", "source": {"type": "url", "url": "https://x.example/a.pdf"}},
    "document of blocks": {
        "type": "document",
        "source": {"type": "content", "content": [{"type": "text", "text": "word " * 100}]},
    },
    "tool result": {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": [{"type": "text", "text": "word " * 100}],
    },
    "something new": {"type": "brand_new", "payload": "word " * 100},
}


def tokens(*blocks, role="user", **fields):
    body = ANTHROPIC.request(messages=[{"role": role, "content": list(blocks)}], **fields)
    return estimate(DECODE(body))


@pytest.mark.parametrize("kind", CONTENT)
def test_every_kind_of_content_counts(kind):
    assert tokens(CONTENT[kind]) > tokens() + 90
    assert tokens(CONTENT[kind], CONTENT[kind]) > tokens(CONTENT[kind])


def test_calls_and_thinking_count():
    thinking = {"type": "thinking", "thinking": "word " * 100, "signature": "s"}

    assert tokens(USE, role="assistant") > tokens(role="assistant") + 90
    assert tokens(thinking, role="assistant") > tokens(role="assistant") + 90


def test_a_script_without_spaces_is_not_underrated():
    assert tokens({"type": "text", "text": "漢字" * 100}) >= 200


def texts():
    """Four thousand bytes of each kind, always the same."""
    chance = random.Random(7)
    prose = "The signalman keeps the book of every train that passes, with the hour and the line it took. "
    code = (
        "def total(self, account: Account, *, since: float) -> int:\n"
        '    """Tokens of one account."""\n'
        "    return sum(each.tokens for each in self.records if each.time >= since)\n\n"
    )
    script = (
        "!function(e,t){var n=e.a||{};for(var i=0;i<n.length;i++)t[n[i].k]=n[i].v?1:0;return t}(window,{});"
    )
    yield "prose", (prose * 60)[:4000]
    yield "code", (code * 25)[:4000]
    yield "numbers", json.dumps([chance.randint(0, 99999) for _ in range(600)])[:4000]
    yield "fractions", json.dumps([round(chance.random() * 1000, 6) for _ in range(400)])[:4000]
    yield "base64", base64.b64encode(chance.randbytes(3000)).decode()[:4000]
    yield "hexadecimal", chance.randbytes(2000).hex()
    yield "ids", "\n".join(str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(108))[:4000]
    yield "minified code", (script * 45)[:4000]
    yield "signs", ("+-*/=<>!&|^%~?:;,.()[]{}" * 170)[:4000]
    yield "blank space", ("\t\tx\n\n\ty\n" * 500)[:4000]
    yield "Chinese", "".join(chr(chance.randint(0x4E00, 0x9FA5)) for _ in range(1300))
    yield "emoji", "".join(chr(chance.randint(0x1F300, 0x1F5FF)) for _ in range(1000))


COUNTED = {
    "prose": (904, 904),
    "code": (930, 1094),
    "numbers": (2319, 1898),
    "fractions": (2044, 2029),
    "base64": (2737, 2809),
    "hexadecimal": (2257, 2316),
    "ids": (2596, 2747),
    "minified code": (1798, 2290),
    "signs": (2668, 2335),
    "blank space": (2500, 3001),
    "Chinese": (2496, 2773),
    "emoji": (2226, 2635),
}
"""What gpt-tokenizer 4.0's o200k_base and @anthropic-ai/tokenizer 0.0.4 counted of these texts."""


@pytest.mark.parametrize(("kind", "text"), list(texts()), ids=COUNTED)
def test_no_kind_of_text_is_underrated_nor_overrated_beyond_use(kind, text):
    bare = tokens({"type": "text", "text": ""})
    counted = tokens({"type": "text", "text": text}) - bare

    assert max(COUNTED[kind]) <= counted <= 1.8 * max(COUNTED[kind])


def test_the_form_of_the_answer_and_the_grammar_of_a_tool_count():
    schema = {"type": "object", "properties": {f"member_{at}": {"type": "string"} for at in range(50)}}
    decode = DIALECTS["openai_responses"].decode_request
    plain = {"model": "m", "input": "x"}
    formed = {**plain, "text": {"format": {"type": "json_schema", "name": "a", "schema": schema}}}
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /[a-z]+/ " * 50}
    tool = {"type": "custom", "name": "patch", "format": grammar}

    assert estimate(decode(formed)) > estimate(decode(plain)) + 300
    assert estimate(decode({**plain, "tools": [tool]})) > estimate(decode(plain)) + 300


def test_the_rough_estimate_counts_the_same_things():
    for content in CONTENT.values():
        body = ANTHROPIC.request(messages=[{"role": "user", "content": [content]}])
        assert rough_estimate(DECODE(body)) > rough_estimate(DECODE(ANTHROPIC.request())) + 90
