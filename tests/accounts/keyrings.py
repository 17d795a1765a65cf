"""Keyring backends as machines have them: one that works, and ones that fail in their own ways."""

import threading

from keyring.errors import KeyringLocked


class Working:
    """Keeps passwords in a dictionary. No KeyringBackend: those register themselves for the whole process."""

    def __init__(self):
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


class Forgetful(Working):
    """Takes a password and does not keep it."""

    def set_password(self, service, username, password):
        pass


class Locked(Working):
    """Waits for nobody and says no."""

    def get_password(self, service, username):
        raise KeyringLocked("locked")

    def set_password(self, service, username, password):
        raise KeyringLocked("locked")


class Broken(Working):
    """Fails with an error of the system's."""

    def get_password(self, service, username):
        raise OSError("no bus")

    def set_password(self, service, username, password):
        raise OSError("no bus")


class Stuck(Working):
    """Asks a person who is not there; `release` lets it go on."""

    def __init__(self):
        super().__init__()
        self.release = threading.Event()
        self.asked = 0

    def get_password(self, service, username):
        self.asked += 1
        self.release.wait(10)
        return super().get_password(service, username)

    def set_password(self, service, username, password):
        self.asked += 1
        self.release.wait(10)
