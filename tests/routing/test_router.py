"""Routing: each rule, and their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pointsman.canon.errors import UnknownModelError
from pointsman.routing.router import Router
from pointsman.routing.snapshot import Model

from .rows import ACME, BOLT, CLAUDES, ENGINE, HUB, OPUS_LONG, OPUS_NEW, backend, snapshot

ENGINE_BACKEND = backend(ENGINE, models=("smol",), gguf="/models/smol.gguf")
FULL = snapshot(
    backend(ACME),
    backend(BOLT),
    backend(HUB),
    ENGINE_BACKEND,
    catalogs={"acme": CLAUDES, "hub": (Model("meta-llama/x"), Model("gpt-5"), Model("llama3:8b"))},
    aliases={"fast": "hub:meta-llama/x", "big": "opus", "loop": "fast"},
    embedded="embedded",
    missing_keys=(("gemini-*", "GEMINI_API_KEY"),),
)


def led(name: str | None, picture=FULL) -> tuple[str, str, str]:
    """Backend, model and rule of a name."""
    chosen = Router(picture).plan(name).candidates[0]
    return chosen.backend.name, chosen.model, chosen.rule


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fast", ("hub", "meta-llama/x", "alias")),
        ("big", ("acme", OPUS_NEW.id, "alias")),
        ("hub:anything", ("hub", "anything", "backend prefix")),
        ("hub/anything", ("hub", "anything", "backend prefix")),
        ("hub:a:b/c", ("hub", "a:b/c", "backend prefix")),
        ("claude:opus", ("acme", OPUS_NEW.id, "backend prefix")),
        ("acme:big", ("acme", OPUS_NEW.id, "backend prefix")),
        ("claude:claude-next", ("acme", "claude-next", "backend prefix")),
        ("llama3:8b", ("hub", "llama3:8b", "live catalog")),
        ("meta-llama/x", ("hub", "meta-llama/x", "live catalog")),
        ("opus", ("acme", OPUS_NEW.id, "shortcut")),
        ("opus1m", ("acme", OPUS_LONG.id, "shortcut")),
        ("opus-1m", ("acme", OPUS_LONG.id, "shortcut")),
        ("opus[1m]", ("acme", OPUS_LONG.id, "shortcut")),
        ("Sonnet", ("acme", "claude-sonnet-5", "shortcut")),
        ("gpt-5", ("hub", "gpt-5", "live catalog")),
        ("gpt-6", ("bolt", "gpt-6", "pattern")),
        ("o3-mini", ("bolt", "o3-mini", "pattern")),
        ("claude-future-9", ("acme", "claude-future-9", "pattern")),
        ("local", ("embedded", "smol", "embedded")),
        ("embedded:local", ("embedded", "smol", "backend prefix")),
        ("smol", ("embedded", "smol", "live catalog")),
    ],
)
def test_a_name_leads_where_its_rule_says(name, expected):
    assert led(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-future-9[1m]", ("acme", "claude-future-9", "pattern")),
        ("claude-future-9[1M][1m]", ("acme", "claude-future-9", "pattern")),
        ("opus[1m][1m]", ("acme", OPUS_LONG.id, "shortcut")),
        ("gpt-5[1m]", ("hub", "gpt-5", "live catalog")),
        ("acme:claude-future-9[1m]", ("acme", "claude-future-9", "backend prefix")),
        ("acme:opus[1m]", ("acme", OPUS_LONG.id, "backend prefix")),
        ("fast[1m]", ("hub", "meta-llama/x", "alias")),
        ("local[1m]", ("embedded", "smol", "embedded")),
    ],
)
def test_the_mark_of_a_long_context_is_no_part_of_a_models_name(name, expected):
    assert led(name) == expected


def test_a_model_whose_listed_name_ends_in_the_mark_keeps_it():
    picture = structs.replace(
        FULL, catalogs={**FULL.catalogs, "hub": (Model("claude-x"), Model("claude-x[1m]"))}
    )

    assert led("claude-x[1m]", picture) == ("hub", "claude-x[1m]", "live catalog")
    assert led("hub:claude-x[1m]", picture) == ("hub", "claude-x[1m]", "backend prefix")


def test_plans_and_traits_are_made_once_but_nothing_is_kept_of_names_without_measure():
    router, hub, long = Router(FULL), FULL.backends["hub"], "x" * 100_000

    assert router.plan("gpt-5") is router.plan("gpt-5")
    assert router.traits(hub, "x", "gpt-5") is router.traits(hub, "x", "gpt-5")
    assert router.plan(f"hub:{long}") is not router.plan(f"hub:{long}")
    assert router.traits(hub, "x", long) is not router.traits(hub, "x", long)


def test_the_server_model_wins_over_everything_and_takes_a_prefix_a_shortcut_or_an_alias():
    for forced, target in {"hub:y": "y", "opus": OPUS_NEW.id, "fast": "meta-llama/x"}.items():
        forced_picture = snapshot(
            *FULL.backends.values(), catalogs=FULL.catalogs, aliases=FULL.aliases, model=forced
        )

        assert led("gpt-6", forced_picture)[1:] == (target, "server model")
        assert led(None, forced_picture)[1] == target


def test_aliases_are_one_step_and_never_recursive():
    with pytest.raises(UnknownModelError):
        led("loop")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("opus", OPUS_NEW.id),
        ("sonnet", "claude-sonnet-5"),
        ("acme:opus", OPUS_NEW.id),
        ("claude:mine", OPUS_NEW.id),
        ("acme:same", "claude-x"),
        ("acme:bare", "claude-y"),
        ("acme:fast", "fast"),
        ("chain", "mine"),
    ],
)
def test_an_alias_may_lead_to_a_shortcut_of_its_own_name_and_may_follow_its_own_backends_prefix(
    name, expected
):
    aliases = {
        "opus": "claude:opus",
        "sonnet": "acme:sonnet",
        "mine": "claude:opus",
        "same": "acme:claude-x",
        "bare": "claude-y",
        "fast": "hub:gpt-5",
        "chain": "acme:mine",
    }
    picture = snapshot(backend(ACME), backend(HUB), catalogs={"acme": CLAUDES}, aliases=aliases)

    assert led(name, picture)[:2] == ("acme", expected)


def test_an_id_that_begins_with_its_own_backends_name_is_taken_whole():
    picture = snapshot(backend(HUB), catalogs={"hub": (Model("hub/auto"), Model("free"), Model("hub/free"))})
    router = Router(picture)

    assert led("hub/auto", picture)[1] == "hub/auto"
    assert led("hub/free", picture)[1] == "free"
    assert led("hub:auto", picture)[1] == "auto"
    assert [name for name, _, _ in router.advertised()] == ["hub/auto", "free", "hub:hub/free"]


def test_an_alias_and_the_server_model_reach_the_users_default_with_the_name_they_stand_for():
    aliases = {"a": "unheard-of", "any": "auto", "default": "hub:gpt-5"}
    desk = backend(HUB, "desk", models=("m1",))
    picture = snapshot(desk, backend(HUB), aliases=aliases, default="desk")
    forced = snapshot(desk, backend(HUB), default="desk", model="unheard-of")

    assert led("a", picture) == ("desk", "unheard-of", "alias")
    assert led("any", picture) == ("desk", "m1", "alias")
    assert led("default", picture) == ("hub", "gpt-5", "alias")
    assert led("whatever", forced) == ("desk", "unheard-of", "server model")
    assert "a" in [name for name, _, _ in Router(picture).advertised()]


def test_a_request_without_a_model_goes_to_the_default_backend():
    for name in (None, "", "default", "auto"):
        assert led(name) == ("acme", OPUS_NEW.id, "default backend")


def test_unmatched_names_go_to_the_default_only_if_the_user_set_one():
    with_default = snapshot(*FULL.backends.values(), catalogs=FULL.catalogs, default="bolt")

    assert led("never-heard-of", with_default) == ("bolt", "never-heard-of", "default backend")
    with pytest.raises(UnknownModelError):
        led("never-heard-of")


def test_the_embedded_model_never_takes_foreign_names():
    alone = snapshot(ENGINE_BACKEND, embedded="embedded", default="embedded")

    assert led(None, alone) == ("embedded", "smol", "default backend")
    with pytest.raises(UnknownModelError, match="or try the wiring with `pointsman serve --model local`"):
        led("claude-opus-5", alone)


def test_a_backend_of_the_users_called_local_takes_that_name():
    own = backend(ENGINE, "local", models=("mine",), gguf="/mine.gguf")

    assert led("local", snapshot(own, ENGINE_BACKEND, embedded="embedded")) == ("local", "mine", "embedded")


def test_the_nearest_names_are_told_once_and_all_of_them_lead_somewhere():
    aliases = {"m1": "desk:m1", "m2": "nowhere", "m3": "m2"}
    router = Router(snapshot(backend(HUB, "desk", models=("m1",)), aliases=aliases))

    assert "Nearest: m1. " in router.advice("m4")
    assert "Nearest: m1. " in router.advice("m2")
    assert "no backend for nowhere, where the alias `m2` leads." in router.advice("m2")


def test_an_alias_of_an_alias_is_told_that_aliases_are_one_step():
    router = Router(snapshot(backend(HUB, "desk"), aliases={"a": "b", "b": "desk:m1"}))

    assert "aliases are one step, and `a` leads to the alias `b`" in router.advice("a")
    assert "`desk:m1`" in router.advice("a")


def test_a_model_for_every_request_that_leads_nowhere_is_named():
    router = Router(snapshot(backend(HUB, "desk", models=("m1",)), model="m2"))

    assert "--model m2, and there is no backend for m2. Nearest: m1." in router.advice("claude-x")


def test_an_unknown_name_is_told_the_nearest_ones_and_what_to_do():
    with pytest.raises(UnknownModelError) as caught:
        led("claud-opus-5")
    assert "claude-opus-5" in caught.value.message
    with pytest.raises(UnknownModelError, match="GEMINI_API_KEY"):
        led("gemini-9")


@pytest.mark.parametrize("name", ["gemini-9", "gem", "acme:gem", "Gem-1m"])
def test_a_name_of_a_provider_without_a_key_is_told_which_key_to_set(name):
    families = {**ACME.families, "gem": "gemini-pro-*"}
    keys = (("gemini-*", "GEMINI_API_KEY"),)
    router = Router(snapshot(backend(HUB), families=families, missing_keys=keys, embedded="embedded"))

    steps = "Set GEMINI_API_KEY, run `pointsman backend add`, or try the wiring with"
    assert router.advice(name).endswith(f"{steps} `pointsman serve --model local`.")


def test_what_else_was_possible_is_told():
    plan = Router(FULL).plan("gpt-5")

    assert [(each.backend.name, each.rule) for each in plan.others] == [("bolt", "pattern")]


def test_a_pattern_whose_backend_does_not_exist_does_not_match():
    with pytest.raises(UnknownModelError):
        led("claude-opus-5", snapshot(backend(BOLT)))


def test_every_advertised_name_sent_back_reaches_its_backend():
    router = Router(FULL)
    listed = list(router.advertised())

    assert {name for name, _, _ in listed} >= {"fast", "big", "gpt-5", "meta-llama/x", OPUS_NEW.id}
    for name, owner, model in listed:
        chosen = router.plan(name).candidates[0]
        assert (chosen.backend.name, chosen.model) == (owner.name, model.id)


def test_an_id_that_two_backends_have_is_listed_bare_once_and_prefixed_for_the_other():
    two = snapshot(backend(HUB), backend(BOLT), catalogs={"hub": (Model("m"),), "bolt": (Model("m"),)})

    assert [name for name, _, _ in Router(two).advertised()] == ["m", "bolt:m"]


@given(st.text(max_size=30))
def test_any_name_gets_the_same_plan_twice_or_a_clear_refusal(name):
    router = Router(FULL)
    try:
        plan = router.plan(name)
    except UnknownModelError:
        assert router.advice(name)
    else:
        assert router.plan(name) is plan
        assert plan.candidates[0].backend.name in FULL.backends


@given(st.text(min_size=1, max_size=30))
def test_name_colon_model_always_reaches_that_backend(model):
    assert Router(FULL).plan(f"hub:{model}").candidates[0].backend.name == "hub"


def test_no_pattern_means_a_name_that_begins_with_a_backends():
    plan = Router(FULL).plan("hub:gpt-x")

    assert [(each.backend.name, each.model) for each in (*plan.candidates, *plan.others)] == [
        ("hub", "gpt-x")
    ]


@pytest.mark.parametrize(
    ("fallbacks", "chain"),
    [
        ({"*": ("hub:llama3:8b", "fast")}, ["acme", "hub", "hub"]),
        ({"gpt-*": ("hub:x",), "claude-*": ("bolt:y",), "*": ("hub:z",)}, ["acme", "bolt"]),
        ({"*": ("nothing-has-it", "claude-opus-9")}, ["acme"]),
        ({"gpt-*": ("hub:x",)}, ["acme"]),
    ],
)
def test_the_first_pattern_that_fits_says_who_answers_instead(fallbacks, chain):
    plan = Router(structs.replace(FULL, fallbacks=fallbacks)).plan("claude-opus-9")

    assert [each.backend.name for each in plan.candidates] == chain
    assert all(each.rule == "fallback" for each in plan.candidates[1:])
