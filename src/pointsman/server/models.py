"""The model list in the shape of the client that asks.

OpenAI: `{"object": "list", "data": […]}` (platform.openai.com/docs/api-reference/models/list).
Anthropic: with `has_more`, `first_id` and `last_id` (platform.claude.com/docs/en/api/models-list), told by
its version header. Codex: `{"models": [{"slug": …}]}`, told by the query's `client_version`.
Google: `{"models": [{"name": "models/…"}]}` (ai.google.dev/api/models), told by its path or its key.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from urllib.parse import parse_qs

from msgspec import Struct

from pointsman.canon.errors import RequestError, UnknownModelError
from pointsman.canon.json import Json
from pointsman.canon.traits import Traits
from pointsman.dialects.dialect import ModelList
from pointsman.routing.router import Router
from pointsman.routing.snapshot import Backend, Model
from pointsman.server.guard import KEY_QUERY
from pointsman.store.client_keys import ClientKey

Shape: TypeAlias = ModelList | Literal["slugs"]


class Listed(Struct, frozen=True):
    """One model as a client may name it."""

    name: str
    backend: Backend
    model: Model
    traits: Traits
    """What it accepts."""

    @property
    def context_window(self) -> int | None:
        """Tokens; as its server lists it, else as its family's page says."""
        return self.model.context_window or self.traits.context_window

    @property
    def max_output(self) -> int | None:
        """Tokens, likewise."""
        return self.model.max_output or self.traits.max_output


PAGE_LIMIT = 1000
RESOURCE = "models/"
"""What Google's names of models begin with."""
RESOURCE_PAGE = 50


def shape_for(usual: ModelList, query: str) -> Shape:
    """The shape that the caller expects: its dialect's usual one, or Codex's own, or Google's for `?key=`."""
    asked = parse_qs(query, keep_blank_values=True)
    if "client_version" in asked:
        return "slugs"
    return "resources" if usual == "list" and KEY_QUERY in asked else usual


class Lister:
    """Lists what a router can reach."""

    def __init__(self, router: Router, key: ClientKey | None = None) -> None:
        """`key`: the client's, whose models are listed; None: all."""
        self._router = router
        self._key = key

    def all(self) -> list[Listed]:
        """Every name, once; the embedded model's own name last."""
        listed = {found[0]: found for found in self._router.advertised() if self._may_use(*found)}
        return [self._listed(*found) for found in listed.values()]

    def _may_use(self, name: str, backend: Backend, model: Model) -> bool:
        return self._key is None or self._key.may_use(name, model.id, f"{backend.name}:{model.id}")

    def _listed(self, name: str, backend: Backend, model: Model) -> Listed:
        dialect = next(iter(backend.spoken(model.id)), "")
        return Listed(name, backend, model, self._router.traits(backend, dialect, model.id))

    def page(self, shape: Shape, query: str) -> Json:
        """The whole list, or the page of it that was asked for."""
        return _PAGES[shape](self.all(), query)

    def one(self, shape: Shape, name: str) -> Json:
        """One model by any name that a request may use. Raises UnknownModelError."""
        name = name.removeprefix(RESOURCE) if shape == "resources" else name
        found = (listed for listed in self.all() if listed.name == name)
        listed = next(found, None)
        if listed is None:
            described = self._router.described(name)
            if not self._may_use(*described):
                raise UnknownModelError(
                    f"this key is for no model {name}; `/v1/models` lists those that it is for"
                )
            listed = self._listed(*described)
        return _ENTRIES[shape](listed)


_EFFORTS = {
    "minimal": "Hardly thinks at all",
    "low": "Answers sooner",
    "medium": "Thinks as much as most tasks need",
    "high": "Thinks longer about hard tasks",
    "xhigh": "Thinks for as long as it takes",
}
"""The efforts that Codex knows (codex-rs/protocol/src/openai_models.rs), in its user's words."""
_USUAL_EFFORTS = ("low", "medium", "high")
_SLUG_DEFAULTS: Json = {
    "shell_type": "shell_command",
    "visibility": "list",
    "supported_in_api": True,
    "priority": 0,
    "base_instructions": "You are a coding agent. Work in the user's folder with the tools you have.",
    "support_verbosity": False,
    "truncation_policy": {"mode": "bytes", "limit": 10_000},
    "supports_parallel_tool_calls": True,
    "experimental_supported_tools": [],
}
"""Codex refuses the whole list if an entry lacks one of these (router-for-me/CLIProxyAPI#5500)."""


