"""The operating system's keyring, asked in a worker thread: it may be locked, slow, or wait for a person."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from threading import Thread
from types import TracebackType
from typing import Protocol, TypeVar, cast

from pointsman.accounts.secret import Secret

Result = TypeVar("Result")
PATIENCE = 3.0
"""Seconds; a keyring that takes longer is waiting for somebody who is not there."""
_NO_KEYRING = frozenset({"keyring.backends.fail", "keyring.backends.null"})


class KeyringError(Exception):
    """The keyring cannot be used; the message says why, in one clause."""


class Keyring(Protocol):
    """What is used of a `keyring` backend."""

    def get_password(self, service: str, username: str, /) -> str | None:
        """None where there is none."""
        ...

    def set_password(self, service: str, username: str, password: str, /) -> None:
        """Adds or replaces."""
        ...

    def delete_password(self, service: str, username: str, /) -> None:
        """Fails where there is none."""
        ...


class KeyringStore:
    """One service in the keyring. Every method raises KeyringError."""

    def __init__(self, service: str, patience: float = PATIENCE) -> None:
        self._service = service
        self._patience = patience
        self._overdue: Future[object] | None = None

    def get(self, name: str) -> Secret | None:
        """The secret of that name."""
        value = self._ask(lambda keyring: keyring.get_password(self._service, name))
        return None if value is None else Secret(value)

    def put(self, name: str, secret: Secret) -> None:
        """Keeps a secret, and reads it back: some keyrings take what they cannot hold."""
        self._ask(lambda keyring: keyring.set_password(self._service, name, secret.reveal()))
        if self.get(name) != secret:
            raise KeyringError("it did not keep the key")

    def remove(self, name: str) -> None:
        """Forgets a secret; none of that name is fine."""
        if self.get(name) is not None:
            self._ask(lambda keyring: keyring.delete_password(self._service, name))

    def _ask(self, question: Callable[[Keyring], Result]) -> Result:
        if self._overdue is not None and not self._overdue.done():
            raise KeyringError("it has not answered an earlier question yet")
        answer: Future[Result] = Future()
        # A daemon thread: a keyring that never answers does not keep the process from ending.
        Thread(target=_answer, args=(question, answer), name="keyring", daemon=True).start()
        try:
            failure = answer.exception(self._patience)
        except TimeoutError as error:
            self._overdue = cast("Future[object]", answer)
            raise KeyringError(f"it did not answer within {self._patience:g} s") from error
        if failure is None or isinstance(failure, KeyringError):
            return answer.result()
        raise KeyringError(f"it failed with {type(failure).__name__}") from failure


class _Handover(AbstractContextManager[None]):
    """Hands whatever is raised to the one who waits: plugins raise what they like."""

    def __init__(self, answer: Future[Result]) -> None:
        self._answer = answer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is not None:
            self._answer.set_exception(error)
        return True


def _answer(question: Callable[[Keyring], Result], answer: Future[Result]) -> None:
    with _Handover(answer):
        answer.set_result(question(_keyring()))


def _keyring() -> Keyring:
    import keyring  # noqa: PLC0415  # looking for plugins takes longer than starting pointsman

    backend = keyring.get_keyring()
    if type(backend).__module__ in _NO_KEYRING:
        raise KeyringError("this machine has none")
    return cast("Keyring", backend)
