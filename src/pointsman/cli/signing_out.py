"""What `pointsman logout` does: a sign-in or an issued key is forgotten, and the provider told of it."""

from pointsman.accounts.oauth.record import CorruptRecordError
from pointsman.accounts.oauth.sign_out import forget, revoked
from pointsman.accounts.oauth.web import over_network
from pointsman.canon.errors import PointsmanError, SetupError
from pointsman.canon.json import Json
from pointsman.catalog.login import KeyLogin, PlanLogin
from pointsman.catalog.provider import Provider
from pointsman.cli.backend_file import BackendFile
from pointsman.cli.sign_ins import backends_of, file_of
from pointsman.cli.telling import tell_running


def of_plan(row: Provider, login: PlanLogin) -> Json:
    """Forgets the tokens first, so that nothing uses them on; then the provider is told."""
    try:
        kept = forget(file_of(row))
    except CorruptRecordError as error:
        words = f"the file of the sign-in was corrupt and is now {error}; nothing else was kept"
        return {"provider": row.name, "who": None, "revoked": False, "words": words, "trouble": None}
    if kept is None:
        raise SetupError(f"nobody is signed in at {row.title}")
    tell_running()
    told = {"provider": row.name, "who": kept.who, "revoked": False, "trouble": None}
    try:
        told["revoked"] = revoked(kept, over_network)
    except PointsmanError as error:
        told["trouble"] = (
            f"{kept.who} is forgotten here, but the provider could not be told: {error.message}. "
            f"End it there: {login.manage}"
        )
    ended = "the provider has ended it" if told["revoked"] else f"end it at the provider: {login.manage}"
    return {**told, "words": f"{kept.who} is signed out of {row.title}; {ended}"}


def of_key(name: str, row: Provider, login: KeyLogin) -> Json:
    """Forgets the key; only the person can end it, with the provider."""
    file = BackendFile()
    names = [name] if name in file else backends_of(row) or [row.name]
    stored = [each for each in names if file.has_key(each)]
    if not stored:
        raise SetupError(f"no key of {row.title} is stored for {', '.join(names)}")
    for each in stored:
        file.forget_key(each)
    tell_running()
    words = f"the key of {', '.join(stored)} is forgotten here; delete it at the provider too: {login.manage}"
    return {"provider": row.name, "who": None, "revoked": False, "words": words, "trouble": None}
