"""A real OAuth and OpenID provider on loopback (Authlib's server side), with people who sign in alone.

    with provider() as issuer:
        issuer.person = Person("anna", "anna@example.org")
        redirect = issuer.visit(address)        # what a browser does: the address it is sent back to
        assert issuer.asked("/token") == 1

Its first client id registers: the redirect brings another, which alone the token endpoint takes. A refresh
token serves once. What is wrong with it is a field: `nonce`, `audience`, `claimed`, `granted`, …
"""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge, create_s256_code_challenge
from authlib.oidc.core import AuthorizationCodeMixin
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import RSAKey

FIRST = "first_client"
SCOPES = "openid profile email offline_access plan.use"
ELSEWHERE = "https://provider.example"
"""Authlib's server refuses plain http://; it is told this, and listens on loopback."""
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


@dataclass(frozen=True)
class Person:
    """Who signs in."""

    subject: str = "anna"
    email: str = "anna@example.org"


class Client(ClientMixin):
    """A public client on loopback."""

    def __init__(self, provider, client_id):
        self.provider, self.client_id = provider, client_id

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return self.provider.granted if self.provider.granted is not None else scope

    def check_redirect_uri(self, redirect_uri):
        return urlsplit(redirect_uri).hostname == "127.0.0.1"

    def check_client_secret(self, client_secret):
        return False

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "none"

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in {"authorization_code", "refresh_token"}


@dataclass
class Code(AuthorizationCodeMixin):
    """A code, bound to the client that was issued with it."""

    code: str
    client_id: str
    fields: dict[str, str]
    person: Person
    until: float

    def get_redirect_uri(self):
        return self.fields["redirect_uri"]

    def get_scope(self):
        return self.fields["scope"]

    def get_nonce(self):
        return self.fields.get("nonce")

    def get_auth_time(self):
        return None

    def get_acr(self):
        return None

    def get_amr(self):
        return None

    @property
    def code_challenge(self):
        return self.fields.get("code_challenge")

    @property
    def code_challenge_method(self):
        return self.fields.get("code_challenge_method")


@dataclass
class Token:
    """What was issued for a refresh token."""

    client_id: str
    scope: str
    person: Person

    def check_client(self, client):
        return client.get_client_id() == self.client_id

    def get_scope(self):
        return self.scope

    def is_expired(self):
        return False

    def is_revoked(self):
        return False

    def get_expires_in(self):
        return 3600


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def save_authorization_code(self, code, request):
        provider, fields = self.server.provider, dict(request.payload.data)
        issued = fields["client_id"]
        if issued == FIRST:
            issued = f"issued-{len(provider.clients) + 1}"
            provider.clients.add(issued)
        until = provider.clock() + provider.code_life
        provider.codes[code] = Code(code, issued, fields, request.user, until)

    def query_authorization_code(self, code, client):
        known = self.server.provider.codes.get(code)
        held = known is not None and known.until > self.server.provider.clock()
        return known if held and known.client_id == client.get_client_id() else None

    def delete_authorization_code(self, authorization_code):
        del self.server.provider.codes[authorization_code.code]

    def authenticate_user(self, authorization_code):
        return authorization_code.person


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        # Taken out at once: of two that come at the same time, one is refused.
        self.request.spent = refresh_token
        return self.server.provider.refresh_tokens.pop(refresh_token, None)

    def authenticate_user(self, refresh_token):
        return refresh_token.person

    def revoke_old_credential(self, refresh_token):
        """Has been."""


