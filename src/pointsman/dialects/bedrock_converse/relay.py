"""Why a request of this dialect cannot go to its target byte by byte. No client speaks it here yet."""

from collections.abc import Mapping

from pointsman.canon.json import Json
from pointsman.canon.traits import Traits
from pointsman.wire.envelope import PREFIX

_ENVELOPE = PREFIX.encode()


def rewrite_reason(members: Json | Mapping[str, object], body: bytes, traits: Traits) -> str | None:
    """The reason; None if the body can go as it is."""
    if _ENVELOPE in body:
        return "the history holds opaque state of another provider"
    if "cache" in traits.refused_fields and b'"cachePoint"' in body:
        return "the target refuses cache points"
    return None