def _list_entry(listed: Listed) -> Json:
    entry: dict[str, object] = {
        "id": listed.name,
        "object": "model",
        "created": listed.model.created or 0,
        "owned_by": listed.backend.name,
    }
    if listed.context_window is not None:
        entry["context_length"] = listed.context_window
    return entry


def _page_entry(listed: Listed) -> Json:
    return {
        "type": "model",
        "id": listed.name,
        "display_name": listed.model.title or listed.name,
        "created_at": _iso(listed.model.created or 0),
        "lifecycle": "active",
        "max_input_tokens": listed.context_window,
        "max_tokens": listed.max_output,
    }


def _slug_entry(listed: Listed) -> Json:
    traits = listed.traits
    efforts = _USUAL_EFFORTS if traits.efforts is None else traits.efforts
    levels = [{"effort": each, "description": _EFFORTS[each]} for each in efforts if each in _EFFORTS]
    return {
        "slug": listed.name,
        "display_name": listed.model.title or listed.name,
        "description": f"through pointsman, at {listed.backend.name}",
        "context_window": listed.context_window,
        "supported_reasoning_levels": levels,
        "supports_reasoning_summaries": bool(levels),
        "input_modalities": ["text", "image"] if traits.images else ["text"],
        **_SLUG_DEFAULTS,
    }


def _resource_entry(listed: Listed) -> Json:
    limits = (("inputTokenLimit", listed.context_window), ("outputTokenLimit", listed.max_output))
    return {
        "name": RESOURCE + listed.name,
        "version": "001",
        "displayName": listed.model.title or listed.name,
        "description": f"through pointsman, at {listed.backend.name}",
        **{field: limit for field, limit in limits if limit is not None},
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


def _resource_page(listed: list[Listed], query: str) -> Json:
    """Pages by the number of entries that came before (https://ai.google.dev/api/models#method:-models.list)."""
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    begin = _whole(asked.get("pageToken"), "pageToken", 0)
    size = min(_whole(asked.get("pageSize"), "pageSize", RESOURCE_PAGE) or RESOURCE_PAGE, PAGE_LIMIT)
    shown = {"models": [_resource_entry(each) for each in listed[begin : begin + size]]}
    return {**shown, "nextPageToken": str(begin + size)} if begin + size < len(listed) else shown


def _whole(text: str | None, name: str, usual: int) -> int:
    """A whole number in the query. Raises RequestError."""
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise RequestError(f"`{name}` must be a whole number", param=name)
    return int(text)


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _list_page(listed: Iterable[Listed], query: str) -> Json:
    return {"object": "list", "data": [_list_entry(each) for each in listed]}


def _slug_page(listed: Iterable[Listed], query: str) -> Json:
    return {"models": [_slug_entry(each) for each in listed]}


def _pages_page(listed: list[Listed], query: str) -> Json:
    asked = {key: values[-1] for key, values in parse_qs(query).items()}
    names = [each.name for each in listed]
    begin = _place(names, asked, "after_id") + 1 if "after_id" in asked else 0
    end = _place(names, asked, "before_id") if "before_id" in asked else len(names)
    shown, more = listed[begin:end], False
    limit = _limit(asked.get("limit"))
    if len(shown) > limit:
        # A page is next to the name that was given, on either side of it.
        shown, more = shown[-limit:] if "before_id" in asked else shown[:limit], True
    return {
        "data": [_page_entry(each) for each in shown],
        "has_more": more,
        "first_id": shown[0].name if shown else None,
        "last_id": shown[-1].name if shown else None,
    }


def _place(names: list[str], asked: Mapping[str, str], key: str) -> int:
    """Where a name stands in the list. Raises RequestError where it does not."""
    if asked[key] not in names:
        raise RequestError(f"`{key}` names no model that is listed here; begin again without it", param=key)
    return names.index(asked[key])


def _limit(text: str | None) -> int:
    """How many models a page shows. Raises RequestError."""
    if text is None:
        return PAGE_LIMIT
    if not (text.isascii() and text.isdigit() and text.strip("0")):
        raise RequestError(f"`limit` must be a whole number from 1 to {PAGE_LIMIT}", param="limit")
    return PAGE_LIMIT if len(text) > len(str(PAGE_LIMIT)) else min(int(text), PAGE_LIMIT)


_PAGES: dict[Shape, Callable[[list[Listed], str], Json]] = {
    "list": _list_page,
    "pages": _pages_page,
    "slugs": _slug_page,
    "resources": _resource_page,
}
_ENTRIES: dict[Shape, Callable[[Listed], Json]] = {
    "list": _list_entry,
    "pages": _page_entry,
    "slugs": _slug_entry,
    "resources": _resource_entry,
}