class Identity(OpenIDCode):
    def __init__(self, provider):
        super().__init__(require_nonce=True)
        self.provider = provider

    def exists_nonce(self, nonce, request):
        return False

    def resolve_client_private_key(self, client):
        return self.provider.key

    def get_client_algorithm(self, client):
        return "RS256"

    def get_encode_header(self, client):
        return {"alg": "RS256", "kid": "one"}

    def get_client_claims(self, client):
        now = int(self.provider.clock() + self.provider.clock_ahead)
        aud = [self.provider.audience or client.get_client_id()]
        return {"iss": self.provider.claimed or self.provider.url, "aud": aud, "iat": now, "exp": now + 300}

    def get_authorization_code_claims(self, authorization_code):
        return {"nonce": self.provider.nonce or authorization_code.get_nonce()}

    def generate_user_info(self, user, scope):
        return {"sub": user.subject, "email": user.email}


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = ("none",)

    def query_token(self, token_string, token_type_hint):
        self.found = token_string
        return self.server.provider.refresh_tokens.get(token_string)

    def revoke_token(self, token, request):
        del self.server.provider.refresh_tokens[self.found]


class Request(OAuth2Request):
    """A request of the handler below, as Authlib reads it."""

    def __init__(self, method, path, fields):
        super().__init__(method, ELSEWHERE + path, headers={})
        self.payload = BasicOAuth2Payload(fields)
        self.fields = fields

    @property
    def args(self):
        return self.fields if self.method == "GET" else {}

    @property
    def form(self):
        return self.fields if self.method == "POST" else {}


class Server(AuthorizationServer):
    def __init__(self, provider):
        super().__init__()
        self.provider = provider
        life = BearerTokenGenerator(
            lambda **_: f"access-{secrets.token_hex(8)}",
            lambda **_: f"refresh-{secrets.token_hex(8)}",
            lambda *_: provider.life,
        )
        self.register_token_generator("default", life)
        self.register_grant(CodeGrant, [CodeChallenge(required=True), Identity(provider)])
        self.register_grant(RefreshGrant)
        self.register_endpoint(Revocation)

    def query_client(self, client_id):
        known = client_id == FIRST or client_id in self.provider.clients
        return Client(self.provider, client_id) if known else None

    def save_token(self, token, request):
        issued = Token(request.client.get_client_id(), token["scope"], request.user)
        if "refresh_token" in token:
            self.provider.refresh_tokens[token["refresh_token"]] = issued
        self.provider.access_tokens.append(token["access_token"])

    def create_oauth2_request(self, request):
        return request

    def create_json_request(self, request):
        return request

    def handle_response(self, status, body, headers):
        return status, body, dict(headers)

    def send_signal(self, name, *args, **kwargs):
        """Nobody listens."""


@dataclass
class Provider:
    """What it knows, and what is wrong with it."""

    url: str = ""
    person: Person = field(default_factory=Person)
    clock: object = time.time
    life: int = 3600
    code_life: float = 60.0
    key: object = field(default_factory=lambda: KEY)
    nonce: str | None = None
    audience: str | None = None
    claimed: str | None = None
    granted: str | None = None
    clock_ahead: float = 0.0
    declines: bool = False
    codes: dict = field(default_factory=dict)
    clients: set = field(default_factory=set)
    refresh_tokens: dict = field(default_factory=dict)
    access_tokens: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    keys_issued: list = field(default_factory=list)
    configuration: dict = field(default_factory=dict)
    """Members of the discovery document that are other than true."""
    answers: dict = field(default_factory=dict)
    """What a path answers instead: a status and a body."""
    unavailable: set = field(default_factory=set)
    """Paths that answer 503."""
    vanishes: set = field(default_factory=set)
    """Paths that do what is asked, and break the connection instead of answering."""
    hold: object = None
    """Called before a token request is answered."""

    def asked(self, path):
        """How often a path was asked."""
        return sum(each == path for each, _ in self.requests)

    def sent(self, path):
        """What the last request to a path held."""
        return next(fields for each, fields in reversed(self.requests) if each == path)

    def visit(self, address):
        """Signs in, as a person's browser does; the address to which it is sent back."""
        status, _, headers = http("GET", address)
        assert status == 302, f"the provider refuses the address (status {status}): {address}"
        return headers["location"]

    def browse(self, address):
        """The same, and goes there: the page's status."""
        return http("GET", self.visit(address))[0]


