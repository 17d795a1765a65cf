"""The machine's keyring, replaced for a test."""

import keyring
import pytest


@pytest.fixture
def use_keyring(monkeypatch):
    """Installs a keyring backend and gives it back."""

    def use(backend):
        monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
        return backend

    return use
