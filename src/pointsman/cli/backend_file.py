"""The backends of the configuration file, and the keys that are stored for them, as commands change them."""

import os
from collections.abc import Mapping, MutableMapping
from typing import Any

from pointsman.accounts.credentials import Credentials, vault_name
from pointsman.accounts.keyring_store import KeyringStore
from pointsman.accounts.secret import Secret
from pointsman.accounts.vault import Kept, Vault, service_name
from pointsman.canon.errors import SetupError
from pointsman.cli.output import note
from pointsman.config import rules
from pointsman.config.assemble import assemble
from pointsman.config.backends import Catalog, backend, configured
from pointsman.config.edit import Editor, put
from pointsman.config.load import Effective, load, read_file
from pointsman.config.paths import find_paths
from pointsman.config.schema import Settings
from pointsman.config.shape import build
from pointsman.config.shipped import providers
from pointsman.dialects.registry import DIALECTS
from pointsman.routing.snapshot import DEFAULT_ACCOUNT, Backend


class BackendFile:
    """One configuration file. Every method raises SetupError, and then has changed nothing."""

    def __init__(self) -> None:
        self._paths = find_paths(os.environ)
        self.path = self._paths.config_file
        self.catalog = Catalog(providers(), frozenset(DIALECTS))

    def __contains__(self, name: object) -> bool:
        return name in read_file(self.path)[0].backends

    def checked(self, name: str, settings: Mapping[str, object]) -> Backend:
        """The backend that settings make."""
        whole = build(Settings, {"backends": {name: settings}}, _nowhere)
        rules.check(whole, _nowhere)
        return backend(name, whole.backends[name], self.catalog, os.environ, self.path)

    def present(self, name: str) -> Backend:
        """The backend of that name as it stands in the file."""
        return configured(load(self.path, os.environ), self.catalog, os.environ)[name]

    def put(self, name: str, settings: Mapping[str, object]) -> None:
        """Adds a backend, or replaces the one of that name; comments on what stays are kept."""

        def change(document: MutableMapping[str, Any]) -> None:
            for key in set(document.get("backends", {}).get(name, {})) - set(settings):
                del document["backends"][name][key]
            if name not in document.get("backends", {}):
                put(document, ("backends", name), settings)
            for key, value in settings.items():
                put(document, ("backends", name, key), value)

        self._editor().edit(change)

    def remove(self, name: str) -> None:
        """Removes a backend and the keys that are stored for its accounts."""
        settings = read_file(self.path)[0]
        if settings.default == name:
            raise SetupError(f"`default` in {self.path} names {name}: change or remove that line first")
        self._editor().remove_backend(name)
        for alias in (DEFAULT_ACCOUNT, *settings.backends[name].accounts):
            self.forget_key(vault_name(name, alias))

    def prefer_entered(self, name: str) -> None:
        """Lets a backend's entered key be the one that is used: no variable is named that goes before it."""

        def change(document: MutableMapping[str, Any]) -> None:
            table = document["backends"][name]
            own = table.get("accounts", {}).get(DEFAULT_ACCOUNT, {})
            for member in (table, own):
                member.pop("key_env", None)
            own.pop("enabled", None)

        if name in self:
            self._editor().edit(change)

    def _editor(self) -> Editor:
        return Editor(self.path, self._paths.run, self._check, note)

    def _check(self, effective: Effective) -> None:
        assemble(effective, self.catalog, os.environ)

    def is_same_server(self, made: Backend) -> bool:
        """Whether the backend that is there under this name, if any, is where `made` is: its key fits."""
        try:
            return _server(made) == _server(self.present(made.name))
        except (KeyError, SetupError):
            return False

    def has_key(self, name: str) -> bool:
        """Whether a key is stored under a name."""
        return self._vault().place(name) is not None

    def key_source(self, made: Backend) -> str | None:
        """Where a request would take the backend's key from. Raises NoCredentialError."""
        return Credentials(os.environ, self._vault()).source(made, made.pool[0])

    def keep_key(self, name: str, key: Secret) -> Kept:
        """Stores a key."""
        return self._vault().put(name, key)

    def keep_account_key(self, name: str, alias: str, key: Secret) -> Kept:
        """Stores an account's key."""
        return self._vault().put(vault_name(name, alias), key)

    def forget_key(self, name: str) -> None:
        """Removes the key that is stored under a name, if there is one: it may be another server's."""
        self._vault().remove(name)

    def _vault(self) -> Vault:
        settings = load(self.path, os.environ).settings
        return Vault(self._paths.data, settings.secrets, KeyringStore(service_name(self._paths.home)))


def _server(made: Backend) -> tuple[str, dict[str, str]]:
    """What must be equal for a key to fit."""
    return made.provider.name, made.bases


def _nowhere(path: tuple[str, ...]) -> str:
    """Settings from a command line stand in no line of a file."""
    return ""
