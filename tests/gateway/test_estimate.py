"""The estimate of a request's tokens: every kind of content counts, and more content never counts less."""

import pytest
from voices import ANTHROPIC

from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.estimate import estimate

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
