"""What a GGUF file says of its model, read from its head.

Layout: github.com/ggml-org/ggml, docs/gguf.md. The general keys and those of the architecture stand before
the tokenizer's long arrays, where reading stops.
"""

import re
import struct
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from pointsman.canon.errors import SetupError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_QUANTISATION = re.compile(r"[.\-_](?:I?Q\d\w*|BF16|F16|F32|MXFP4\w*)$", re.IGNORECASE)
_LONGEST = 1 << 20
"""Bytes of one string, or members of one array: more is a broken file."""


class ModelFacts(Struct, frozen=True):
    """What the catalog shows of a model file."""

    architecture: str
    name: str | None
    context: int | None
    """Tokens that the model was trained for."""


def model_id(file: Path) -> str:
    """The id under which a model file is offered: its name without the quantisation, in lower case."""
    return _QUANTISATION.sub("", file.stem).lower()


def read_facts(file: Path) -> ModelFacts:
    """The facts in a model file. Raises SetupError for a file that is missing, broken or of another kind."""
    try:
        with file.open("rb") as stream:
            keys = _read_keys(stream)
    except FileNotFoundError as error:
        raise SetupError(f"there is no model file {file}; correct the path") from error
    except OSError as error:
        raise SetupError(f"cannot read the model file {file}: {error.strerror}") from error
    except (ValueError, struct.error) as error:
        raise SetupError(f"{file} is not a whole GGUF model file: {error}; download it again") from error
    return _facts(keys)


def _facts(keys: dict[str, object]) -> ModelFacts:
    architecture = str(keys["general.architecture"])
    name, context = keys.get("general.name"), keys.get(f"{architecture}.context_length")
    return ModelFacts(
        architecture,
        name if isinstance(name, str) else None,
        context if isinstance(context, int) else None,
    )


def _read_keys(stream: BinaryIO) -> dict[str, object]:
    if _take(stream, 4) != _MAGIC:
        raise ValueError("it does not begin as one")
    version, _tensors, count = struct.unpack("<IQQ", _take(stream, 20))
    if version not in _VERSIONS:
        raise ValueError(f"its format version is {version}")
    keys: dict[str, object] = {}
    for _ in range(count):
        key = _text(stream)
        if key.startswith("tokenizer."):
            break
        keys[key] = _value(stream, _number(stream, "I"))
    if "general.architecture" not in keys:
        raise ValueError("it names no architecture")
    return keys


def _value(stream: BinaryIO, kind: int) -> object:
    if kind == _STRING:
        return _text(stream)
    if kind == _ARRAY:
        member, count = _number(stream, "I"), _bounded(_number(stream, "Q"))
        return [_value(stream, member) for _ in range(count)]
    if kind not in _NUMBERS:
        raise ValueError(f"a value has the unknown type {kind}")
    return _number(stream, _NUMBERS[kind])


def _text(stream: BinaryIO) -> str:
    return _take(stream, _bounded(_number(stream, "Q"))).decode(errors="replace")


def _number(stream: BinaryIO, form: str) -> int:
    form = "<" + form
    return struct.unpack(form, _take(stream, struct.calcsize(form)))[0]


def _take(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ValueError("it ends in its head")
    return data


def _bounded(size: int) -> int:
    if size > _LONGEST:
        raise ValueError(f"its head holds a length of {size}")
    return size
