"""What the fuzzer begins with, and some of what it makes of that, on every run of the tests."""

import random

import pytest

from fuzz.changes import CHANGES
from fuzz.registry import TARGETS

ROUNDS = 4
"""Runs of each seed, the first without a change."""


def scrambled(data, chance):
    """Bytes with a few of them changed, as a fuzzer does."""
    changed = bytearray(data or b"x")
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_what_a_seed_becomes_is_read_or_refused(target):
    chance = random.Random(target.name)
    seeds = list(target.seeds())

    for seed in seeds:
        data = seed
        for _ in range(ROUNDS):
            target.run(data)
            data = CHANGES[target.shape](data, chance, lambda part: scrambled(part, chance))

    assert seeds
