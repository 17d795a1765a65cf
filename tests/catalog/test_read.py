import pytest

from pointsman.canon.errors import SetupError
from pointsman.catalog import read

ROW = """
[acme]
title = "Acme"
page = "https://acme.example/docs"
root = "https://api.acme.example"
dialects.openai_chat = { base = "/v1" }
"""


def test_a_provider_row_gets_its_table_name():
    row = read.providers(ROW)["acme"]

    assert row.name == "acme"
    assert row.dialects["openai_chat"].base == "/v1"


def test_an_unknown_field_names_the_row_and_the_field():
    with pytest.raises(SetupError, match=r"`acme`.*`patern`"):
        read.providers(ROW + 'patern = ["acme-*"]')


def test_an_unknown_trait_names_the_row_and_the_trait():
    with pytest.raises(SetupError, match=r"`acme`.*`stop_limits`"):
        read.providers(ROW + "[acme.traits]\nstop_limits = 4")


def test_an_unknown_trait_of_one_dialect_is_an_error_too():
    with pytest.raises(SetupError, match="wrong trait"):
        read.providers(ROW + '[acme.dialect_traits.openai_chat]\nstream_options = "no"')


def test_text_that_is_not_toml_is_an_error():
    with pytest.raises(SetupError, match="not TOML"):
        read.profiles("[broken")


def test_profiles_keep_the_order_of_the_file():
    text = '[b]\npatterns = ["*"]\npage = "p"\n[a]\npatterns = ["x*"]\npage = "p"\n'

    assert [profile.name for profile in read.profiles(text)] == ["b", "a"]


def test_a_client_row_without_dialects_is_an_error():
    with pytest.raises(SetupError, match="`shell`"):
        read.clients('[shell]\ntitle = "Shell"\npage = "p"')


def test_a_row_that_is_no_table_is_an_error():
    with pytest.raises(SetupError, match="`acme`"):
        read.clients('acme = "nothing"')
