"""The beta flags that an account was refused: left out for a day, then tried again."""

from collections.abc import Iterable

from pointsman.accounts.pool import Pool, Whose

REFUSED_FOR = 24 * 3600.0
"""Seconds."""
MOST = 64
"""Refused flags that one account may have."""


def refused(pool: Pool, whose: Whose) -> frozenset[str]:
    """Those of the last day."""
    standing = pool.standing(whose)
    if standing is None or not standing.refused_betas:
        return frozenset()
    oldest = pool.clock() - REFUSED_FOR
    return frozenset(flag for flag, when in standing.refused_betas.items() if when > oldest)


def refuse(pool: Pool, whose: Whose, flags: Iterable[str]) -> None:
    """It was refused these."""
    standing = pool.standing(whose)
    if standing is not None:
        fresh = {flag: pool.clock() for flag in flags}
        standing.refused_betas = dict([*standing.refused_betas.items(), *fresh.items()][-MOST:])
        pool.changed.add(whose.key)


def allow(pool: Pool, whose: Whose, flags: Iterable[str]) -> None:
    """It was not about these."""
    standing = pool.standing(whose)
    if standing is not None:
        for flag in flags:
            standing.refused_betas.pop(flag, None)
