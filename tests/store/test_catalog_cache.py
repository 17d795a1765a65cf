"""The kept model lists: back after a restart, and never in the way."""

import stat

from pointsman.routing.snapshot import Model
from pointsman.store.catalog_cache import FILE, CatalogCache, Kept

LISTS = {"acme": Kept("https://acme.example", (Model("a-1", created=7, context_window=1000), Model("a-2")))}


def test_what_was_saved_is_loaded_again(tmp_path):
    CatalogCache(tmp_path / "cache").save(LISTS)

    assert CatalogCache(tmp_path / "cache").load() == LISTS


def test_the_file_is_private(tmp_path):
    CatalogCache(tmp_path).save(LISTS)

    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_no_file_and_a_damaged_file_are_as_good_as_nothing(tmp_path):
    cache = CatalogCache(tmp_path)

    assert cache.load() == {}
    for damaged in (b"", b"{", b"[]", b'{"acme": 1}', b"\xff"):
        (tmp_path / FILE).write_bytes(damaged)
        assert cache.load() == {}
