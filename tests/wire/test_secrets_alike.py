"""What looks like a credential is taken out of what is shown, whosesoever it is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.secrets import mask, mask_alike, mask_forms, mask_many

SECRET = "Zx9canaryZx9canaryZx9canary"


@pytest.mark.parametrize(
    "text",
    [
        f"sk-ant-api03-{SECRET}",
        f"my key is sk-proj-{SECRET}, keep it",
        f"gsk_{SECRET}",
        f"AIza{SECRET}",
        f"ya29.{SECRET}",
        f"AKIA{SECRET}",
        f"eyJhbGciOiJI.{SECRET}.{SECRET}",
        f"ghp_{SECRET}",
        f"github_pat_{SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"authorization: basic {SECRET}==",
        f'{{"api_key": "{SECRET}"}}',
        f'{{"x-api-key":"{SECRET}"}}',
        f'{{\\"client_secret\\": \\"{SECRET}\\"}}',
        f"OPENAI_API_KEY={SECRET}",
        f"export AWS_SECRET_ACCESS_KEY='{SECRET}'",
        f"password: {SECRET}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
    ],
)
def test_a_credential_of_any_form_is_masked(text):
    assert "canary" not in mask_alike(text)
    assert "…" in mask_alike(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"max_tokens": 4096, "usage": {"input_tokens": 123456789}}',
        "a task-oriented risk-averse desk",
        "the password field, and the token count",
        '{"tool_use_id": "toolu_01A09q90qw90lq917835lq9"}',
        '{"id": "chatcmpl-FeuntVMY3r89R9cnPfTSp38TjcUypXWJ"}',
    ],
)
def test_what_is_none_stays(text):
    assert mask_alike(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "claude-sonnet-4-5-20250929",
        "hf-internal-testing/tiny-random-LlamaForCausalLM",
        "fw-models/pm_13b_instruct",
        "accounts/fireworks/models/llama-v3p1-405b-instruct",
        "us.anthropic.claude-opus-4-20250514-v1:0",
        "models/gemini-2.5-flash-preview-native-audio-dialog",
        "/v1/responses/resp_0123456789abcdef0123456789abcdef",
        "the password field: say who you are, in `Authorization: Bearer KEY`",
    ],
)
def test_names_and_words_of_our_own_stay(name):
    assert mask_forms(name) == name


@pytest.mark.parametrize("form", ["sk-ant-api03-", "sk-proj-", "gsk_", "AIza", "pm-", "eyJhbGciOiJI.", "hf_"])
@pytest.mark.parametrize("around", ["{}", "desk:{}", "/v1/models/{}", "no model {}; try another"])
def test_a_key_where_a_name_belongs_is_masked(form, around):
    assert mask_forms(around.format(form + SECRET)) == around.format("…")


@pytest.mark.parametrize(
    "piece",
    ["a", "a_", "password", "-----BEGIN ", "secret \\", "sk-", "_api_key", "bearer ", "eyJa.", "key: "],
)
def test_no_text_takes_long(piece):
    text = piece * (100_000 // len(piece))
    began = time.process_time()

    mask_alike(text)

    assert time.process_time() - began < 1


long = st.text("abu014/", min_size=16, max_size=18)
secrets = st.lists(long | st.text('ab%4\\/u01"', min_size=1, max_size=8), max_size=4)
beside = st.text("%\\u041 x", max_size=6)


@st.composite
def texts(draw):
    """Some secrets, each character in one of its spellings, among what may be taken for escapes."""
    some = draw(secrets)
    text = draw(beside)
    for secret in some:
        for char in secret:
            code = ord(char)
            text += draw(st.sampled_from((char, char, f"%{code:02x}", f"%{code:02X}", f"\\u{code:04x}")))
        text += draw(beside)
    return text, some + draw(secrets)


@given(texts())
def test_of_many_secrets_nothing_is_left_that_would_be_masked(case):
    text, known = case

    masked = mask_many(text, known)

    assert mask(masked, known) == masked


def test_many_secrets_take_no_time_where_none_is_there():
    known = [f"{number:04d}" + "k" * 1500 for number in range(500)]
    began = time.process_time()

    mask_many("x" * 16_384, known)

    assert time.process_time() - began < 1
