"""Credentials: which key an account is used with, from the environment or the vault."""

import re
from collections.abc import Mapping

from msgspec import Struct

from pointsman.accounts.secret import Secret
from pointsman.accounts.vault import SecretStore
from pointsman.canon.errors import NoCredentialError, SetupError
from pointsman.config.environment import is_foreign_key
from pointsman.routing.snapshot import DEFAULT_ACCOUNT, Account, Backend

STORED = "stored"
"""The source of a key that was entered."""
SHORTEST = 8
"""Characters of a value that is taken for a key because of its variable's name."""
_KEY_LIKE = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL")


class Credential(Struct, frozen=True):
    """A key, and where it came from."""

    secret: Secret
    source: str
    """The environment variable, or `stored`."""


class Credentials:
    """Looks keys up. The environment is read at each call; what the vault gave is remembered."""

    def __init__(self, environment: Mapping[str, str], store: SecretStore) -> None:
        self._environment = environment
        self._store = store
        self._stored: dict[str, Credential | None] = {}

    def from_environment(self, backend: Backend, account: Account) -> Credential | None:
        """The key in the account's variable. Raises NoCredentialError if no header can carry it."""
        if account.key_env is None:
            return None
        value = self._environment.get(account.key_env, "").strip()
        # What a shell exports for clients of this endpoint is no key of the provider's.
        usual = account.key_env in backend.provider.key_env
        if not value or (usual and not is_foreign_key(value, self._environment)):
            return None
        return Credential(_checked(value, backend, account.key_env), account.key_env)

    def remembered(self, backend: Backend, account: Account) -> bool:
        """Whether the vault has been asked for this account."""
        return vault_name(backend.name, account.alias) in self._stored

    def stored(self, backend: Backend, account: Account) -> Credential | None:
        """The key in the vault; may take seconds the first time. Raises NoCredentialError."""
        name = vault_name(backend.name, account.alias)
        if name not in self._stored:
            self._stored[name] = self._look_up(backend, name)
        return self._stored[name]

    def source(self, backend: Backend, account: Account) -> str | None:
        """Where the key would come from, without asking a keyring for it. Raises NoCredentialError."""
        named = self.from_environment(backend, account)
        kept = self._store.place(vault_name(backend.name, account.alias))
        if kept is not None and not (account.key_named and named):
            return STORED
        return named.source if named else None

    def known(self) -> tuple[str, ...]:
        """The values of all variables that look like a key's, and what the vault gave; to be masked.

        What opens this endpoint is not among them.
        """
        given = [each.secret.reveal() for each in tuple(self._stored.values()) if each is not None]
        foreign = [each for each in key_like(self._environment) if is_foreign_key(each, self._environment)]
        return (*foreign, *(value for value in given if len(value) >= SHORTEST))

    def forget(self) -> None:
        """Asks the vault anew from now on: a key was added or removed."""
        self._stored.clear()

    def _look_up(self, backend: Backend, name: str) -> Credential | None:
        try:
            secret = self._store.get(name)
        except SetupError as error:
            raise NoCredentialError(error.message) from error
        if secret is None:
            return None
        return Credential(_checked(secret.reveal(), backend, "the vault"), STORED)


def key_like(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of all variables whose name says that they hold a key."""
    named = [value.strip() for name, value in environment.items() if _KEY_LIKE.search(name.upper())]
    return tuple(value for value in named if len(value) >= SHORTEST)


def _checked(value: str, backend: Backend, source: str) -> Secret:
    # The value stays out of the message: whatever it is, it was meant as a key.
    if not (value.isascii() and value.isprintable()):
        raise NoCredentialError(
            f"the key of backend {backend.name} in {source} holds a character that no header "
            "can carry; set it again"
        )
    return Secret(value)


def vault_name(backend: str, alias: str) -> str:
    """The name under which the vault keeps an account's key; no backend's name holds a stroke."""
    return backend if alias == DEFAULT_ACCOUNT else f"{backend}/{alias}"
