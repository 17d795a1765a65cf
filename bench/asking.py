"""The requests that the benchmark sends: those of an SDK, in either dialect and of any size."""

import json

from bench.ways import ANTHROPIC, Way

_LINE = "def points(track: int) -> str:  # \"the train takes its own line\"\n    return f'{track}'\n"
_HEADS = {
    True: "anthropic-version: 2023-06-01\r\nx-api-key: sk-bench\r\nuser-agent: Anthropic/Python 1.0\r\n",
    False: "authorization: Bearer sk-bench\r\nuser-agent: OpenAI/Python 2.0\r\n",
}


def request(way: Way, answer: str, size: int = 0) -> bytes:
    """A request by `way` for an answer of the mock; its body has `size` bytes where that is more."""
    stream = answer != "plain"
    asked = {"model": way.prefix + answer, "max_tokens": 1024, "stream": stream}
    messages = [{"role": "user", "content": "Where does the train go?"}]
    short = len(_json({**asked, "messages": messages}))
    turns = max(0, size - short) // 2048
    for number in range(turns):
        role = "assistant" if number % 2 == 0 else "user"
        messages.append({"role": role, "content": (_LINE * 30)[:1900]})
    if turns % 2:
        messages.append({"role": "user", "content": "Go on."})
    rest = size - len(_json({**asked, "messages": messages}))
    messages[0]["content"] += "." * max(0, rest)
    return _head(way, body := _json({**asked, "messages": messages}), stream=stream) + body


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _head(way: Way, body: bytes, *, stream: bool) -> bytes:
    accept = "text/event-stream" if stream else "application/json"
    return (
        f"POST {way.path} HTTP/1.1\r\nhost: 127.0.0.1:{way.port}\r\naccept: {accept}\r\n"
        f"accept-encoding: gzip, deflate\r\ncontent-type: application/json\r\n"
        f"{_HEADS[way.path == ANTHROPIC]}content-length: {len(body)}\r\n\r\n"
    ).encode()
