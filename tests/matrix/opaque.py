"""Conversations over several turns: a client of one dialect, an upstream of another, and what each keeps.

The upstream's answers are scripted; the client sends back what it read, as the real ones do.
"""

import json
from base64 import b64decode, b64encode, urlsafe_b64encode

from dialects.laws import ASKED, events_of, frames_of, rendered
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.registry import DIALECTS
from pointsman.wire import envelope
from pointsman.wire.json import encode

PREFIX = envelope.PREFIX.encode()


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
        sent = encode(encoded.body)
        assert PREFIX not in sent, "an envelope has reached an upstream"
        assert b64encode(PREFIX) not in sent, "an envelope has reached an upstream"
        self.bodies.append(encoded.body)
        self.losses.append({loss.what for loss in encoded.losses})


class Client:
    """Who asks in a dialect, in streams or not; `keep` turns an answer into the turn that is sent back."""

    def __init__(self, dialect, keep, *, stream):
        self.dialect = DIALECTS[dialect]
        self.keep = keep
        self.stream = stream
        self.messages = []

    def body(self):
        """What it sends."""
        if self.dialect.turns_field != "messages":
            return {self.dialect.turns_field: self.messages}
        return {"model": "asked", "max_tokens": 9999, "messages": self.messages}

    def say(self, *messages):
        """More turns."""
        self.messages += messages

    def ask(self, upstream, answer):
        """One exchange: the whole history goes there, and this answer comes back."""
        upstream.take(self.dialect.decode_request(self.body()))
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
                held |= {key: call[key] for key in ("extra_content",) if key in call}
                for key, value in call["function"].items():
                    held["function"][key] += value
            for key in ("content", "reasoning_content"):
                if delta.get(key):
                    turn[key] = turn.get(key, "") + delta[key]
            if delta.get("reasoning_details"):
                turn["reasoning_details"] = turn.get("reasoning_details", []) + delta["reasoning_details"]
    return {**turn, **({"tool_calls": [calls[at] for at in sorted(calls)]} if calls else {})}


def from_response(answer):
    """The turn that a client of Gemini sends back."""
    return answer["candidates"][0]["content"]


def from_responses(frames):
    """The same, of a stream: the parts as they came, as the chats of Google's SDKs keep them."""
    parts = [part for _, frame in frames for part in frame["candidates"][0]["content"]["parts"]]
    return {"role": "model", "parts": [part for part in parts if part != {"text": ""}]}


def coded_anew(keep):
    """The same, of an SDK that decodes signatures and codes them in the URL-safe alphabet."""

    def kept(answer):
        turn = keep(answer)
        return {**turn, "parts": [_coded(part) for part in turn["parts"]]}

    return kept


def _coded(part):
    signature = part.get("thoughtSignature")
    return (
        part
        if signature is None
        else {**part, "thoughtSignature": urlsafe_b64encode(b64decode(signature)).decode()}
    )
