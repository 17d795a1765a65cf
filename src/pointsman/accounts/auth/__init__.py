"""How a credential travels: one file per scheme, and the tables of them."""

from collections.abc import Callable, Mapping

from pointsman.accounts.auth import api_key, bearer, none, x_api_key, x_goog_api_key
from pointsman.accounts.auth.aws_sigv4 import AwsSignIn
from pointsman.accounts.auth.azure_entra import AzureSignIn
from pointsman.accounts.auth.google_oauth import GoogleSignIn
from pointsman.accounts.grant import SignsIn
from pointsman.accounts.oauth.session import OAuthSignIn
from pointsman.accounts.secret import Secret
from pointsman.catalog.provider import AuthScheme, SignIn
from pointsman.config.paths import find_paths
from pointsman.wire.headers import Headers

SCHEMES: Mapping[AuthScheme, Callable[[Secret], Headers]] = {
    "bearer": bearer.headers,
    "x-api-key": x_api_key.headers,
    "api-key": api_key.headers,
    "x-goog-api-key": x_goog_api_key.headers,
    "none": none.headers,
}
"""Scheme → the header fields that carry a secret."""


def sign_ins(environment: Mapping[str, str]) -> Mapping[SignIn, SignsIn]:
    """What gives a cloud's credentials or a person's tokens; libraries are imported when first wanted."""
    return {
        "aws-sigv4": AwsSignIn(environment),
        "azure-entra": AzureSignIn(environment),
        "google-oauth": GoogleSignIn(environment),
        "oauth": OAuthSignIn(find_paths(environment).data),
    }
