"""Shortcuts and kinds at servers that only speak as a provider does, and at resellers."""

import pytest
from msgspec.structs import replace

from pointsman.canon.errors import UnknownModelError
from pointsman.routing.router import Router
from pointsman.routing.snapshot import Model

from .rows import ACME, CLAUDES, HUB, OPUS_NEW, SONNET, backend, snapshot

LIKE_ACME = replace(
    ACME, name="acme-compatible", patterns=(), families={}, aliases=("claude", "acme"), compatible=True
)
FAMILIES = ACME.families
RESOLD = tuple(replace(model, id=f"acme/{model.id}") for model in CLAUDES)


def led(name, picture):
    chosen = Router(picture).plan(name).candidates[0]
    return chosen.backend.name, chosen.model


def test_shortcuts_work_wherever_the_family_is_listed():
    relay = snapshot(backend(LIKE_ACME, "relay"), catalogs={"relay": CLAUDES}, families=FAMILIES)
    resold = snapshot(backend(HUB), catalogs={"hub": RESOLD}, families=FAMILIES)

    assert led("opus", relay) == ("relay", OPUS_NEW.id)
    assert led("claude:sonnet", relay) == ("relay", SONNET.id)
    assert led("opus", resold) == ("hub", f"acme/{OPUS_NEW.id}")


def test_a_kind_names_the_provider_itself_before_a_server_that_speaks_as_it_does():
    both = snapshot(backend(LIKE_ACME, "relay"), backend(ACME))

    assert led("claude:x", both) == ("acme", "x")
    assert led("claude:x", snapshot(backend(LIKE_ACME, "relay"))) == ("relay", "x")


def test_under_a_server_wide_model_only_that_one_is_listed():
    forced = snapshot(backend(HUB), backend(ACME), catalogs={"hub": (Model("m"), Model("n"))}, model="hub:m")

    listed = [(name, owner.name, model.id) for name, owner, model in Router(forced).advertised()]

    assert listed == [("m", "hub", "m")]
    assert led("n", forced) == ("hub", "m")


def test_any_name_that_leads_somewhere_can_be_described():
    router = Router(snapshot(backend(HUB), catalogs={"hub": (Model("m", context_window=9),)}))

    assert router.described("hub:m")[2].context_window == 9
    with pytest.raises(UnknownModelError):
        router.described("nothing")
