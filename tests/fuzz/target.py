"""A target of the fuzzer: a reader of foreign bytes, and what it begins with."""

import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pointsman.canon.errors import PointsmanError

T = TypeVar("T")
CORPUS = Path(__file__).parents[1] / "corpus"


@dataclass(frozen=True)
class Target:
    """One reader."""

    name: str
    run: Callable[[bytes], None]
    """Reads any bytes; raises only what is a fault of ours."""
    seeds: Callable[[], Iterator[bytes]]
    shape: Literal["json", "stream", "bytes"] = "bytes"
    """How what it reads is built, for changes that keep it readable."""


def die(data: bytes) -> random.Random:
    """Chance that is always the same for the same bytes, so that a crash can be had again."""
    return random.Random(zlib.crc32(data))


def pieces(data: bytes) -> list[bytes]:
    """The data, cut at a few places."""
    chance = die(data)
    cuts = sorted(chance.randint(0, len(data)) for _ in range(chance.choice((0, 1, 3, 9))))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def corpus(dialect: str, *folders: str, suffix: str = "") -> Callable[[], Iterator[bytes]]:
    """The files of a dialect in these folders, JSON without the blanks that people read it with."""

    def seeds() -> Iterator[bytes]:
        for folder in folders:
            for path in sorted((CORPUS / dialect / folder).glob(f"*{suffix}")):
                text = path.read_text(encoding="utf-8")
                yield (json.dumps(json.loads(text)) if path.suffix == ".json" else text).encode()

    return seeds


def unless_refused(read: Callable[..., T], *arguments: object, by: type[PointsmanError]) -> T | None:
    """What is read; None where it is refused, in words."""
    try:
        return read(*arguments)
    except by as error:
        why = error.message
    assert why
    return None
