"""A scripted upstream that speaks every dialect, each at its own path, and does as it is told."""

from typing import Any

from clients.scripted_models import Said, chat_says, claude_says
from conformance.gemini_voice import gemini_says
from conformance.model import WANTED, obliging
from conformance.responses_voice import compacted, responses_says
from scripted import Reply, Seen, json_reply

TOKENS = 25
"""What every count says."""


class Obliging:
    """The answers of one upstream; what the Responses API keeps, it keeps."""

    def __init__(self) -> None:
        self._kept: set[str] = set()
        self._answered = 0

    def __call__(self, seen: Seen) -> Reply:
        """The answer to a request, by its path."""
        path = seen.target.partition("?")[0]
        if seen.method != "POST":
            return Reply(405)
        if path.endswith("/chat/completions"):
            return chat_says(self._said("chat", seen))(seen)
        if path.endswith("/messages"):
            return claude_says(self._said("messages", seen))(seen)
        if path.endswith("/responses"):
            return self._respond(seen)
        if path.endswith("/responses/compact"):
            return json_reply(compacted(seen.json()))
        if path.endswith("enerateContent"):
            return gemini_says(self._said("gemini", seen))(seen)
        counted = _COUNTS.get(path.replace(":", "/").rpartition("/")[2])
        return Reply(404) if counted is None else json_reply({counted: TOKENS})

    def _said(self, dialect: str, seen: Seen) -> Said:
        return obliging(WANTED[dialect](seen.json()))

    def _respond(self, seen: Seen) -> Reply:
        asked = seen.json()
        fault = self._fault(asked)
        if fault is not None:
            return json_reply({"error": {"type": "invalid_request_error", **fault}}, 400)
        self._answered += 1
        id = f"resp_{self._answered:032x}"
        if asked.get("store") is not False:
            self._kept.add(id)
        return responses_says(self._said("responses", seen), id)(seen)

    def _fault(self, asked: Any) -> dict[str, Any] | None:
        """What the API would say of a request that continues what is not there."""
        earlier = asked.get("previous_response_id")
        if earlier is not None and earlier not in self._kept:
            message = f"Previous response with id '{earlier}' not found."
            return {
                "message": message,
                "param": "previous_response_id",
                "code": "previous_response_not_found",
            }
        items = [item for item in asked["input"] if isinstance(item, dict)] if earlier is None else []
        called = {item.get("call_id") for item in items if item.get("type") == "function_call"}
        for item in items:
            if item.get("type") == "function_call_output" and item["call_id"] not in called:
                message = f"No tool call found for function call output with call_id {item['call_id']}."
                return {"message": message, "param": "input", "code": None}
        return None


_COUNTS = {"count_tokens": "input_tokens", "input_tokens": "input_tokens", "countTokens": "totalTokens"}
"""The last word of a counter's path → the member that its answer has."""
