"""Conversations over several turns: a client of one dialect, an upstream of another, and what each keeps.

The upstream's answers are scripted; the client sends back what it read, as the real ones do.
"""

import json

from dialects.laws import ASKED, events_of, frames_of, rendered
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.registry import DIALECTS
from pointsman.wire.json import encode


class Upstream:
    """One provider that speaks a dialect, and every request that it got."""

    def __init__(self, dialect, issuer, **traits):
        self.dialect = DIALECTS[dialect]
        self.target = Target("model", issuer, Traits(**traits))
        self.origin = Origin(issuer)
        self.bodies = []
        self.losses = []

    def take(self, request):
        """A request on its way here."""
        encoded = self.dialect.encode_request(request, self.target)
        assert b"pointsman.1." not in encode(encoded.body), "an envelope has reached an upstream"
        self.bodies.append(encoded.body)
        self.losses.append({loss.what for loss in encoded.losses})


class Client:
    """Who asks in a dialect, in streams or not; `keep` turns an answer into the turn that is sent back."""

    def __init__(self, dialect, keep, *, stream):
        self.dialect = DIALECTS[dialect]
        self.keep = keep
        self.stream = stream
        self.messages = []

    def say(self, *messages):
        """More turns."""
        self.messages += messages

    def ask(self, upstream, answer):
        """One exchange: the whole history goes there, and this answer comes back."""
        body = {"model": "asked", "max_tokens": 9999, "messages": self.messages}
        upstream.take(self.dialect.decode_request(body))
        events = list(upstream.dialect.whole(answer, upstream.origin))
        if self.stream:
            events = events_of(upstream.dialect, rendered(upstream.dialect, events), origin=upstream.origin)
            turn = self.keep(frames_of(rendered(self.dialect, events)))
        else:
            turn = self.keep(self.dialect.fold(gather(events), ASKED))
        self.say(turn)
        return turn


def from_message(answer):
    """The turn that a client of Messages sends back."""
    return {"role": "assistant", "content": answer["content"]}


def from_message_events(frames):
    """The same, of a stream."""
    blocks = []
    for name, frame in frames:
        if name == "content_block_start":
            blocks.append(
                {**frame["content_block"], **({"input": ""} if "input" in frame["content_block"] else {})}
            )
        elif name == "content_block_delta":
            _grow(blocks[frame["index"]], frame["delta"])
    for block in blocks:
        if block["type"] == "tool_use":
            block["input"] = decoded(block["input"])
    return {"role": "assistant", "content": blocks}


def _grow(block, delta):
    for key, value in delta.items():
        if key == "partial_json":
            block["input"] += value
        elif key == "signature":
            block[key] = value
        elif key != "type":
            block[key] += value


def decoded(text):
    """The arguments of a call."""
    return json.loads(text or "{}")


def from_completion(answer):
    """The turn that a client of Chat Completions sends back when it keeps what it does not know."""
    return {key: value for key, value in answer["choices"][0]["message"].items() if value is not None}


def from_chunks(frames):
    """The same, of a stream, by a client that puts the pieces of each detail together."""
    turn = from_chunks_as_they_came(frames)
    details = []
    for piece in turn.pop("reasoning_details", []):
        if details and details[-1]["index"] == piece["index"]:
            text = details[-1].get("text", "") + piece.get("text", "")
            details[-1] |= {**piece, **({"text": text} if text else {})}
        else:
            details.append(dict(piece))
    return {**turn, **({"reasoning_details": details} if details else {})}


def from_chunks_as_they_came(frames):
    """The same, by a client that only appends: strings to strings, pieces to pieces, calls by their index."""
    turn, calls = {"role": "assistant", "content": ""}, {}
    for _, frame in frames:
        for choice in frame["choices"] if isinstance(frame, dict) else []:
            delta = choice["delta"]
            for call in delta.get("tool_calls", []):
                held = calls.setdefault(
                    call["index"], {"type": "function", "function": {"name": "", "arguments": ""}}
                )
                held["id"] = call.get("id") or held["id"]
                for key, value in call["function"].items():
                    held["function"][key] += value
            for key in ("content", "reasoning_content"):
                if delta.get(key):
                    turn[key] = turn.get(key, "") + delta[key]
            if delta.get("reasoning_details"):
                turn["reasoning_details"] = turn.get("reasoning_details", []) + delta["reasoning_details"]
    return {**turn, **({"tool_calls": [calls[at] for at in sorted(calls)]} if calls else {})}
