"""`api-key`: Azure's form (learn.microsoft.com, Azure OpenAI REST reference)."""

from pointsman.accounts.secret import Secret
from pointsman.wire.headers import Headers


def headers(secret: Secret) -> Headers:
    """The header fields that carry the secret."""
    return (("api-key", secret.reveal()),)
