"""What is known beside the configuration, before and after a restart."""

import asyncio

from pointsman.catalog.provider import Provider, Speaks
from pointsman.control.known import Known
from pointsman.routing.snapshot import Backend, Model
from pointsman.store.catalog_cache import CatalogCache

ROW = Provider("acme", "Acme", "https://acme.example", {"x": Speaks(base="/v1")})
HERE = Backend("acme", ROW, {"x": "https://acme.example/v1"}, "a test")
MOVED = Backend("acme", ROW, {"x": "https://elsewhere.example/v1"}, "a test")
MODELS = (Model("a-1"), Model("a-2"))


def learned(folder) -> None:
    """Learns a list and waits until it is on disk."""

    async def learn() -> None:
        Known(CatalogCache(folder)).learn(HERE, MODELS)
        await asyncio.get_running_loop().shutdown_default_executor()

    asyncio.run(learn())


def test_a_restart_recalls_the_lists_of_backends_that_are_where_they_were(tmp_path):
    learned(tmp_path)
    after = Known(CatalogCache(tmp_path))

    after.recall({"acme": HERE})

    assert after.catalogs == {"acme": MODELS}


def test_a_backend_that_moved_starts_without_a_list(tmp_path):
    learned(tmp_path)
    after = Known(CatalogCache(tmp_path))

    after.recall({"acme": MOVED})

    assert after.catalogs == {}


def test_a_backend_that_moves_loses_the_list_of_where_it_was(tmp_path):
    async def learn_and_move() -> dict[str, tuple[Model, ...]]:
        known = Known(CatalogCache(tmp_path))
        known.learn(HERE, MODELS)
        known.recall({"acme": MOVED})
        await asyncio.get_running_loop().shutdown_default_executor()
        return known.catalogs

    assert asyncio.run(learn_and_move()) == {}


def test_a_neighbour_keeps_its_list_whatever_had_its_name_before(tmp_path):
    learned(tmp_path)
    known = Known(CatalogCache(tmp_path))

    known.meet({"acme": (MOVED, MODELS[:1])})
    known.recall({"acme": MOVED})

    assert known.catalogs == {"acme": MODELS[:1]}


def test_neighbours_are_met_with_their_models(tmp_path):
    known = Known(CatalogCache(tmp_path))

    known.meet({"acme": (HERE, MODELS)})

    assert known.found == {"acme": HERE}
    assert known.catalogs == {"acme": MODELS}


def test_lists_that_cannot_be_kept_are_a_warning_and_nothing_worse(tmp_path):
    (tmp_path / "file").write_text("not a folder")

    async def learn() -> str | None:
        known = Known(CatalogCache(tmp_path / "file" / "cache"))
        known.learn(HERE, MODELS)
        await asyncio.get_running_loop().shutdown_default_executor()
        return known.warning

    assert "cannot" in (asyncio.run(learn()) or "")
