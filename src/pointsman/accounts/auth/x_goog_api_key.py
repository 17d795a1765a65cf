"""`x-goog-api-key`: Google's form (ai.google.dev, Gemini API reference)."""

from pointsman.accounts.secret import Secret
from pointsman.wire.headers import Headers


def headers(secret: Secret) -> Headers:
    """The header fields that carry the secret."""
    return (("x-goog-api-key", secret.reveal()),)
