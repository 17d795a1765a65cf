"""Resets: when a limit that is used up opens again, for providers that say so without `Retry-After`."""

from pointsman.catalog.provider import RateLimits
from pointsman.routing.window import reported
from pointsman.wire.headers import Headers


def reset_after(headers: Headers, limits: RateLimits, now: float) -> float | None:
    """Seconds until every limit that is used up has opened again; None where the fields don't tell.

    `now` is in seconds since the epoch.
    """
    told = reported(headers, limits, "", now)
    if told is None:
        return None
    full = [window.resets - now for window in told.windows if window.is_full and window.resets is not None]
    if not full and told.status == "rejected" and told.reset is not None:
        return told.reset - now
    return max(full, default=None)
