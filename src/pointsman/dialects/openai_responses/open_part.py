"""The message that is being written, and its parts: texts and refusals."""

from typing import Any, cast

from pointsman.canon.blocks import SPELLING, Citation, Refusal, Text
from pointsman.canon.events import CitationDelta, TextDelta
from pointsman.dialects.openai_responses.citations import encode_annotation
from pointsman.dialects.openai_responses.writer import Wire, Writer, before_piece

_LOGPROBS = b',"logprobs":[]'


class OpenMessage:
    """One message of the model's."""

    def __init__(self, writer: Writer, extra: Wire) -> None:
        self.writer = writer
        self.place = writer.place()
        self.id = writer.id("msg", self.place)
        self.parts: list[Wire] = []
        self._extra = extra

    def _item(self, status: str) -> Wire:
        head: Wire = {"id": self.id, "type": "message", "status": status, "role": "assistant"}
        return {**self._extra, **head, "content": self.parts if status == "completed" else []}

    def start(self) -> bytes:
        """The message begins."""
        return self.writer.added(self.place, self._item("in_progress"))

    def end(self) -> bytes:
        """The message is over."""
        return self.writer.done(self.place, self._item("completed"))


class OpenPart:
    """One part of the message: a text or a refusal."""

    def __init__(self, message: OpenMessage, block: Text | Refusal, *, own: bool) -> None:
        self._writer = message.writer
        self._message = message
        self._own = own
        self._refused = isinstance(block, Refusal)
        self._at = len(message.parts)
        message.parts.append({})
        extra = (
            {key: block.extra[key] for key in block.extra if key not in (SPELLING, "message")} if own else {}
        )
        self._extra: Wire = extra
        self._initial = block.text
        self._texts: list[str] = []
        self._citations: list[Citation] = [] if isinstance(block, Refusal) else list(block.citations)
        self._logprobs: list[Any] = []
        self._where: Wire = {"item_id": message.id, "output_index": message.place, "content_index": self._at}
        kind = "response.refusal.delta" if self._refused else "response.output_text.delta"
        self._before = before_piece(kind, self._where)

    def start(self) -> bytes:
        """The part begins, with what its block holds already."""
        part = self._part("", [], [])
        begun = self._writer.frame("response.content_part.added", {**self._where, "part": part})
        return begun + (self.add(TextDelta(0, self._initial)) if self._initial else b"")

    def add(self, event: Any) -> bytes:
        """A piece of text, or a citation for the end."""
        if isinstance(event, CitationDelta):
            self._citations.append(event.citation)
            return b""
        if not isinstance(event, TextDelta) or not event.text:
            return b""
        self._texts.append(event.text)
        logprobs = event.extra.get("logprobs") if self._own else None
        if isinstance(logprobs, list):
            self._logprobs += cast("list[Any]", logprobs)
        return self._writer.piece(self._before, event.text, b"" if self._refused else _LOGPROBS)

    def end(self) -> bytes:
        """The part is over: its citations, its whole text, and all of it."""
        text = "".join(self._texts)
        found = [encode_annotation(citation, len(text)) for citation in self._citations]
        annotations = [each for each in found if each is not None]
        part = self._message.parts[self._at] = self._part(text, annotations, self._logprobs)
        written = b"".join(
            self._writer.frame(
                "response.output_text.annotation.added",
                {**self._where, "annotation_index": at, "annotation": annotation},
            )
            for at, annotation in enumerate(annotations)
        )
        if self._refused:
            done = self._writer.frame("response.refusal.done", {**self._where, "refusal": text})
        else:
            whole = {**self._where, "text": text, "logprobs": self._logprobs}
            done = self._writer.frame("response.output_text.done", whole)
        return (
            written + done + self._writer.frame("response.content_part.done", {**self._where, "part": part})
        )

    def _part(self, text: str, annotations: list[Wire], logprobs: list[Any]) -> Wire:
        if self._refused:
            return {**self._extra, "type": "refusal", "refusal": text}
        rest = {**self._extra, "logprobs": logprobs}
        return {"type": "output_text", "text": text, "annotations": annotations, **rest}
