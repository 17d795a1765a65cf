"""Places: a cloud's region and project, from the backend's own settings or the variables of its tools."""

import pytest
from catalogs import effective

from pointsman.canon.errors import SetupError
from pointsman.catalog.provider import Provider, Speaks
from pointsman.config.backends import Catalog, configured

ROW = Provider(
    "acme",
    "Acme",
    "page",
    {"openai_chat": Speaks("/chat", query="version={version}"), "anthropic": Speaks("/claude")},
    root="https://{region}.acme.example/p/{project}",
    roots={"global": "https://acme.example/p/{project}"},
    places={
        "region": ("ACME_REGION", "OTHER_REGION"),
        "project": ("ACME_PROJECT",),
        "version": ("ACME_VERSION",),
    },
    usual_places={"version": "7"},
    sign_in="google-oauth",
    note="See the page.",
)
CATALOG = Catalog({"acme": ROW}, frozenset({"openai_chat", "anthropic"}))
SET = {"ACME_REGION": "eu-1", "ACME_PROJECT": "rails"}


def one(environment, text=""):
    table = f'[backends.b]\nprovider = "acme"\n{text}'
    return configured(effective(table), CATALOG, environment)["b"]


def test_variables_fill_the_address():
    assert one(SET).bases == {
        "openai_chat": "https://eu-1.acme.example/p/rails/chat",
        "anthropic": "https://eu-1.acme.example/p/rails/claude",
    }


def test_the_backends_own_settings_go_before_variables_and_the_usual_variable_before_others():
    own = one({**SET, "OTHER_REGION": "us-9"}, 'region = "ap-2"\nproject = "own"')
    other = one({"OTHER_REGION": "us-9", "ACME_PROJECT": "rails"})

    assert own.bases["anthropic"] == "https://ap-2.acme.example/p/own/claude"
    assert other.bases["anthropic"] == "https://us-9.acme.example/p/rails/claude"


def test_a_region_with_a_root_of_its_own_has_it():
    assert one({**SET, "ACME_REGION": "global"}).bases["anthropic"] == "https://acme.example/p/rails/claude"


def test_a_place_that_nobody_says_is_asked_for():
    with pytest.raises(SetupError) as caught:
        one({"ACME_REGION": "eu-1"})

    assert "`backends.b`: project is missing: set ACME_PROJECT" in caught.value.message
    assert "See the page." in caught.value.message


def test_with_an_address_of_the_users_own_no_place_is_needed():
    backend = one({}, 'base_url = "https://proxy.example/vertex"\nregion = "eu-1"')

    assert backend.bases["anthropic"] == "https://proxy.example/vertex/claude"
    assert backend.places == {"region": "eu-1", "version": "7"}


@pytest.mark.parametrize("odd", ["eu/1", "evil.example#", "a b", "@host", "..", "eu-1?x"])
def test_a_place_that_would_lead_the_address_elsewhere_is_refused(odd):
    with pytest.raises(SetupError, match="no name that an address can hold"):
        one({**SET, "ACME_REGION": odd})


@pytest.mark.parametrize(
    ("environment", "query"), [({}, "version=7"), ({"ACME_VERSION": "9-a"}, "version=9-a")]
)
def test_a_query_is_filled_like_an_address(environment, query):
    backend = one({**SET, **environment})

    assert backend.provider.dialects["openai_chat"].query == query


def test_credentials_are_a_name_or_a_file_beside_the_configuration():
    assert one(SET, 'credentials = "work"').credentials == "work"
    assert one(SET, 'credentials = "./a.json"').credentials == "/etc/pointsman/a.json"
    assert one(SET, 'credentials = "/b/c.json"').credentials == "/b/c.json"
