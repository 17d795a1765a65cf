"""`Authorization: Bearer` (RFC 6750, section 2.1)."""

from pointsman.accounts.secret import Secret
from pointsman.wire.headers import Headers


def headers(secret: Secret) -> Headers:
    """The header fields that carry the secret."""
    return (("authorization", f"Bearer {secret.reveal()}"),)
