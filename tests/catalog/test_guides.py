"""The pages in docs/clients and the rows of the clients belong together."""

from pathlib import Path

import pytest

from pointsman.config import shipped

FOLDER = Path(__file__).parents[2] / "docs" / "clients"
GUIDES = sorted({client.guide for client in shipped.clients().values() if client.guide})


@pytest.mark.parametrize("guide", GUIDES)
def test_a_clients_guide_exists_and_names_the_endpoint(guide):
    text = (FOLDER / f"{guide}.md").read_text(encoding="utf-8")

    assert "3456" in text
    assert "What to watch for" in text or guide == "curl"


def test_the_index_links_every_guide_and_no_other_page_lies_there():
    index = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert sorted(page.stem for page in FOLDER.glob("*.md") if page.stem != "README") == GUIDES
    assert all(f"({guide}.md)" in index for guide in GUIDES)
