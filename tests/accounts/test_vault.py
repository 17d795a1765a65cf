"""Keys that were typed in are kept in the keyring or in a private file, and come back."""

import json
import stat
import threading

import keyring
import pytest
from keyring.backends import fail, null
from keyrings import Broken, Forgetful, Locked, Stuck, Working

from pointsman.accounts.keyring_store import KeyringError, KeyringStore
from pointsman.accounts.secret import Secret
from pointsman.accounts.secret_file import SecretFile
from pointsman.accounts.vault import Vault, service_name
from pointsman.canon.errors import SetupError

CANARY = Secret("sk-canary-7f3a")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def vault(folder, choice, patience=5.0):
    return Vault(folder, choice, KeyringStore("pointsman test", patience))


def text(folder):
    return (folder / "secrets.json").read_text()


def test_a_working_keyring_holds_the_key_and_the_file_only_its_name(folder, use_keyring):
    backend = use_keyring(Working())

    kept = vault(folder, "auto").put("groq", CANARY)

    assert (kept.place, kept.warning) == ("keyring", None)
    assert backend.kept == {("pointsman test", "groq"): CANARY.reveal()}
    assert CANARY.reveal() not in text(folder)
    assert vault(folder, "auto").get("groq") == CANARY
    assert vault(folder, "auto").place("groq") == "keyring"


def test_the_file_is_private_and_in_a_private_folder(folder):
    vault(folder, "file").put("groq", CANARY)

    assert stat.S_IMODE((folder / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_forcing_the_file_never_wakes_the_keyring(folder, monkeypatch):
    monkeypatch.delattr(keyring, "get_keyring")
    forced = vault(folder, "file")

    kept = forced.put("groq", CANARY)

    assert (kept.place, kept.warning) == ("file", None)
    assert forced.get("groq") == CANARY
    assert forced.get("other") is None
    assert forced.place("other") is None


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        (fail.Keyring, "this machine has none"),
        (null.Keyring, "this machine has none"),
        (Locked, "KeyringLocked"),
        (Broken, "OSError"),
        (Forgetful, "did not keep"),
    ],
)
def test_a_keyring_that_fails_is_replaced_by_the_file_with_a_warning(folder, use_keyring, backend, why):
    use_keyring(backend())

    kept = vault(folder, "auto").put("groq", CANARY)

    assert kept.place == "file"
    assert why in kept.warning
    assert CANARY.reveal() not in kept.warning
    assert vault(folder, "auto").get("groq") == CANARY


def test_a_keyring_that_does_not_answer_is_given_up_and_not_asked_again_meanwhile(folder, use_keyring):
    backend = use_keyring(Stuck())
    asked = vault(folder, "auto", patience=0.05)

    first = asked.put("groq", CANARY)
    second = asked.put("xai", CANARY)

    assert "did not answer within 0.05 s" in first.warning
    assert "not answered an earlier question" in second.warning
    assert backend.asked == 1
    backend.release.set()


def test_a_keyring_that_is_forced_and_fails_is_an_error_and_nothing_is_written(folder, use_keyring):
    use_keyring(Locked())

    with pytest.raises(SetupError, match=r"`secrets = \"keyring\"` is set.*KeyringLocked.*unlock") as caught:
        vault(folder, "keyring").put("groq", CANARY)

    assert CANARY.reveal() not in str(caught.value)
    assert not (folder / "secrets.json").exists()


def test_a_key_in_a_keyring_that_is_locked_now_is_a_clear_error(folder, use_keyring):
    use_keyring(Working())
    vault(folder, "auto").put("groq", CANARY)
    use_keyring(Locked())

    with pytest.raises(SetupError, match="the key of groq is in the system's keyring, which cannot be used"):
        vault(folder, "auto").get("groq")


def test_a_removed_key_is_gone_from_wherever_it_was(folder, use_keyring):
    backend = use_keyring(Working())
    vault(folder, "auto").put("groq", CANARY)
    vault(folder, "file").put("xai", CANARY)

    for name in ("groq", "xai", "never there"):
        vault(folder, "auto").remove(name)

    assert backend.kept == {}
    assert json.loads(text(folder)) == {"version": 1, "secrets": {}, "in_keyring": []}


def test_a_key_that_somebody_else_took_out_of_the_keyring_can_still_be_removed(folder, use_keyring):
    backend = use_keyring(Working())
    vault(folder, "auto").put("groq", CANARY)
    backend.kept.clear()

    vault(folder, "auto").remove("groq")

    assert vault(folder, "auto").place("groq") is None


def test_a_key_in_a_locked_keyring_is_not_said_to_be_removed(folder, use_keyring):
    use_keyring(Working())
    vault(folder, "auto").put("groq", CANARY)
    use_keyring(Locked())

    with pytest.raises(SetupError, match="cannot remove the key of groq"):
        vault(folder, "auto").remove("groq")

    assert vault(folder, "auto").place("groq") == "keyring"


def test_moving_a_key_to_the_file_leaves_one_place(folder, use_keyring):
    use_keyring(Working())
    vault(folder, "auto").put("groq", Secret("old"))

    vault(folder, "file").put("groq", CANARY)

    assert vault(folder, "auto").get("groq") == CANARY
    assert vault(folder, "auto").place("groq") == "file"


@pytest.mark.parametrize("garbage", [b"{", b"\xff", b"[]", b'{"secrets": {"a": 1}}'])
def test_a_corrupt_file_is_reported_and_set_aside_by_the_next_write(folder, garbage):
    folder.mkdir()
    (folder / "secrets.json").write_bytes(garbage)
    damaged = vault(folder, "file")

    before = (damaged.get("groq"), damaged.warning())
    kept = damaged.put("groq", CANARY)

    assert before[0] is None
    assert "is corrupt" in before[1]
    assert "was corrupt and is now" in kept.warning
    assert (folder / "secrets.json.corrupt").read_bytes() == garbage
    assert damaged.get("groq") == CANARY
    assert damaged.warning() is None


def test_the_fallback_tells_of_the_keyring_and_of_the_corrupt_file(folder, use_keyring):
    use_keyring(Locked())
    folder.mkdir()
    (folder / "secrets.json").write_bytes(b"{")

    kept = vault(folder, "auto").put("groq", CANARY)

    assert "KeyringLocked" in kept.warning
    assert "was corrupt" in kept.warning


def test_keys_written_at_the_same_time_are_all_kept(folder):
    names = [f"backend-{number}" for number in range(8)]
    threads = [threading.Thread(target=SecretFile(folder).put, args=(name, CANARY)) for name in names]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(SecretFile(folder).read().secrets) == names


def test_a_plugin_that_fails_in_an_unheard_of_way_does_not_keep_anybody_waiting(use_keyring):
    class Strange(Working):
        def get_password(self, service, username):
            raise ZeroDivisionError

    use_keyring(Strange())

    with pytest.raises(KeyringError, match="it failed with ZeroDivisionError"):
        KeyringStore("pointsman test").get("groq")


def test_each_home_has_a_service_of_its_own(tmp_path):
    assert service_name(None) == "pointsman"
    assert service_name(tmp_path) != service_name(tmp_path / "other")
