"""The requests that the benchmark sends: those of an SDK, in each dialect and of any size."""

from bench.voices import VOICES
from bench.voices.voice import Turn, Voice, written
from bench.ways import Way

_LINE = "def points(track: int) -> str:  # \"the train takes its own line\"\n    return f'{track}'\n"
_TURN = (_LINE * 30)[:1900]
_TURN_BYTES = 2048


def request(way: Way, answer: str, size: int = 0) -> bytes:
    """A request by `way` for an answer of the mock; its body has `size` bytes where that is more."""
    voice, stream, model = VOICES[way.dialect], answer != "plain", way.prefix + answer
    turns: list[Turn] = [(True, "Where does the train go?")]

    def body() -> bytes:
        return written(voice.body(model, turns, stream))

    more = max(0, size - len(body())) // _TURN_BYTES
    turns += [(number % 2 == 1, _TURN) for number in range(more)]
    if more % 2:
        turns.append((True, "Go on."))
    turns[0] = (True, turns[0][1] + "." * max(0, size - len(body())))
    return _head(way, voice, model, whole := body(), stream=stream) + whole


def _head(way: Way, voice: Voice, model: str, body: bytes, *, stream: bool) -> bytes:
    accept = "text/event-stream" if stream else "application/json"
    return (
        f"POST {voice.target(model, stream=stream)} HTTP/1.1\r\nhost: 127.0.0.1:{way.port}\r\n"
        f"accept: {accept}\r\naccept-encoding: gzip, deflate\r\ncontent-type: application/json\r\n"
        f"{voice.fields}content-length: {len(body)}\r\n\r\n"
    ).encode()
