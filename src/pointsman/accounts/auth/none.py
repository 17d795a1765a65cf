"""No authentication: a server on the user's own machine."""

from pointsman.accounts.secret import Secret
from pointsman.wire.headers import Headers


def headers(_: Secret) -> Headers:
    """No header fields."""
    return ()
