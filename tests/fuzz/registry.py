"""All targets of the fuzzer, by name."""

from fuzz import dialect_targets, wire_targets
from fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target for target in (*wire_targets.targets(), *dialect_targets.targets())
}
