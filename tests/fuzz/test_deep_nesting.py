"""However deeply a value is nested, wherever it stands: it is read or refused, and no stack overflows."""

import json
import random
import sys

import pytest

from fuzz.changes import places
from fuzz.registry import TARGETS

DEPTHS = (400, 700, 990, 100_000)
"""About a half, most and all of what JSON may nest here, and far more."""
PLACES = 6
"""Of each seed."""
MARK = "\N{OGHAM SPACE MARK}here"
"""Stands where the value will be; not in any seed."""


def nested(depth, opening, closing):
    """Text of JSON that is so deep."""
    return opening * depth + "0" + closing * depth


def with_marks(seed, chance):
    """The seed's JSON with a mark in place of one of its values, for a few of them."""
    found = list(places(json.loads(seed)))
    for number in sorted(chance.sample(range(len(found)), min(PLACES, len(found)))):
        value = json.loads(seed)
        holder, key = list(places(value))[number]
        holder[key] = MARK
        yield json.dumps(value, ensure_ascii=False)


def marked(target, chance):
    """Seeds with a mark each."""
    for seed in target.seeds():
        if target.shape == "json":
            yield from with_marks(seed, chance)
            continue
        if seed.startswith(b"["):
            yield from with_marks(seed, chance)
            continue
        frames = seed.decode().replace("\r\n", "\n").split("\n\n")
        at = chance.randrange(len(frames))
        head, found, body = frames[at].partition("data: ")
        if found and body.startswith("{") and "\n" not in body:
            for changed in with_marks(body, chance):
                yield "\n\n".join([*frames[:at], head + found + changed, *frames[at + 1 :]])


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    "target", [each for each in TARGETS.values() if each.shape != "bytes"], ids=lambda target: target.name
)
def test_a_deep_value_is_read_or_refused(target, depth):
    chance = random.Random(target.name)
    deep = (nested(depth, "[", "]"), nested(depth, '{"a":', "}"), nested(depth // 2, '[{"type":', "}]"))
    texts = list(marked(target, chance))

    for text in chance.sample(texts, min(12, len(texts))):
        target.run(text.replace(json.dumps(MARK, ensure_ascii=False), chance.choice(deep)).encode())

    assert texts
    assert sys.getrecursionlimit() == 1000
