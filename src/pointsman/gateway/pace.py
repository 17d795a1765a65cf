"""The pace of an exchange: how long it may be silent, and how much is held back before the commit."""

from msgspec import Struct


class Pace(Struct, frozen=True):
    """The defaults are the rules; tests quicken them."""

    ping_every: float = 10.0
    """Seconds of silence after which a client hears from us; clients give up after 300."""
    held_seconds: float = 2.0
    """How long the frames before the first content are held, from the first of them on."""
    held_bytes: int = 64 * 1024
    """How much of them is held."""
    drain: float = 0.0
    """Seconds for which an answer is read on after its client has left; 0 stops the upstream at once."""
