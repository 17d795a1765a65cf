"""Credentials taken out."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.secrets import mask

KEYS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=4, max_size=12)


def everywhere_escaped(text):
    units = text.encode("utf-16-be").hex()
    return "".join(f"\\u{units[index : index + 4]}" for index in range(0, len(units), 4))


SPELLINGS = [
    str,
    lambda key: quote(key, safe=""),
    quote,
    lambda key: quote(key, safe="").lower() if key == key.lower() else quote(key, safe=""),
    lambda key: "".join(f"%{byte:02X}" for byte in key.encode()),
    lambda key: json.dumps(key)[1:-1],
    lambda key: json.dumps(key, ensure_ascii=False)[1:-1],
    lambda key: json.dumps(json.dumps(key))[3:-3],
    lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    everywhere_escaped,
    lambda key: everywhere_escaped(key).upper().replace("\\U", "\\u"),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(key=KEYS)
def test_a_credential_is_masked_however_it_is_spelled(spelling, key):
    # No key holds a line break.
    shown = f"\n{spelling(key)}\n"

    assert mask(shown, [key]) == "\n…\n"
    assert mask(shown.encode(), [key]).decode() == "\n…\n"


def test_every_place_and_every_secret_is_masked():
    assert mask("sk-1 sk-2 sk-1", ["sk-1", "sk-2"]) == "… … …"


def test_of_two_secrets_that_begin_alike_nothing_of_the_longer_is_kept():
    assert mask("sk-abcdef", ["sk-abc", "sk-abcdef"]) == "…"


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_nothing_changes(secrets):
    assert mask("sk-1", secrets) == "sk-1"
    assert mask(b"\xff", secrets) == b"\xff"


def test_bytes_that_are_no_text_stay():
    assert mask(b"\xff sk-1 \xfe", ["sk-1"]) == b"\xff \xe2\x80\xa6 \xfe"


def test_json_around_a_masked_credential_stays_json():
    body = json.dumps({"error": 'key "sk/1" is wrong\\', "path": "C:\\sk/1"}).encode()

    assert json.loads(mask(body, ["sk/1"])) == {"error": 'key "…" is wrong\\', "path": "C:\\…"}
