"""The scene: this machine, its configuration and the endpoints that run on it, as every check finds them."""

import os
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from pointsman.accounts.credentials import key_like
from pointsman.accounts.lease import configured_secrets
from pointsman.app import App
from pointsman.canon.errors import PointsmanError, SetupError
from pointsman.canon.json import Json
from pointsman.cli.reach import own_key, records
from pointsman.config.endpoint_file import Endpoint
from pointsman.config.environment import API_KEY_VARIABLE
from pointsman.config.load import Effective, load
from pointsman.config.paths import Paths, find_paths
from pointsman.config.schema import Settings
from pointsman.control.endpoint import EndpointClient
from pointsman.wire.secrets import mask, mask_alike

LOOPBACK = "localhost"


class Scene(Struct, frozen=True):
    """What was found before anything was looked at closely."""

    environment: Mapping[str, str]
    paths: Paths
    endpoints: tuple[Endpoint, ...] = ()
    """Those that run."""
    effective: Effective | None = None
    app: App | None = None
    """One that does not listen; None for a configuration that does not load."""
    broken: str | None = None
    """Why it does not load."""
    status: Json | None = None
    """What the first endpoint that runs says of itself."""

    @property
    def live(self) -> EndpointClient | None:
        """The first endpoint that runs."""
        return EndpointClient(self.endpoints[0].url, self._key) if self.endpoints else None

    @property
    def _key(self) -> str | None:
        return self.environment.get(API_KEY_VARIABLE, "").strip() or None

    @property
    def port(self) -> int:
        """Where clients should find an endpoint."""
        if self.endpoints:
            return self.endpoints[0].port
        return (self.effective.settings if self.effective is not None else Settings()).port

    @property
    def url(self) -> str:
        """The same as an address."""
        return self.endpoints[0].url if self.endpoints else f"http://{LOOPBACK}:{self.port}"

    def redact(self, text: str) -> str:
        """A text as it may be pasted anywhere: without what is a credential here, or looks like one."""
        known = (*key_like(self.environment), *filter(None, (self._key,)), *self._configured())
        if self.app is None:
            return mask_alike(mask(text, known))
        return self.app.service.reporting.redact(text.encode(), known).decode()

    def _configured(self) -> Iterator[str]:
        """The credentials that stand in the configuration itself."""
        for each in self.effective.settings.backends.values() if self.effective is not None else ():
            yield from configured_secrets(each.headers)
            yield from filter(None, (urlsplit(each.proxy or "").password,))


def look_around() -> Scene:
    """The scene as it is now."""
    paths, environment = find_paths(os.environ), os.environ
    broken, endpoints = _running()
    effective = None
    try:
        effective = load(paths.config_file, environment)
        app = App(environment)
    except SetupError as error:
        return Scene(environment, paths, endpoints, effective, broken=error.message)
    return Scene(environment, paths, endpoints, effective, app, broken, _status(endpoints))


def _running() -> tuple[str | None, tuple[Endpoint, ...]]:
    try:
        return None, tuple(records())
    except SetupError as error:
        return error.message, ()


def _status(endpoints: tuple[Endpoint, ...]) -> Json | None:
    if not endpoints:
        return None
    try:
        return EndpointClient(endpoints[0].url, own_key()).status()
    except PointsmanError:
        return None  # its key is not set here; what it is listening on is known all the same
