"""`x-api-key`: Anthropic's form (docs.anthropic.com, API overview)."""

from pointsman.accounts.secret import Secret
from pointsman.wire.headers import Headers


def headers(secret: Secret) -> Headers:
    """The header fields that carry the secret."""
    return (("x-api-key", secret.reveal()),)
