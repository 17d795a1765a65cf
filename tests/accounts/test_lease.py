"""A lease carries the right key in the right header, or says what is missing."""

import asyncio

import pytest

from pointsman.accounts.auth import SCHEMES
from pointsman.accounts.credentials import Credentials
from pointsman.accounts.holder import Holder
from pointsman.accounts.pool import Pool
from pointsman.accounts.secret import Secret
from pointsman.accounts.vault import Kept
from pointsman.canon.errors import NoCredentialError, SetupError
from pointsman.catalog.provider import Provider, Speaks
from pointsman.routing.snapshot import Account, Backend

CANARY = "sk-canary-7f3a"


class Drawer:
    """A store in memory that counts how often it is asked."""

    def __init__(self, **secrets):
        self.secrets = secrets
        self.asked = 0

    def get(self, name):
        self.asked += 1
        return Secret(self.secrets[name]) if name in self.secrets else None

    def put(self, name, secret):
        self.secrets[name] = secret.reveal()
        return Kept("file")

    def remove(self, name):
        self.secrets.pop(name, None)

    def place(self, name):
        return "file" if name in self.secrets else None


class Jammed(Drawer):
    """A store whose key cannot be had."""

    def get(self, name):
        raise SetupError(f"the key of {name} is in the system's keyring, which cannot be used")


def row(**facts):
    return Provider(
        "acme", "Acme", "page", {"talk": Speaks("/v1")}, **{"key_env": ("ACME_API_KEY",), **facts}
    )


def acme(provider=None, base="https://api.acme.example/v1", **settings):
    return Backend(
        **{"name": "acme", "provider": provider or row(), "bases": {"talk": base}, "why": "", **settings}
    )


def lease(backend, environment=None, store=None):
    return taken_from(pool_of(Credentials(environment or {}, store or Drawer())), backend)


def pool_of(credentials):
    return Pool(Holder(credentials, {}), clock=lambda: 0.0, random=lambda: 0.5)


def taken_from(pool, backend):
    async def take():
        async with pool.lease(backend, "talk") as taken:
            return taken

    return asyncio.run(take())


@pytest.mark.parametrize(
    ("scheme", "headers"),
    [
        ("bearer", (("authorization", f"Bearer {CANARY}"),)),
        ("x-api-key", (("x-api-key", CANARY),)),
        ("api-key", (("api-key", CANARY),)),
        ("x-goog-api-key", (("x-goog-api-key", CANARY),)),
        ("none", ()),
    ],
)
def test_each_scheme_carries_the_key_in_its_own_field(scheme, headers):
    assert SCHEMES[scheme](Secret(CANARY)) == headers


def test_the_dialects_own_scheme_goes_before_the_providers():
    provider = row(auth="bearer")
    provider.dialects["talk"] = Speaks("/v1", auth="x-api-key")

    taken = lease(acme(provider, key_env="ACME_API_KEY"), {"ACME_API_KEY": CANARY})

    assert taken.headers == (("x-api-key", CANARY),)


def test_the_environment_goes_before_the_store_and_is_read_at_each_call():
    environment = {"ACME_API_KEY": " first \n"}
    pool = pool_of(Credentials(environment, Drawer(acme="stored")))
    backend = acme(key_env="ACME_API_KEY")

    first = taken_from(pool, backend)
    environment["ACME_API_KEY"] = "second"
    second = taken_from(pool, backend)
    del environment["ACME_API_KEY"]
    third = taken_from(pool, backend)

    assert [each.secret.reveal() for each in (first, second, third)] == ["first", "second", "stored"]


def test_a_key_entered_for_the_backend_goes_before_the_providers_usual_variable():
    backend = acme(key_env="ACME_API_KEY", key_named=False)
    environment = {"ACME_API_KEY": "usual"}

    entered = lease(backend, environment, Drawer(acme=CANARY))
    not_entered = lease(backend, environment, Drawer())
    credentials = Credentials(environment, Drawer(acme=CANARY))

    assert entered.headers == (("authorization", f"Bearer {CANARY}"),)
    assert not_entered.headers == (("authorization", "Bearer usual"),)
    assert credentials.source(backend, backend.pool[0]) == "stored"


def test_the_store_is_asked_once_until_told_that_keys_changed():
    store = Drawer(acme=CANARY)
    credentials = Credentials({}, store)
    pool = pool_of(credentials)

    async def take():
        async with pool.lease(acme(), "talk") as taken:
            return taken.headers

    first = [asyncio.run(take()), asyncio.run(take())]
    asked = store.asked
    credentials.forget()
    asyncio.run(take())

    assert first == [(("authorization", f"Bearer {CANARY}"),)] * 2
    assert (asked, store.asked) == (1, 2)


