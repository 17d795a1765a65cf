"""A person's tokens as requests use them: renewed ahead of time, by one at a time, and never for ever."""

import asyncio
import json
import stat
import threading

import pytest
from msgspec import structs
from oauth_rows import NAME, backend, row, signed_in

from oauth_provider import provider
from pointsman.accounts.oauth.record import FOLDER, CorruptRecordError, SignInFile, machine_id
from pointsman.accounts.oauth.renewal import EARLY
from pointsman.accounts.oauth.session import LOOK, PAUSE, OAuthSignIn, renewal_of
from pointsman.accounts.oauth.sign_out import forget, revoked
from pointsman.accounts.oauth.web import over_network
from pointsman.canon.errors import NoCredentialError, SetupError, UnreachableError

NOW = 1_800_000_000.0


class Clock:
    """The time, which passes when it is told to."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def issuer():
    with provider() as running:
        yield running


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def tokens(sign_in, issuer, times=1):
    async def ask():
        return await asyncio.gather(*(sign_in(backend(issuer.url)) for _ in range(times)))

    return [grant.headers[0][1].removeprefix("Bearer ") for grant in asyncio.run(ask())]


def message(sign_in, issuer, kind=NoCredentialError):
    with pytest.raises(kind) as caught:
        tokens(sign_in, issuer)
    return caught.value.message


def session(data, clock):
    return OAuthSignIn(data, clock=clock)


def test_a_token_that_holds_is_used_and_the_provider_left_alone(data, issuer, clock):
    kept = signed_in(issuer, data, lasts=EARLY + 1, now=NOW)
    sign_in = session(data, clock)

    (grant,) = asyncio.run(asyncio.wait_for(_grants(sign_in, issuer), 10))

    assert grant.headers == (("authorization", f"Bearer {kept.access_token}"),)
    assert [secret.reveal() for secret in grant.secrets] == [kept.access_token]
    assert kept.access_token not in repr(grant)
    assert issuer.requests == []


async def _grants(sign_in, issuer):
    return [await sign_in(backend(issuer.url))]


def test_a_token_is_renewed_minutes_before_its_end_and_the_old_refresh_token_is_spent(data, issuer, clock):
    before = signed_in(issuer, data, lasts=EARLY - 1, now=NOW)

    (token,) = tokens(session(data, clock), issuer)

    kept = SignInFile(data, NAME).read()
    assert token == kept.access_token == issuer.access_tokens[-1]
    assert kept.refresh_token != before.refresh_token
    assert kept.expires == NOW + issuer.life
    assert kept.who == before.who
    assert issuer.sent("/token")["resource"] == "https://api.provider.example/v1"
    assert issuer.sent("/token")["client_id"] == "issued-1"


def test_fifty_requests_at_once_renew_once(data, issuer, clock):
    signed_in(issuer, data, lasts=-1, now=NOW)

    found = tokens(session(data, clock), issuer, times=50)

    assert set(found) == {issuer.access_tokens[-1]}
    assert issuer.asked("/token") == 1


def test_who_need_not_wait_for_a_renewal_does_not(data, issuer, clock):
    kept = signed_in(issuer, data, lasts=EARLY + LOOK, now=NOW)
    sign_in = session(data, clock)
    tokens(sign_in, issuer)
    asked, go_on = threading.Event(), threading.Event()
    issuer.hold = lambda: (asked.set(), go_on.wait(10))
    clock.now += 2 * LOOK

    async def two():
        async with asyncio.TaskGroup() as group:
            first = group.create_task(sign_in(backend(issuer.url)))
            await asyncio.to_thread(asked.wait, 10)
            second = await sign_in(backend(issuer.url))
            go_on.set()
        return second, first.result()

    second, first = asyncio.run(two())

    assert second.headers[0][1] == f"Bearer {kept.access_token}"
    assert first.headers[0][1] == f"Bearer {issuer.access_tokens[-1]}"


def test_a_slow_provider_holds_no_request_up_whose_token_still_holds(data, issuer, clock):
    kept = signed_in(issuer, data, lasts=EARLY + LOOK, now=NOW)
    sign_in = session(data, clock)
    tokens(sign_in, issuer)
    go_on = threading.Event()
    issuer.hold = lambda: go_on.wait(10)
    clock.now += 2 * LOOK

    async def asked():
        before = await sign_in(backend(issuer.url))
        again = await sign_in(backend(issuer.url))
        go_on.set()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        after = await sign_in(backend(issuer.url))
        return [grant.secrets[0].reveal() for grant in (before, again, after)]

    before, again, after = asyncio.run(asked())

    assert before == again == kept.access_token
    assert after == issuer.access_tokens[-1]
    assert len(issuer.access_tokens) == 1


def test_a_short_token_is_not_renewed_at_every_look(data, issuer, clock):
    kept = signed_in(issuer, data, lasts=120, now=NOW)
    with SignInFile(data, NAME).held():
        SignInFile(data, NAME).write(structs.replace(kept, life=120.0))
    sign_in = session(data, clock)
    used = []
    for _ in range(9):
        used += tokens(sign_in, issuer)
        clock.now += 10

    assert set(used) == {kept.access_token}

    clock.now += 10

    assert tokens(sign_in, issuer) == issuer.access_tokens[-1:]


def test_what_another_process_was_given_is_taken_and_nobody_asked(data, issuer, clock):
    signed_in(issuer, data, lasts=1000, now=NOW)
    sign_in = session(data, clock)
    tokens(sign_in, issuer)
    newer = signed_in(issuer, data, lasts=2000, now=NOW)
    clock.now += LOOK

    assert tokens(sign_in, issuer) == [newer.access_token]
    assert issuer.requests == []


def test_a_token_that_was_refused_before_its_time_is_renewed_once(data, issuer, clock):
    signed_in(issuer, data, lasts=3000, now=NOW)
    sign_in = session(data, clock)

    async def refused():
        first = await sign_in(backend(issuer.url))
        together = await asyncio.gather(*(first.renew() for _ in range(5)))
        second = await sign_in(backend(issuer.url))
        soon = await second.renew()
        clock.now += PAUSE
        later = await second.renew()
        third = await sign_in(backend(issuer.url))
        return together, soon, later, [each.secrets[0].reveal() for each in (first, second, third)]

    together, soon, later, used = asyncio.run(refused())

    assert together == [True] * 5
    assert (soon, later) == (False, True)
    assert len(set(used)) == 3
    assert used[1:] == issuer.access_tokens[-2:]


def test_a_sign_out_elsewhere_is_noticed_within_seconds(data, issuer, clock):
    signed_in(issuer, data, lasts=1000, now=NOW)
    sign_in = session(data, clock)
    tokens(sign_in, issuer)
    forget(SignInFile(data, NAME))
    clock.now += LOOK

    assert message(sign_in, issuer) == "nobody is signed in: run `pointsman login acme`"


def test_a_renewal_that_fails_is_not_tried_at_every_request_while_the_token_holds(data, issuer, clock):
    kept = signed_in(issuer, data, lasts=EARLY - 1, now=NOW)
    issuer.unavailable = {"/token"}
    sign_in = session(data, clock)

    first = tokens(sign_in, issuer)
    clock.now += LOOK
    second = tokens(sign_in, issuer)

    assert first == second == [kept.access_token]
    assert issuer.asked("/token") == 1
    issuer.unavailable = set()
    clock.now += PAUSE
    assert tokens(sign_in, issuer) == [issuer.access_tokens[-1]]


def test_a_token_that_has_ended_and_cannot_be_renewed_just_now_says_so(data, issuer, clock):
    kept = signed_in(issuer, data, lasts=-1, now=NOW)
    issuer.unavailable = {"/token"}

    words = message(session(data, clock), issuer, UnreachableError)

    assert "status 503, temporarily_unavailable" in words
    assert kept.refresh_token not in words
    assert SignInFile(data, NAME).read() == kept


def test_a_provider_whose_discovery_fails_is_no_reason_to_sign_in_again(data, issuer, clock):
    kept = signed_in(issuer, data, lasts=-1, now=NOW)
    issuer.unavailable = {"/.well-known/openid-configuration"}
    sign_in = session(data, clock)

    words = message(sign_in, issuer, UnreachableError)
    issuer.unavailable = set()
    clock.now += LOOK

    assert "status 503; try again later" in words
    assert SignInFile(data, NAME).read() == kept
    assert tokens(sign_in, issuer) == [issuer.access_tokens[-1]]


def test_of_many_who_wait_for_a_provider_that_fails_one_asks(data, issuer, clock):
    signed_in(issuer, data, lasts=-1, now=NOW)
    issuer.unavailable = {"/token"}
    sign_in = session(data, clock)

    async def ask():
        asked = (sign_in(backend(issuer.url)) for _ in range(20))
        return await asyncio.gather(*asked, return_exceptions=True)

    found = asyncio.run(ask())

    assert {type(each) for each in found} == {UnreachableError}
    assert issuer.asked("/token") == 1


def test_a_full_disk_is_said_to_whoever_asks(data, issuer, clock, monkeypatch):
    signed_in(issuer, data, lasts=-1, now=NOW)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)

    assert "could not be renewed: cannot write" in message(session(data, clock), issuer)


def test_a_revoked_refresh_token_is_one_clear_word_and_no_loop(data, issuer, clock):
    kept = signed_in(issuer, data, lasts=-1, now=NOW)
    issuer.refresh_tokens.clear()
    sign_in = session(data, clock)

    words = [message(sign_in, issuer) for _ in range(5)]

    assert set(words) == {
        "the sign-in has ended (the provider no longer takes it: invalid_grant); sign in again: "
        "`pointsman login acme`"
    }
    assert issuer.asked("/token") == 1
    ended = SignInFile(data, NAME).read()
    assert (ended.access_token, ended.refresh_token) == ("", None)
    assert (ended.client, ended.who) == (kept.client, kept.who)


def test_a_provider_that_names_the_end_by_a_code_of_its_own_is_understood(data, issuer, clock):
    signed_in(issuer, data, lasts=-1, now=NOW)
    refused = {"error": {"code": "refresh_token_reused", "message": "Reused"}}
    issuer.answers = {"/token": (401, refused)}

    assert "refresh_token_reused); sign in again" in message(session(data, clock), issuer)


def test_killed_between_the_answer_and_the_write_it_ends_in_one_clear_word(data, issuer, clock):
    signed_in(issuer, data, lasts=-1, now=NOW)
    issuer.vanishes = {"/token"}
    sign_in = session(data, clock)

    # The provider has given out new tokens that never arrived: the old refresh token is spent.
    lost = message(sign_in, issuer, UnreachableError)
    issuer.vanishes = set()
    clock.now += LOOK
    words = [message(sign_in, issuer) for _ in range(3)]

    assert "did not answer" in lost
    assert len(set(words)) == 1
    assert "sign in again: `pointsman login acme`" in words[0]
    assert issuer.asked("/token") == 2


def test_without_a_refresh_token_the_sign_in_ends_with_its_token(data, issuer, clock):
    kept = signed_in(issuer, data, lasts=-1, now=NOW)
    file = SignInFile(data, NAME)
    raw = json.loads(file.path.read_text())
    file.path.write_text(json.dumps({**raw, "refresh_token": None}))

    assert "it cannot be renewed" in message(session(data, clock), issuer)
    assert kept.refresh_token in issuer.refresh_tokens


def test_a_permission_that_was_withdrawn_ends_the_sign_in(data, issuer, clock):
    signed_in(issuer, data, lasts=-1, now=NOW)
    issuer.granted = "openid offline_access"

    words = message(session(data, clock), issuer)

    assert "the permission `plan.use` was withdrawn); sign in again" in words
    assert SignInFile(data, NAME).read().access_token == ""


def test_no_token_is_logged_nor_in_any_word(data, issuer, clock, caplog):
    caplog.set_level("DEBUG")
    kept = signed_in(issuer, data, lasts=-1, now=NOW)
    sign_in = session(data, clock)
    tokens(sign_in, issuer)
    clock.now += issuer.life
    issuer.refresh_tokens.clear()

    words = message(sign_in, issuer)

    # The provider of the tests has a log of its own, in this process.
    ours = [record for record in caplog.records if not record.name.startswith("authlib.oauth2")]
    logged = words + "".join(record.getMessage() for record in ours)
    assert ours
    assert not [
        each for each in (kept.access_token, kept.refresh_token, *issuer.access_tokens) if each in logged
    ]


def test_a_corrupt_file_is_set_aside_and_reported_once(data, issuer, clock):
    signed_in(issuer, data, now=NOW)
    file = SignInFile(data, NAME)
    file.path.write_bytes(b'{"issuer": "https://acme')
    sign_in = session(data, clock)

    first, second = message(sign_in, issuer), message(sign_in, issuer)

    aside = data / FOLDER / "acme.json.corrupt"
    assert f"was corrupt and is now {aside}; sign in again: `pointsman login acme`" in first
    assert second == "nobody is signed in: run `pointsman login acme`"
    assert aside.read_bytes() == b'{"issuer": "https://acme'


def test_a_corrupt_file_is_found_within_a_renewal_too(data, issuer):
    kept = signed_in(issuer, data, lasts=-1)
    SignInFile(data, NAME).path.write_bytes(b"\xff\xfe")

    with pytest.raises(NoCredentialError, match="was corrupt"):
        renewal_of(row(issuer.url), data).renewed(kept)


def test_a_full_disk_is_found_out_before_the_refresh_token_is_spent(data, issuer, monkeypatch):
    kept = signed_in(issuer, data, lasts=-1)
    file = SignInFile(data, NAME)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(SetupError, match="No space left"):
        renewal_of(row(issuer.url), data).renewed(kept)

    assert issuer.asked("/token") == 0
    assert file.read() == kept


def test_the_file_is_its_owners_alone_and_shows_no_token(data, issuer):
    kept = signed_in(issuer, data)
    path = SignInFile(data, NAME).path

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert repr(SignInFile(data, NAME).read()) == "SignedIn(anna@example.org)"
    assert kept.access_token in path.read_text()


def test_what_an_interrupted_write_left_is_removed_by_the_next(data, issuer):
    kept = signed_in(issuer, data)
    file = SignInFile(data, NAME)
    left = file.path.parent / ".acme.json.x1y2.new"
    left.write_text("half a tok")

    with file.held():
        file.write(kept)

    assert not left.exists()
    assert file.read() == kept


def test_an_installation_keeps_its_id(data):
    assert machine_id(data, "urn:uuid:one") == "urn:uuid:one"
    assert machine_id(data, "urn:uuid:two") == "urn:uuid:one"


def test_signing_out_ends_the_sign_in_at_the_provider_and_forgets_it_here(data, issuer):
    kept = signed_in(issuer, data)

    assert forget(SignInFile(data, NAME)) == kept
    assert revoked(kept, over_network)

    assert SignInFile(data, NAME).read() is None
    assert issuer.refresh_tokens == {}
    assert issuer.sent("/revoke")["token_type_hint"] == "refresh_token"


def test_a_provider_without_a_place_for_it_is_not_asked_to_revoke(data, issuer):
    kept = signed_in(issuer, data)
    issuer.configuration = {"revocation_endpoint": None}

    assert not revoked(kept, over_network)


def test_forgetting_a_corrupt_file_sets_it_aside(data, issuer):
    signed_in(issuer, data)
    SignInFile(data, NAME).path.write_bytes(b"{")

    with pytest.raises(CorruptRecordError):
        forget(SignInFile(data, NAME))


def test_a_row_without_a_plan_has_no_tokens_to_renew(data, issuer):
    other = row(issuer.url)
    with pytest.raises(NoCredentialError, match="no sign-in whose tokens are renewed"):
        renewal_of(type(other)("acme", "Acme", "page", {}), data)
