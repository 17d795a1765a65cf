"""All targets of the fuzzer, by name."""

from importlib import import_module
from importlib.util import find_spec

from fuzz import dialect_targets, wire_targets
from fuzz.target import Target

_MODULES = [wire_targets, dialect_targets]
if find_spec("pointsman.wire.event_stream") is not None:
    _MODULES.append(import_module("fuzz.event_stream_targets"))

TARGETS: dict[str, Target] = {target.name: target for module in _MODULES for target in module.targets()}