def http(method, url, body=None):
    """One request, without following anybody."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=10)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request(method, target, body)
    answer = connection.getresponse()
    result = answer.status, answer.read(), {key.lower(): value for key, value in answer.getheaders()}
    connection.close()
    return result


class Page(BaseHTTPRequestHandler):
    """The provider's addresses."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = urlsplit(self.path)
        self.answer("GET", parts.path, dict(parse_qsl(parts.query)))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"] or 0)).decode()
        as_json = self.headers["content-type"] == "application/json"
        self.answer("POST", self.path, json.loads(body) if as_json else dict(parse_qsl(body)))

    def answer(self, method, path, fields):
        provider = self.server.provider
        provider.requests.append((path, fields))
        if path in provider.unavailable:
            self.say(503, {"error": "temporarily_unavailable"})
            return
        if path in provider.answers:
            self.say(*provider.answers[path])
            return
        if path == "/token" and provider.hold is not None:
            provider.hold()
        with self.server.turn:
            status, body, headers = PAGES[path](self.server, Request(method, path, fields))
        if path in provider.vanishes:
            self.close_connection = True
            return
        self.say(status, body, headers)

    def say(self, status, body, headers=None):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):
        """Nothing."""


def configuration(server, request):
    url = server.provider.url
    told = {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "jwks_uri": f"{url}/keys",
        "revocation_endpoint": f"{url}/revoke",
    }
    return 200, {**told, **server.provider.configuration}, {}


def keys(server, request):
    return 200, {"keys": [KEY.as_dict(private=False)]}, {}


def authorize(server, request):
    """Registers a first client: the redirect holds the id that is to be used from then on."""
    provider = server.provider
    redirect = request.payload.redirect_uri
    if provider.declines:
        declined = [("error", "access_denied"), ("state", request.payload.state)]
        return 302, "", {"location": add_params_to_uri(redirect, declined)}
    status, body, headers = server.oauth.create_authorization_response(
        request, provider.person, server.oauth.get_authorization_grant(request)
    )
    location = headers.get("Location")
    if status != 302 or location is None or "code=" not in location:
        return status, body, headers
    code = dict(parse_qsl(urlsplit(location).query))["code"]
    if request.payload.client_id == FIRST:
        location = add_params_to_uri(location, [("client_id", provider.codes[code].client_id)])
    return 302, "", {"location": location}


def token(server, request):
    return server.oauth.create_token_response(request)


def revoke(server, request):
    return server.oauth.create_endpoint_response("revocation", request)


def auth(server, request):
    """PKCE without a client, as OpenRouter has it: the code comes back, and no state."""
    code = secrets.token_hex(8)
    fields, provider = request.fields, server.provider
    provider.codes[code] = Code(code, "", fields, provider.person, provider.clock() + provider.code_life)
    if "callback_url" not in fields:
        return 200, code, {}
    return 302, "", {"location": add_params_to_uri(fields["callback_url"], [("code", code)])}


def exchange(server, request):
    """A code becomes a key, once, for whoever knows the verifier."""
    provider, fields = server.provider, request.fields
    known = provider.codes.pop(fields["code"], None)
    shown = known is not None and known.until > provider.clock()
    if not shown or create_s256_code_challenge(fields["code_verifier"]) != known.code_challenge:
        return 403, {"error": {"code": 403, "message": f"Invalid code {fields['code']}"}}, {}
    provider.keys_issued.append(f"sk-or-v1-{secrets.token_hex(8)}")
    return 200, {"key": provider.keys_issued[-1], "user_id": provider.person.subject}, {}


PAGES = {
    "/.well-known/openid-configuration": configuration,
    "/keys": keys,
    "/authorize": authorize,
    "/token": token,
    "/revoke": revoke,
    "/auth": auth,
    "/auth/keys": exchange,
}


@contextmanager
def provider(**fields) -> Iterator[Provider]:
    """Runs one on a free loopback port, in threads of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = True
    server.turn = threading.Lock()
    server.provider = replace(Provider(**fields), url=f"http://127.0.0.1:{server.server_address[1]}")
    server.oauth = Server(server.provider)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
