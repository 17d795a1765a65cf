"""The router: a model's name → a plan, by the rules in their fixed order.

The order: the server-wide model; the user's aliases; a backend's name as prefix; the embedded model's name;
shortcuts; exact ids in live catalogs; the provider rows' patterns; the default backend.
"""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TypeVar

from msgspec import structs

from pointsman.canon.errors import UnknownModelError
from pointsman.canon.traits import Traits
from pointsman.catalog.lookup import traits_for
from pointsman.routing.families import family_pattern, newest, wants_long_context, without_mark
from pointsman.routing.plan import Candidate, Plan, Rule
from pointsman.routing.snapshot import Backend, Model, Snapshot

EMBEDDED_NAME = "local"
"""The model name that reaches the model inside pointsman."""
NO_MODEL = frozenset({"", "default", "auto"})
"""Names that leave the choice to the endpoint."""
_CACHE_SIZE = 4096
_LONGEST_KEPT = 200
"""Characters of a model's name; what is kept of longer ones would have no bound."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Router:
    """Plans over one snapshot. Pure: the same name always gives the same plan."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._plans: dict[str | None, Plan] = {}
        self._guested: dict[frozenset[str], Router] = {}
        self._traits: dict[tuple[str, str, str], Traits] = {}
        self._kinds = _backends_by_kind(snapshot)
        self._ids = _backends_by_model(snapshot)

    def plan(self, model: str | None, bearing: Collection[str] = ()) -> Plan:
        """Who serves `model`; `bearing` are the providers for which the client brings a credential.

        Raises UnknownModelError with what to do about it.
        """
        if bearing and self.snapshot.guests:
            return self._with_guests(frozenset(bearing)).plan(model)
        known = self._plans.get(model)
        if known is None:
            known = self._make(model)
            if len(model or "") <= _LONGEST_KEPT:
                _keep(self._plans, model, known)
        return known

    def _with_guests(self, bearing: frozenset[str]) -> "Router":
        """The router for clients that bring these credentials."""
        known = self._guested.get(bearing)
        if known is None:
            guests = {n: each for n, each in self.snapshot.guests.items() if each.provider.name in bearing}
            backends = {**self.snapshot.backends, **guests}
            known = Router(structs.replace(self.snapshot, backends=backends, guests={}))
            self._guested[bearing] = known
        return known

    def traits(self, backend: Backend, dialect: str, model: str) -> Traits:
        """What a model at a backend accepts in a dialect. Raises SetupError for a wrong user's trait."""
        key = (backend.name, dialect, model)
        known = self._traits.get(key)
        if known is None:
            known = traits_for(backend.provider, dialect, self.snapshot.profiles, model, backend.traits)
            if len(model) <= _LONGEST_KEPT:
                _keep(self._traits, key, known)
        return known

    def _make(self, model: str | None) -> Plan:
        found = self._distinct(self._candidates(model))
        if not found:
            raise UnknownModelError(self.advice(model), param="model")
        first = found[0]
        others = self._distinct(self._fallbacks(model or "", first))
        chain = [each for each in others if each.backend is not first.backend or each.model != first.model]
        return Plan(candidates=(first, *chain), others=found[1:])

    def _fallbacks(self, asked: str, first: Candidate) -> Iterator[Candidate]:
        """Who serves where the first cannot: by the name that was asked for, or the model that it means."""
        for pattern, targets in self.snapshot.fallbacks.items():
            if fnmatchcase(asked, pattern) or fnmatchcase(first.model, pattern):
                for target in targets:
                    for candidate in self._target(target):
                        why = f"fallback {target} of {pattern}: {candidate.why}"
                        yield _because(candidate, "fallback", why)
                return

    def _target(self, name: str) -> tuple[Candidate, ...]:
        """Whom a fallback names: the first of a model's; with a backend's name alone, its default model."""
        backend = self.snapshot.backends.get(name)
        model = None if backend is None or self._alias(name) else self.default_model(backend)
        if backend is not None and model is not None and not backend.provider.engine:
            return (Candidate(backend, model, "backend prefix", f"`{name}` names the backend"),)
        return self._distinct(self._asked(name))[:1]

    def lost_fallbacks(self) -> tuple[str, ...]:
        """Those that lead to nobody."""
        targets = dict.fromkeys(each for chain in self.snapshot.fallbacks.values() for each in chain)
        return tuple(each for each in targets if not self._target(each))

    def window(self, candidate: Candidate, traits: Traits) -> int | None:
        """The context window of a model in tokens, as its backend lists it or its profile knows it."""
        return self._described(candidate).context_window or traits.context_window

    @staticmethod
    def _distinct(candidates: Iterator[Candidate]) -> tuple[Candidate, ...]:
        seen: dict[tuple[str, str], Candidate] = {}
        for candidate in candidates:
            seen.setdefault((candidate.backend.name, candidate.model), candidate)
        return tuple(seen.values())

    def _candidates(self, model: str | None) -> Iterator[Candidate]:
        forced = self.snapshot.model
        if not forced:
            yield from self._asked(model or "")
            return
        for candidate in self._asked(forced):
            yield _because(candidate, "server model", f"the server's --model {forced}: {candidate.why}")

    def _asked(self, name: str) -> Iterator[Candidate]:
        target = self._alias(name)
        if target is None:
            yield from self._anywhere(name, aliases=True)
            return
        for candidate in self._anywhere(target, aliases=False):
            yield _because(candidate, "alias", f"alias {name} = {target}: {candidate.why}")

    def _anywhere(self, name: str, *, aliases: bool) -> Iterator[Candidate]:
        if name.strip() in NO_MODEL:
            yield from self._default_for_nameless()
            return
        named = tuple(self._prefixed(name, aliases=aliases))
        yield from named
        bare = self._bare(name)
        yield from self._embedded(bare)
        yield from self._shortcuts(name)
        yield from self._listed(bare)
        if not named:
            # No row's pattern means a name that begins with a backend's.
            yield from self._patterns(bare)
            yield from self._default_for_unmatched(bare)

    def _bare(self, name: str) -> str:
        """A name without Claude Code's `[1m]`, unless a backend lists a model of that very name."""
        return name if name in self._ids else without_mark(name)

    def _alias(self, name: str) -> str | None:
        return self.snapshot.aliases.get(name) or self.snapshot.aliases.get(self._bare(name))

    def _prefixed(self, name: str, *, aliases: bool) -> Iterator[Candidate]:
        for separator in (":", "/"):
            prefix, found, rest = name.partition(separator)
            backend = self._owner(prefix, separator) if found and rest else None
            if backend is not None:
                # A reseller's own ids may begin with its name: `openrouter/auto`.
                whole = separator == "/" and self._has(backend, name) and not self._has(backend, rest)
                model = name if whole else self._within(backend, rest, aliases=aliases)
                yield Candidate(backend, model, "backend prefix", f"`{prefix}{separator}` names the backend")

    def _owner(self, prefix: str, separator: str) -> Backend | None:
        """The backend that a prefix names: by its own name, or with a colon by its kind."""
        backend = self.snapshot.backends.get(prefix)
        return self._kinds.get(prefix) if backend is None and separator == ":" else backend

    def _has(self, backend: Backend, name: str) -> bool:
        return any(model.id == name for model in self.models(backend))

    def _within(self, backend: Backend, name: str, *, aliases: bool) -> str:
        """The model that `name` means at a backend: an id that it lists, an alias, a shortcut, or itself."""
        if self._has(backend, name):
            return name
        name = self._alias_within(backend, name) if aliases else name
        pattern = family_pattern(self.snapshot.families, name)
        model = self._newest(backend, name, pattern) if pattern else None
        if model is not None:
            return model.id
        bare = name if self._has(backend, name) else without_mark(name)
        if backend.provider.engine and bare in {EMBEDDED_NAME, *NO_MODEL}:
            return self.default_model(backend) or bare
        return bare

    def _alias_within(self, backend: Backend, name: str) -> str:
        """What an alias means behind a backend's prefix; one that leads to another backend means nothing."""
        target = self._alias(name) or name
        for separator in (":", "/"):
            prefix, found, rest = target.partition(separator)
            owner = self._owner(prefix, separator) if found and rest else None
            if owner is not None:
                return rest if owner is backend else name
        return target

    def _embedded(self, name: str) -> Iterator[Candidate]:
        if name != EMBEDDED_NAME:
            return
        backend = self.snapshot.backends.get(name) or self.snapshot.backends.get(self.snapshot.embedded or "")
        if backend is not None:
            model = self.default_model(backend)
            if model is not None:
                yield Candidate(
                    backend, model, "embedded", f"`{name}` is the model of backend {backend.name}"
                )

    def _shortcuts(self, name: str) -> Iterator[Candidate]:
        for backend in self.snapshot.backends.values():
            pattern = family_pattern(self.snapshot.families, name)
            model = self._newest(backend, name, pattern) if pattern else None
            if model is not None:
                yield Candidate(backend, model.id, "shortcut", f"the newest {pattern} of {backend.name}")

    def _newest(self, backend: Backend, name: str, pattern: str) -> Model | None:
        return newest(self.models(backend), pattern, long_context=wants_long_context(name))

    def _listed(self, name: str) -> Iterator[Candidate]:
        for backend in self._ids.get(name, ()):
            yield Candidate(backend, name, "live catalog", f"{backend.name} lists it")

    def _patterns(self, name: str) -> Iterator[Candidate]:
        for backend in self.snapshot.backends.values():
            for pattern in backend.provider.patterns:
                if fnmatchcase(name, pattern):
                    yield Candidate(
                        backend, name, "pattern", f"pattern {pattern} of {backend.provider.title}"
                    )
                    break

    def default_backend(self) -> Backend | None:
        """The user's default, else the first backend that is not the embedded one, else that one."""
        backends = self.snapshot.backends
        if self.snapshot.default:
            return backends.get(self.snapshot.default)
        outer = (backend for backend in backends.values() if not backend.provider.engine)
        return next(outer, None) or next(iter(backends.values()), None)

    def default_model(self, backend: Backend) -> str | None:
        """The model for requests that name none: the first that is listed, or the newest of a family."""
        if backend.models:
            return backend.models[0]
        models = self.models(backend)
        for pattern in backend.provider.families.values():
            model = newest(models, pattern)
            if model is not None:
                return model.id
        return models[0].id if models else None

    def models(self, backend: Backend) -> tuple[Model, ...]:
        """The models that a backend is known to have: the user's list, else its live catalog."""
        if backend.models:
            live = {model.id: model for model in self.snapshot.catalogs.get(backend.name, ())}
            return tuple(live.get(name, Model(name)) for name in backend.models)
        return self.snapshot.catalogs.get(backend.name, ())

    def _default_for_nameless(self) -> Iterator[Candidate]:
        backend = self.default_backend()
        if backend is None:
            return
        model = self.default_model(backend)
        if model is not None:
            yield Candidate(
                backend,
                model,
                "default backend",
                f"the request names no model; {backend.name} is the default",
            )

    def _default_for_unmatched(self, name: str) -> Iterator[Candidate]:
        backend = self.snapshot.backends.get(self.snapshot.default or "")
        # The embedded model never takes foreign names: an agent's long prompt would sit there for minutes.
        if backend is not None and not backend.provider.engine:
            yield Candidate(
                backend, name, "default backend", f"nothing else matches; default = {backend.name}"
            )

    def advice(self, model: str | None) -> str:
        """Why nothing serves `model`, the nearest names, and what to do."""
        forced = self.snapshot.model
        if forced:
            return f"every request goes to the server's --model {forced}, and there is {self._advice(forced)}"
        return self._advice(model)

    def _advice(self, model: str | None) -> str:
        if (model or "").strip() in NO_MODEL:
            return (
                "the request names no model and no default is known: name one (`GET /v1/models` lists them), "
                "or set `default` and `models` in the configuration"
            )
        name = str(model)
        target = self._alias(name) or name
        if target != name and target in self.snapshot.aliases:
            return (
                f"no backend for {name}: aliases are one step, and `{name}` leads to the alias `{target}`. "
                f"Let it lead to `{self.snapshot.aliases[target]}`"
            )
        near = self._nearest(name)
        hint = f" Nearest: {', '.join(near)}." if near else ""
        asked = name if target == name else f"{target}, where the alias `{name}` leads"
        return f"no backend for {asked}.{hint} {self._remedy(target)}"

    def _nearest(self, name: str) -> list[str]:
        """The nearest names that lead somewhere."""
        others = (each for each in self.names() if each != name)
        near = get_close_matches(name, list(others), n=6, cutoff=0.5)
        return [each for each in near if next(self._asked(each), None) is not None][:3]

    def _remedy(self, model: str) -> str:
        bare = model.rpartition(":")[2]
        meant = {model, bare, family_pattern(self.snapshot.families, bare) or bare}
        keys = (
            key for pattern, key in self.snapshot.missing_keys if any(fnmatchcase(m, pattern) for m in meant)
        )
        key = next(keys, None)
        steps = [f"set {key}", "run `pointsman backend add`"] if key else ["run `pointsman backend add`"]
        if not key and self.snapshot.backends.keys() - {self.snapshot.embedded}:
            steps.append("name a backend as `NAME:MODEL`")
        if self.snapshot.embedded:
            steps.append(f"try the wiring with `pointsman serve --model {EMBEDDED_NAME}`")
        steps[-1] = f"or {steps[-1]}" if steps[1:] else steps[-1]
        return f"{steps[0][0].upper()}{', '.join(steps)[1:]}."

    def names(self) -> list[str]:
        """Every name that a client may be told: aliases, model ids, and the embedded model's."""
        embedded = (EMBEDDED_NAME,) if self.snapshot.embedded else ()
        return list(dict.fromkeys((*self.snapshot.aliases, *self._ids, *embedded)))

    def advertised(self) -> Iterator[tuple[str, Backend, Model]]:
        """(name, backend, model) of everything `/v1/models` lists: each name leads back to its backend."""
        if self.snapshot.model is not None:
            yield from self._only(self.snapshot.model)
            return
        for alias in self.snapshot.aliases:
            for candidate in self._distinct(self._asked(alias))[:1]:
                yield alias, candidate.backend, self._described(candidate)
        for backend in self.snapshot.backends.values():
            for model in self.models(backend):
                yield self._routable_name(backend, model), backend, model
        if EMBEDDED_NAME not in self.snapshot.aliases:
            for candidate in self._distinct(self._embedded(EMBEDDED_NAME)):
                yield EMBEDDED_NAME, candidate.backend, self._described(candidate)

    def _only(self, name: str) -> Iterator[tuple[str, Backend, Model]]:
        """Under a server-wide model every name leads there, so that no other is listed."""
        for candidate in self._distinct(self._candidates(name))[:1]:
            yield candidate.model, candidate.backend, self._described(candidate)

    def described(self, name: str) -> tuple[str, Backend, Model]:
        """(name, backend, model) of any name that leads somewhere. Raises UnknownModelError."""
        candidate = self.plan(name).candidates[0]
        return name, candidate.backend, self._described(candidate)

    def _described(self, candidate: Candidate) -> Model:
        known = (model for model in self.models(candidate.backend) if model.id == candidate.model)
        return next(known, Model(candidate.model))

    def _routable_name(self, backend: Backend, model: Model) -> str:
        if model.id not in NO_MODEL:
            first = next(self._asked(model.id), None)
            if first is not None and first.backend.name == backend.name and first.model == model.id:
                return model.id
        return f"{backend.name}:{model.id}"


def _keep(cache: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Keeps an answer; a full cache begins anew."""
    if len(cache) >= _CACHE_SIZE:
        cache.clear()
    cache[key] = value


def _because(candidate: Candidate, rule: Rule, why: str) -> Candidate:
    return Candidate(candidate.backend, candidate.model, rule, why)


def _backends_by_kind(snapshot: Snapshot) -> dict[str, Backend]:
    kinds: dict[str, Backend] = {}
    # The provider itself goes before servers that only speak as it does.
    for backend in sorted(snapshot.backends.values(), key=lambda each: each.provider.compatible):
        for alias in (*backend.provider.aliases, backend.provider.name):
            kinds.setdefault(alias, backend)
    return kinds


def _backends_by_model(snapshot: Snapshot) -> dict[str, list[Backend]]:
    ids: dict[str, list[Backend]] = {}
    for backend in snapshot.backends.values():
        live = (model.id for model in snapshot.catalogs.get(backend.name, ()))
        for name in dict.fromkeys((*backend.models, *live)):
            ids.setdefault(name, []).append(backend)
    return ids