def test_a_missing_key_names_the_backend_the_variable_and_the_command():
    with pytest.raises(NoCredentialError) as caught:
        lease(acme(key_env="ACME_API_KEY"))

    assert caught.value.status == 401
    assert "backend acme has no key: ACME_API_KEY is not set" in caught.value.message
    assert "pointsman backend add acme" in caught.value.message


def test_a_missing_key_without_a_variable_names_the_command():
    with pytest.raises(NoCredentialError, match="backend acme has no key: run `pointsman backend add acme`"):
        lease(acme(row(key_env=())))


@pytest.mark.parametrize("facts", [{"local": True}, {"compatible": True, "key_env": ()}])
def test_a_server_of_ones_own_may_go_without_a_key(facts):
    taken = lease(acme(row(**facts)))

    assert (taken.account, taken.headers, taken.secret) == ("default", (), None)


def test_a_compatible_backend_whose_variable_is_named_needs_it():
    with pytest.raises(NoCredentialError, match="MY_KEY is not set"):
        lease(acme(row(compatible=True, key_env=()), key_env="MY_KEY"))


def test_a_local_server_gets_the_key_that_it_has():
    taken = lease(acme(row(local=True), key_env="ACME_API_KEY"), {"ACME_API_KEY": CANARY})

    assert taken.secret == Secret(CANARY)


def test_a_provider_without_authentication_gets_nothing():
    assert lease(acme(row(auth="none"), key_env="ACME_API_KEY"), {"ACME_API_KEY": CANARY}).headers == ()


def test_a_credential_in_the_users_own_headers_stands_alone():
    taken = lease(acme(headers={"Authorization": "Basic x"}), {"ACME_API_KEY": CANARY})

    assert taken.headers == ()


@pytest.mark.parametrize("own", ["pointsman", "mine"])
def test_what_a_shell_exports_for_clients_of_this_endpoint_is_no_key(own):
    environment = {"ACME_API_KEY": own, "POINTSMAN_API_KEY": "mine"}

    taken = lease(acme(key_env="ACME_API_KEY"), environment, Drawer(acme=CANARY))

    assert taken.secret == Secret(CANARY)


def test_a_variable_of_the_users_choice_may_hold_any_key():
    assert lease(acme(key_env="OTHER"), {"OTHER": "pointsman"}).secret == Secret("pointsman")


@pytest.mark.parametrize("bad", [f"{CANARY}\r\nx: y", f"{CANARY}\x00", f"{CANARY}é"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(bad):
    for environment, store in (({"ACME_API_KEY": bad}, Drawer()), ({}, Drawer(acme=bad))):
        with pytest.raises(NoCredentialError, match="no header can carry") as caught:
            lease(acme(key_env="ACME_API_KEY"), environment, store)

        assert CANARY not in str(caught.value)


def test_each_account_has_a_key_of_its_own():
    accounts = (Account(key_env="ACME_API_KEY"), Account("work"), Account("home", key_env="HOME_KEY"))
    backend = acme(key_env="ACME_API_KEY", accounts=accounts)
    environment = {"ACME_API_KEY": "own", "HOME_KEY": "at home"}
    holder = Holder(Credentials(environment, Drawer(**{"acme/work": "at work"})), {})

    keys = [asyncio.run(holder.lease(backend, each, "talk")).secret.reveal() for each in backend.pool]

    assert keys == ["own", "at work", "at home"]


def test_an_account_without_a_key_is_named_with_its_command():
    holder = Holder(Credentials({}, Drawer()), {})
    backend = acme(row(local=True), accounts=(Account(), Account("work")))

    with pytest.raises(
        NoCredentialError, match=r"account work of backend acme has no key: .* accounts add acme work"
    ):
        asyncio.run(holder.lease(backend, backend.pool[1], "talk"))


def test_a_store_that_cannot_be_used_says_why():
    with pytest.raises(NoCredentialError, match="keyring, which cannot be used"):
        lease(acme(), store=Jammed())


@pytest.mark.parametrize(
    ("base", "allow_http", "sent"),
    [
        ("https://api.acme.example", False, True),
        ("http://127.0.0.1:8000", False, True),
        ("http://[::1]:8000", False, True),
        ("http://localhost:8000", False, True),
        ("http://10.0.0.5:8000", True, True),
        ("http://10.0.0.5:8000", False, False),
        ("http://localhost.evil.example", False, False),
        ("http://127.0.0.1.evil.example", False, False),
    ],
)
def test_a_key_goes_over_plain_http_to_this_machine_only_or_where_allowed(base, allow_http, sent):
    backend = acme(base=base, allow_http=allow_http)

    if sent:
        assert lease(backend, store=Drawer(acme=CANARY)).secret == Secret(CANARY)
    else:
        with pytest.raises(NoCredentialError, match="allow_http = true"):
            lease(backend, store=Drawer(acme=CANARY))
