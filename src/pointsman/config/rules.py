"""What the types of the schema cannot say: the rules that hold between and within values."""

import re
from collections.abc import Callable, Iterator
from typing import cast

from msgspec import Struct

from pointsman.canon.errors import SetupError
from pointsman.canon.traits import Traits
from pointsman.config.schema import BackendSettings, Settings
from pointsman.config.shape import Path, Place, build, dotted
from pointsman.config.urls import UrlError, may_carry_key, split, tidy
from pointsman.wire.headers import FRAMING

CREDENTIAL_FIELDS = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"})
"""Header fields that carry a credential."""
LARGEST = 1_000_000_000
"""Seconds, days, dollars or whatever else a setting has."""
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

Complaint = tuple[Path, str]


def check(settings: Settings, place: Place) -> None:
    """Raises SetupError for the first rule that is broken."""
    for path, complaint in _complaints(settings):
        raise SetupError(place(path) + complaint)
    for name, backend in settings.backends.items():
        build(Traits, backend.traits, place, ("backends", name, "traits"))


def _complaints(settings: Settings) -> Iterator[Complaint]:
    yield from _name_complaints(settings)
    yield from _origin_complaints(settings)
    yield from _collector_complaints(settings)
    yield from _number_complaints(settings, ())
    for name, budget in settings.budgets.items():
        if budget.dollars is None and budget.tokens is None:
            yield ("budgets", name), f"`{dotted(('budgets', name))}`: say how much, in `dollars` or `tokens`"
    for alias, target in settings.aliases.items():
        if not alias.strip() or not target.strip():
            yield ("aliases", alias), f"`aliases.{alias}`: an alias and its model must not be empty"
    for name, backend in settings.backends.items():
        for rule in _RULES:
            for key, complaint in rule(backend):
                yield ("backends", name, key), f"`{dotted(('backends', name, key))}`: {complaint}"


def _name_complaints(settings: Settings) -> Iterator[Complaint]:
    for key in ("host", "model", "default"):
        value: str | None = getattr(settings, key)
        if value is not None and not value.strip():
            yield (key,), f"`{key}` must not be empty; leave it out"
    if settings.host.startswith("["):
        yield ("host",), f"`host` takes an address without brackets: {settings.host.strip('[]')}"


def _origin_complaints(settings: Settings) -> Iterator[Complaint]:
    for host in settings.allowed_hosts:
        if not re.fullmatch(r"[^\s*/:]+", host):
            yield (
                ("allowed_hosts",),
                f"`allowed_hosts` takes host names, without wildcards, schemes and ports: {host}",
            )
    for origin in settings.allowed_origins:
        if "*" in origin or not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s]+", origin):
            yield (
                ("allowed_origins",),
                f"`allowed_origins` takes origins such as `https://app.example`, never `*`: {origin}",
            )


def _collector_complaints(settings: Settings) -> Iterator[Complaint]:
    if settings.otlp_endpoint is not None:
        try:
            tidy(settings.otlp_endpoint)
        except UrlError as error:
            yield ("otlp_endpoint",), f"`otlp_endpoint` is not a URL that can be used: {error}"


def _number_complaints(value: object, path: Path) -> Iterator[Complaint]:
    """Of numbers without an end, which TOML can write, and of those with which no clock can reckon."""
    if isinstance(value, float) and not abs(value) <= LARGEST:
        yield path, f"`{dotted(path)}` must be a number of at most {LARGEST:,}, not {value:g}"
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from _number_complaints(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for name, each in cast("dict[str, object]", value).items():
            yield from _number_complaints(each, (*path, name))


def _provider(backend: BackendSettings) -> Iterator[tuple[str, str]]:
    if backend.provider is None and backend.gguf is None:
        yield "provider", "missing: name a provider, or a model file as `gguf`"


def _base_url(backend: BackendSettings) -> Iterator[tuple[str, str]]:
    if backend.base_url is None:
        return
    try:
        url = tidy(backend.base_url)
    except UrlError as error:
        yield "base_url", f"not a URL that can be used: {error}"
        return
    has_key = backend.key_env or any(name.lower() in CREDENTIAL_FIELDS for name in backend.headers)
    if has_key and not may_carry_key(url, allow_http=backend.allow_http):
        yield "base_url", plain_http_complaint(url)


def plain_http_complaint(url: str) -> str:
    """What to do where a key would travel in the clear."""
    return (
        f"a key would travel over plain http:// to {split(url).hostname}, readable by others: use https://, "
        f"or set `allow_http = true` on this backend"
    )


def _proxy(backend: BackendSettings) -> Iterator[tuple[str, str]]:
    if backend.proxy is None:
        return
    try:
        split(backend.proxy)
    except UrlError as error:
        yield "proxy", f"not a proxy that can be used: {error}"


def _headers(backend: BackendSettings) -> Iterator[tuple[str, str]]:
    for name, value in backend.headers.items():
        if not _FIELD_NAME.fullmatch(name) or name.lower() in FRAMING:
            yield "headers", f"`{name}` is not a header field that can be set"
        elif not (value.isprintable() and value.isascii()):
            yield "headers", f"the value of `{name}` holds a character that no header can carry"


def _models(backend: BackendSettings) -> Iterator[tuple[str, str]]:
    if not all(model.strip() for model in backend.models):
        yield "models", "a model's name must not be empty"


_RULES: tuple[Callable[[BackendSettings], Iterator[tuple[str, str]]], ...] = (
    _provider,
    _base_url,
    _proxy,
    _headers,
    _models,
)
