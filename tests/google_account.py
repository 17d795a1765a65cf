"""A Google service account that is a test's own, and what a token endpoint answers."""

import json
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from scripted import json_reply


@cache
def private_key():
    """A key in PEM, the same for all tests of a run: making one takes a while."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def write_account(folder, token_uri):
    """The file of an account whose tokens come from there."""
    file = folder / "account.json"
    facts = {
        "type": "service_account",
        "project_id": "rails",
        "private_key_id": "k1",
        "private_key": private_key(),
        "client_email": "points@rails.example",
        "client_id": "1",
        "token_uri": token_uri,
    }
    file.write_text(json.dumps(facts))
    return file


def token(value, seconds=3600):
    """An answer of the token endpoint."""
    return json_reply({"access_token": value, "expires_in": seconds, "token_type": "Bearer"})
