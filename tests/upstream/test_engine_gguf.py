"""The head of a model file."""

import struct

import pytest

from pointsman.canon.errors import SetupError
from pointsman.upstream.engine_gguf import ModelFacts, model_id, read_facts


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def head(*pairs, version=3):
    return b"GGUF" + struct.pack("<IQQ", version, 0, len(pairs)) + b"".join(pairs)


def string_pair(key, value):
    return text(key) + struct.pack("<I", 8) + text(value)


NAME = string_pair("general.name", "Small One")
KIND = string_pair("general.architecture", "llama")
LONG = text("llama.context_length") + struct.pack("<II", 4, 2048)
LIST = text("general.tags") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
UNREAD = text("tokenizer.ggml.tokens") + b"never read"


def test_the_facts_stand_before_the_tokenizer(tmp_path):
    file = tmp_path / "x.gguf"
    file.write_bytes(head(KIND, NAME, LIST, LONG, UNREAD))

    assert read_facts(file) == ModelFacts("llama", "Small One", 2048)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello, this is no model at all",
        head(KIND)[:-3],
        head(NAME),
        head(KIND, version=1),
        head(text("x") + struct.pack("<IQ", 8, 1 << 40)),
        head(text("x") + struct.pack("<I", 99)),
    ],
)
def test_a_file_that_is_no_whole_model_is_refused(tmp_path, data):
    file = tmp_path / "x.gguf"
    file.write_bytes(data)

    with pytest.raises(SetupError, match="not a whole GGUF model file"):
        read_facts(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SetupError, match=r"no model file .*x\.gguf"):
        read_facts(tmp_path / "x.gguf")


def test_a_model_is_called_by_its_file_without_the_quantisation(tmp_path):
    assert model_id(tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf") == "smollm2-135m-instruct"
    assert model_id(tmp_path / "qwen2.5-coder-1.5b-instruct-Q4_K_M.gguf") == "qwen2.5-coder-1.5b-instruct"
    assert model_id(tmp_path / "own.gguf") == "own"
