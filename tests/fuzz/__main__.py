"""Fuzzes one target under atheris: `python -m fuzz TARGET CORPUS_FOLDER [libFuzzer's options]`; or `list`."""

import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pointsman"]):
    from fuzz.changes import CHANGES
    from fuzz.registry import TARGETS

READABLE = 0.85
"""How many of the changes keep the message readable."""


def main(arguments: list[str]) -> int:
    """Runs until the time is up or something breaks; libFuzzer's exit status."""
    if arguments[:1] == ["list"]:
        print("\n".join(TARGETS))
        return 0
    name, folder, *options = arguments
    target = TARGETS[name]
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (place / f"seed-{number:03}").write_bytes(seed)
    change = CHANGES[target.shape]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        def raw(part: bytes) -> bytes:
            return atheris.Mutate(part, max(1, len(part) + 16))

        chance = random.Random(seed)
        changed = change(data, chance, raw) if chance.random() < READABLE else raw(data)
        return changed[:most]

    atheris.Setup([name, *options, str(place)], target.run, custom_mutator=mutate)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
