"""Lists of models, in each spelling."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.errors import GarbledError
from pointsman.routing.snapshot import Model
from pointsman.upstream.model_lists import MAX_MODELS, read_page


def page(data):
    return read_page(json.dumps(data).encode())


def one(entry):
    (model,) = page({"object": "list", "data": [entry]}).models
    return model


@pytest.mark.parametrize(
    ("entry", "model"),
    [
        (
            {"id": "gpt-5", "object": "model", "created": 1_780_000_000, "owned_by": "openai"},
            Model("gpt-5", created=1_780_000_000),
        ),
        (
            {
                "type": "model",
                "id": "claude-opus-4-6",
                "display_name": "Claude Opus 4.6",
                "created_at": "2026-02-05T00:00:00Z",
                "max_input_tokens": 200_000,
                "max_tokens": 64_000,
                "lifecycle": "active",
            },
            Model("claude-opus-4-6", 1_770_249_600, "Claude Opus 4.6", 200_000, 64_000),
        ),
        (
            {
                "id": "qwen/qwen3",
                "name": "Qwen: Qwen3",
                "created": 1_745_000_000,
                "context_length": 131_072,
                "top_provider": {"context_length": 40_960, "max_completion_tokens": 8192},
            },
            Model("qwen/qwen3", 1_745_000_000, "Qwen: Qwen3", 131_072, 8192),
        ),
        (
            {"id": "llama", "created": 5, "context_window": 131_072, "max_completion_tokens": 32_768},
            Model("llama", 5, None, 131_072, 32_768),
        ),
        ({"id": "m", "owned_by": "vllm", "max_model_len": 8192}, Model("m", context_window=8192)),
        (
            {"id": "m.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 32_768, "n_vocab": 9}},
            Model("m.gguf", context_window=32_768),
        ),
        ({"id": "m", "meta": {"n_ctx": 4096, "n_ctx_train": 32_768}}, Model("m", context_window=4096)),
        ({"id": "m", "meta": None}, Model("m")),
        (
            {"id": "m", "max_context_length": 32_768, "loaded_context_length": 4096, "state": "loaded"},
            Model("m", context_window=4096),
        ),
        (
            {"id": "openai/gpt-4.1", "limits": {"max_input_tokens": 1_048_576, "max_output_tokens": 32_768}},
            Model("openai/gpt-4.1", context_window=1_048_576, max_output=32_768),
        ),
        (
            {
                "name": "models/gemini-3-pro",
                "displayName": "Gemini 3 Pro",
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
            },
            Model("gemini-3-pro", None, "Gemini 3 Pro", 1_048_576, 65_536),
        ),
        (
            {"name": "qwen3:8b", "model": "qwen3:8b", "modified_at": "2026-01-01T00:00:00Z"},
            Model("qwen3:8b"),
        ),
        (
            {"id": "m", "created": None, "context_length": None, "max_tokens": True, "display_name": ""},
            Model("m"),
        ),
        ({"id": "m", "created_at": "1970-01-01T00:00:00Z"}, Model("m")),
        ({"id": "m", "created_at": "some day", "created": 1e300}, Model("m", created=int(1e300))),
    ],
)
def test_an_entry_is_read_in_each_spelling(entry, model):
    assert one(entry) == model


@pytest.mark.parametrize(
    "data",
    [
        {"object": "list", "data": [{"id": "a"}, {"id": "b"}]},
        {"data": [{"id": "a"}, {"id": "b"}]},
        {"models": [{"name": "models/a"}, {"name": "b"}]},
        {"models": [{"name": "other"}], "object": "list", "data": [{"id": "a"}, {"id": "b"}]},
        [{"id": "a"}, {"id": "b"}],
        {"data": [{"id": "a"}, {"id": "b"}, {"id": "a"}]},
    ],
)
def test_a_list_is_found_in_each_spelling(data):
    assert [model.id for model in page(data).models] == ["a", "b"]


@pytest.mark.parametrize(
    "data",
    [
        {"object": "list", "data": [{"id": "models/a", "owned_by": "vllm"}]},
        {"models": [{"name": "models/a:latest", "model": "models/a"}]},
        [{"id": "models/a", "name": "models/a"}],
    ],
)
def test_a_folder_called_models_is_part_of_the_id(data):
    assert [model.id for model in page(data).models] == ["models/a"]


def test_what_a_provider_puts_before_its_ids_is_taken_off():
    data = {"object": "list", "data": [{"id": "models/gemini-3-pro"}, {"id": "gemma-4"}]}

    answer = read_page(json.dumps(data).encode(), "models/")

    assert answer.models == (Model("gemini-3-pro"), Model("gemma-4"))


@pytest.mark.parametrize("data", [{"object": "list", "data": []}, {"object": "list", "data": None}])
def test_a_server_without_models_has_an_empty_list(data):
    answer = page(data)

    assert answer.models == ()
    assert answer.declared


@pytest.mark.parametrize("entry", [{"id": ""}, {"id": None}, {"title": "b"}, "b", None])
def test_an_entry_without_an_id_is_passed_over(entry):
    assert [model.id for model in page({"data": [{"id": "a"}, entry, {"id": "c"}]}).models] == ["a", "c"]


def test_a_retired_model_is_not_offered():
    answer = page({"data": [{"id": "old", "lifecycle": "retired"}, {"id": "new", "lifecycle": "deprecated"}]})

    assert [model.id for model in answer.models] == ["new"]


def test_of_a_list_of_slugs_what_is_shown_is_offered_in_its_order():
    entries = [
        {"slug": "gpt-6-sol", "display_name": "GPT-6 Sol", "visibility": "list"},
        {"slug": "codex-auto-review", "display_name": "Review", "visibility": "hide"},
        {"slug": "gpt-6-luna", "display_name": "GPT-6 Luna", "visibility": "list"},
    ]

    assert page({"models": entries}).models == (
        Model("gpt-6-sol", title="GPT-6 Sol"),
        Model("gpt-6-luna", title="GPT-6 Luna"),
    )


@pytest.mark.parametrize(
    ("data", "parameter"),
    [
        ({"data": [{"id": "a"}], "has_more": True, "last_id": "a"}, ("after_id", "a")),
        ({"data": [{"id": "a"}], "has_more": False, "last_id": "a"}, None),
        ({"data": [{"id": "a"}], "has_more": True, "last_id": None}, None),
        ({"models": [{"name": "a"}], "nextPageToken": "t"}, ("pageToken", "t")),
        ({"models": [{"name": "a"}], "nextPageToken": ""}, None),
        ([{"id": "a"}], None),
    ],
)
def test_the_next_page_is_asked_for_in_the_lists_own_way(data, parameter):
    assert page(data).next == parameter


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><html></html>",
        b"null",
        b'"models"',
        b"{}",
        b'{"data": {"id": "a"}}',
        b'{"data": null}',
        b'{"status": "ok"}',
        b'{"data": ["a"]}',
        b'{"data": [{"title": "a"}]}',
        b'{"data": [{"id": ""}]}',
        b'{"data": [{"id": 5}]}',
        b'{"error": {"message": "no"}}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_anything_else_is_garbled(body):
    with pytest.raises(GarbledError, match="not a list of models"):
        read_page(body)


def test_an_endless_list_is_garbled():
    entries = [{"id": str(number)} for number in range(MAX_MODELS + 1)]

    with pytest.raises(GarbledError, match=f"{MAX_MODELS + 1} entries"):
        page(entries)


KEYS = [
    "data",
    "models",
    "object",
    "id",
    "name",
    "created",
    "created_at",
    "meta",
    "n_ctx",
    "max_tokens",
    "limits",
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=12,
)


@given(anything)
def test_whatever_a_server_says_is_a_list_or_garbled(data):
    try:
        models = page(data).models
    except GarbledError:
        return

    assert all(model.id and (model.context_window or 1) > 0 for model in models)
