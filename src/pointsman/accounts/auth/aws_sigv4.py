"""AWS Signature Version 4, by botocore's own signer and with the credentials of its own chain.

Read are, in botocore's order: the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
`AWS_SESSION_TOKEN`; the profile (`AWS_PROFILE`, or the backend's `credentials`) in `~/.aws/config` and
`~/.aws/credentials`, with whatever it names: a role, a web identity, a process, an SSO sign-in (its cache
in `~/.aws/sso/cache`); and the container's endpoint, where a container's variables name it. The metadata
service of an EC2 instance is asked only where `AWS_EC2_METADATA_DISABLED` is set to `false`.
(docs.aws.amazon.com/sdkref, "Credential provider chain".)
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from importlib import import_module
from math import inf
from threading import Lock
from time import monotonic
from typing import Any, cast
from urllib.parse import urlsplit

from msgspec import Struct, structs

from pointsman.accounts.grant import Grant, missing_library
from pointsman.accounts.secret import Secret
from pointsman.canon.errors import NoCredentialError
from pointsman.routing.snapshot import Backend
from pointsman.upstream.transport import Outgoing
from pointsman.wire.headers import Headers

AGAIN = 60.0
"""Seconds after which credentials that don't renew themselves are looked for anew: somebody may have."""
_REGION = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d+)\.")
_TALKATIVE = ("botocore.auth", "botocore.credentials", "botocore.endpoint", "botocore.parsers")
"""Loggers that say at level DEBUG what is signed, and so the session's token, or what AWS answered."""
_INSTANCE = "iam-role"
"""What botocore calls the metadata service of an instance."""
_SIGNED = ("content-type",)
"""Which of our fields are signed beside the host and the signature's own: those that no proxy changes."""


class _Keys(Struct, frozen=True):
    """One moment's credentials. Shown, they say nothing."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        return "_Keys()"


class AwsSignIn:
    """The credentials by profile, each looked for once; botocore renews those that expire."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._found: dict[str | None, tuple[Any, float]] = {}
        self._lock = Lock()

    async def __call__(self, backend: Backend) -> Grant:
        """What signs the backend's requests. Raises NoCredentialError."""
        region = region_of(backend)
        keys = await asyncio.to_thread(self._keys, backend)
        service = backend.provider.signing_name

        def sign(outgoing: Outgoing) -> Outgoing:
            return signed(outgoing, keys, service, region)

        hidden = (
            [Secret(keys.secret_key)] if keys.token is None else [Secret(keys.secret_key), Secret(keys.token)]
        )
        return Grant(secrets=tuple(hidden), sign=sign)

    def _keys(self, backend: Backend) -> _Keys:
        """May read files and ask AWS; not for the event loop. Raises NoCredentialError."""
        with self._lock:
            try:
                frozen = self._credentials(backend).get_frozen_credentials()
            except ImportError as error:
                raise missing_library(backend, "botocore", "pointsman[aws]") from error
            except _failures() as error:
                raise _refused(backend, error) from error
        return _Keys(frozen.access_key, frozen.secret_key, frozen.token)

    def _credentials(self, backend: Backend) -> Any:
        """Those that renew themselves are kept; others are read anew after a while."""
        found, until = self._found.get(backend.credentials, (None, 0.0))
        if found is None or until < monotonic():
            found = self._look(backend)
            until = monotonic() + AGAIN if type(found).__name__ == "Credentials" else inf
            self._found[backend.credentials] = found, until
        return found

    def _look(self, backend: Backend) -> Any:
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        session = import_module("botocore.session").Session(profile=backend.credentials)
        credentials = import_module("botocore.credentials")
        resolver = credentials.create_credential_resolver(session)
        if self._environment.get("AWS_EC2_METADATA_DISABLED", "").lower() != "false":
            resolver.remove(_INSTANCE)
        found = resolver.load_credentials()
        if found is None:
            raise NoCredentialError(missing_credentials(backend))
        return found


def missing_credentials(backend: Backend) -> str:
    """What to do where the chain ends in nothing."""
    key = f", or set {backend.key_env} to an API key" if backend.key_env else ""
    return (
        f"backend {backend.name} has no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        f"AWS_PROFILE (sign in with `aws sso login`){key}"
    )


def _failures() -> tuple[type[Exception], ...]:
    """What botocore raises for credentials that it cannot read or renew."""
    return import_module("botocore.exceptions").BotoCoreError, OSError, ValueError, KeyError


def _refused(backend: Backend, error: Exception) -> NoCredentialError:
    # Only the kind, and which part lacks: a message of botocore's may repeat what it read.
    lacking = getattr(error, "kwargs", {}).get("cred_var")
    kind = f"{type(error).__name__}: {lacking} is missing" if lacking else type(error).__name__
    return NoCredentialError(
        f"backend {backend.name}: its AWS credentials cannot be used ({kind}); check the profile or the "
        "variables, or sign in anew with `aws sso login`"
    )


def region_of(backend: Backend) -> str:
    """The region in which requests are signed: the address's own, else the configured one.

    Raises NoCredentialError where neither is known.
    """
    host = urlsplit(next(iter(backend.bases.values()))).hostname or ""
    named = _REGION.search(f".{host}.")
    region = named[1] if named else backend.places.get("region")
    if region is None:
        raise NoCredentialError(
            f"backend {backend.name} signs its requests for a region, and none is known: set AWS_REGION, or "
            "`region` on the backend"
        )
    return region


def signed(outgoing: Outgoing, keys: _Keys, service: str, region: str) -> Outgoing:
    """The request with its signature."""
    aws_request = import_module("botocore.awsrequest").AWSRequest
    auth = import_module("botocore.auth")
    own = {name: value for name, value in outgoing.headers if name in _SIGNED}
    request = aws_request(method=outgoing.method, url=outgoing.url, data=outgoing.body, headers=own)
    frozen = import_module("botocore.credentials").Credentials(keys.access_key, keys.secret_key, keys.token)
    auth.SigV4Auth(frozen, service, region).add_auth(request)
    made = cast("Mapping[str, str]", dict(request.headers.items()))
    fields: Headers = tuple((name.lower(), value) for name, value in made.items() if name not in own)
    names = {name for name, _ in fields}
    return structs.replace(
        outgoing, headers=(*(pair for pair in outgoing.headers if pair[0] not in names), *fields)
    )
