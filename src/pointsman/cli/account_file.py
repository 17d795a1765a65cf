"""The accounts of the configuration file, and the keys that are stored for them, as commands change them."""

from collections.abc import MutableMapping
from typing import Any

from pointsman.accounts.credentials import vault_name
from pointsman.accounts.secret import Secret
from pointsman.canon.errors import SetupError
from pointsman.cli.backend_file import BackendFile
from pointsman.config.edit import put
from pointsman.config.shape import nearest
from pointsman.routing.snapshot import DEFAULT_ACCOUNT, Backend
from pointsman.store.files import read_optional, remove, write_private


class AccountFile(BackendFile):
    """One configuration file. Every method raises SetupError, and then has changed nothing."""

    def add_account(self, name: str, alias: str, key_env: str | None, key: Secret | None) -> str | None:
        """Adds an account with its key; a key that cannot be stored leaves no account. What to warn of."""
        before = read_optional(self.path)
        self.put_account(name, alias, key_env)
        if key is None:
            return None
        try:
            return self.keep_account_key(name, alias, key).warning
        except SetupError:
            if before is None:
                remove(self.path)
            else:
                write_private(self.path, before)
            raise

    def put_account(self, name: str, alias: str, key_env: str | None) -> None:
        """Adds an account, or gives it another variable; a backend that was only found gets its table."""
        row = self.catalog.rows.get(name)
        if name not in self and row is None:
            near = nearest(name, list(self.catalog.rows))
            raise SetupError(
                f"there is no backend {name}; the nearest provider is {near}, and `pointsman backend list` "
                "shows the backends"
            )

        def change(document: MutableMapping[str, Any]) -> None:
            if name not in document.get("backends", {}):
                put(document, ("backends", name), {"provider": name})
            if alias == DEFAULT_ACCOUNT:
                # Named in the backend's own table, a variable would go before the key that is entered now.
                put(document, ("backends", name, "key_env"), None)
            settings: dict[str, object] = {} if key_env is None else {"key_env": key_env}
            known = document["backends"][name].get("accounts", {}).get(alias)
            if known is None:
                put(document, ("backends", name, "accounts", alias), settings)
                return
            put(document, ("backends", name, "accounts", alias, "enabled"), None)
            put(document, ("backends", name, "accounts", alias, "key_env"), key_env)

        self._editor().edit(change)

    def remove_account(self, name: str, alias: str) -> None:
        """Removes an account and its stored key; the backend's own is turned off where a variable has it."""
        made = self.present(name) if name in self else None
        if made is not None and [each.alias for each in made.pool] == [alias]:
            raise SetupError(
                f"{alias} is the last account of backend {name}: `pointsman backend remove {name}` removes it"
            )
        if made is None or alias not in {each.alias for each in made.pool}:
            raise SetupError(
                f"backend {name} has no account {alias} in {self.path}; `pointsman accounts list` shows them"
            )

        def change(document: MutableMapping[str, Any]) -> None:
            path = ("backends", name, "accounts", alias)
            if alias == DEFAULT_ACCOUNT:
                put(document, (*path, "enabled"), value=False)
            else:
                put(document, path, None)

        self._editor().edit(change)
        self.forget_key(vault_name(name, alias))

    def configured(self, name: str) -> Backend:
        """The backend of that name as it stands in the file."""
        return self.present(name)
