"""Every form of a document in all four pairs: what arrives, what is lost with it, and what is refused."""

import pytest

from matrix.crossing import target, translated

PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
DATA = "data:application/pdf;base64,JVBERi0="
PLAIN = "data:text/plain;base64,SGVsbG8="
CITED = {"citations": {"enabled": True}}
NAMED = "approximated messages.document"
INLINE = ["approximated messages.document", "approximated messages.content"]


def file(**members):
    return {"type": "file", "file": members}


def document(source, **members):
    return {"type": "document", "source": source, **members}


def sent(source, to, part):
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [part, TAIL]}]}
    return translated(source, to, body, target())


TAIL = {"type": "text", "text": "?"}
FILES = {
    "data and name": (file(filename="a.pdf", file_data=DATA), document(PDF, title="a.pdf"), []),
    "data": (file(file_data=DATA), document(PDF), []),
    "bare data and name": (file(filename="a.pdf", file_data="JVBERi0="), document(PDF, title="a.pdf"), []),
    "id and data": (file(file_id="f", file_data=DATA), document(PDF), []),
    "address": (
        file(filename="a.pdf", file_data="https://x.example/a.pdf"),
        document({"type": "url", "url": "https://x.example/a.pdf"}, title="a.pdf"),
        [],
    ),
    "text": (
        file(filename="a.txt", file_data=PLAIN),
        document({"type": "text", "media_type": "text/plain", "data": "Hello"}, title="a.txt"),
        [],
    ),
    "unknown members": (
        {**file(filename="a.pdf", file_data=DATA, inner=1), "outer": 2},
        document(PDF, title="a.pdf"),
        ["dropped messages[0].content[0].outer", "dropped messages[0].content[0].file.inner"],
    ),
    "id": (file(file_id="f"), None, []),
    "id and name": (file(file_id="f", filename="a.pdf"), None, []),
    "another type": (file(filename="a.bin", file_data="data:application/zip;base64,UEs="), None, []),
}
DOCUMENTS = {
    "bytes": (document(PDF), [file(filename="document.pdf", file_data=DATA)], [NAMED]),
    "bytes and title": (document(PDF, title="a.pdf"), [file(filename="a.pdf", file_data=DATA)], []),
    "all members": (
        document({**PDF, "inner": 1}, title="a.pdf", context="c", **CITED),
        [file(filename="a.pdf", file_data=DATA)],
        [
            "dropped messages.document.citations",
            "dropped messages.document.context",
            "dropped messages.document.source.inner",
        ],
    ),
    "text": (
        document({"type": "text", "media_type": "text/plain", "data": "Hello"}, title="a.txt"),
        "Document: a.txt\n\nHello\n\n?",
        INLINE,
    ),
    "a string": (document({"type": "content", "content": "Hello"}), "Hello\n\n?", INLINE),
    "blocks": (
        document({"type": "content", "content": [{"type": "text", "text": "a"}]}),
        "a\n\n?",
        INLINE,
    ),
    "address": (document({"type": "url", "url": "https://x.example/a.pdf"}), None, []),
    "file": (document({"type": "file", "file_id": "f"}), None, []),
}


def losses_in(result):
    return [loss.partition(": ")[0] for loss in result["losses"]]


@pytest.mark.parametrize(("part", "arrives", "lost"), FILES.values(), ids=FILES)
def test_a_file_of_a_chat_client_reaches_both(part, arrives, lost):
    own, crossed = sent("openai_chat", "openai_chat", part), sent("openai_chat", "anthropic", part)

    assert (own["body"]["messages"][0]["content"], own["losses"]) == ([part, TAIL], [])
    if arrives is None:
        assert crossed["refused"]["code"] == "unsupported_by_target"
    else:
        assert crossed["body"]["messages"][0]["content"] == [arrives, TAIL]
        assert losses_in(crossed) == lost


@pytest.mark.parametrize(("part", "arrives", "lost"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_of_an_anthropic_client_reaches_both(part, arrives, lost):
    own, crossed = sent("anthropic", "anthropic", part), sent("anthropic", "openai_chat", part)

    assert (own["body"]["messages"][0]["content"], own["losses"]) == ([part, TAIL], [])
    if arrives is None:
        assert crossed["refused"]["code"] == "unsupported_by_target"
    else:
        content = crossed["body"]["messages"][0]["content"]
        assert content == (arrives if isinstance(arrives, str) else [*arrives, TAIL])
        assert sorted(losses_in(crossed)) == sorted(lost)


@pytest.mark.parametrize(
    ("dialect", "part"),
    [
        ("openai_chat", {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "inner": 1}}),
        ("anthropic", {"type": "image", "source": {"type": "url", "url": "https://x.example/a", "inner": 1}}),
    ],
)
def test_unknown_members_within_a_picture_are_kept_or_named(dialect, part):
    other = "anthropic" if dialect == "openai_chat" else "openai_chat"
    own, crossed = sent(dialect, dialect, part), sent(dialect, other, part)

    assert (own["body"]["messages"][0]["content"], own["losses"]) == ([part, TAIL], [])
    assert any(loss.endswith(".inner") for loss in losses_in(crossed))
