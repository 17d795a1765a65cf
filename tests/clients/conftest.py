"""One running pointsman for every client: the embedded model, and a scripted upstream of each dialect."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.request import urlopen

import anthropic
import httpx2
import openai
import pytest
from running import pointsman
from scripted_gemini import gemini_says
from scripted_models import chat_says, claude_says
from scripted_responses import responses_says
from watching import Watching

from scripted import Upstream, in_thread

CLAUDE_MODEL, CHAT_MODEL = "claude-sonnet-5-5", "gpt-5.2"
RESPONSES_MODEL, GEMINI_MODEL = "gpt-5.2-codex", "gemini-3.8-flash"
CLAUDE_KEY, CHAT_KEY = "sk-ant-canary", "sk-chat-canary"
RESPONSES_KEY, GEMINI_KEY = "sk-responses-canary", "gemini-canary"

KEYS = {
    "CLAUDE_UPSTREAM_KEY": CLAUDE_KEY,
    "CHAT_UPSTREAM_KEY": CHAT_KEY,
    "RESPONSES_UPSTREAM_KEY": RESPONSES_KEY,
    "GEMINI_UPSTREAM_KEY": GEMINI_KEY,
}

CONFIG = """
[aliases]
gpt-5-alias = "claude:claude-haiku-4-5"
claude-opus-alias = "chat:{chat_model}"

[backends.claude]
provider = "anthropic"
base_url = "{claude}"
key_env = "CLAUDE_UPSTREAM_KEY"
models = ["{claude_model}", "claude-haiku-4-5"]

[backends.chat]
provider = "openai"
base_url = "{chat}/v1"
dialects = ["openai_chat"]
key_env = "CHAT_UPSTREAM_KEY"
models = ["{chat_model}"]

[backends.responses]
provider = "openai"
base_url = "{responses}/v1"
dialects = ["openai_responses"]
key_env = "RESPONSES_UPSTREAM_KEY"
models = ["{responses_model}"]

[backends.gemini]
provider = "google"
base_url = "{gemini}"
dialects = ["gemini"]
key_env = "GEMINI_UPSTREAM_KEY"
models = ["{gemini_model}"]
"""


@pytest.fixture(scope="session")
def upstreams():
    with ExitStack() as stack:
        names = ("claude", "chat", "responses", "gemini")
        yield {name: stack.enter_context(in_thread(Upstream())) for name in names}


class Endpoint:
    """A pointsman, until an account of it is hindered: a limit that a test reached is not the next one's."""

    def __init__(self, upstreams, folders):
        self._config = CONFIG.format(
            **{name: upstream.url for name, upstream in upstreams.items()},
            claude_model=CLAUDE_MODEL,
            chat_model=CHAT_MODEL,
            responses_model=RESPONSES_MODEL,
            gemini_model=GEMINI_MODEL,
        )
        self._folders = folders
        self._running = ExitStack()
        self._address = None

    def address(self):
        if self._address is None:
            folder = self._folders.mktemp("pointsman")
            self._address = self._running.enter_context(pointsman(folder, self._config, **KEYS))
        return self._address

    def stop(self):
        self._running.close()
        self._address = None

    def is_free(self):
        """Whether each account may serve the next request, for any model."""
        with urlopen(f"{self._address}/accounts", timeout=10) as page:
            backends = json.load(page)["backends"]
        accounts = [account for backend in backends for account in backend["accounts"]]
        hindered = any(each["status"] != "free" or each["cooling"] for each in accounts)
        return not hindered and not any(backend["failures"] for backend in backends)


@pytest.fixture(scope="session")
def endpoint(upstreams, tmp_path_factory):
    """The one that tests share."""
    running = Endpoint(upstreams, tmp_path_factory)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def address(endpoint):
    """Where pointsman answers, without a path."""
    yield endpoint.address()
    if not endpoint.is_free():
        endpoint.stop()


@dataclass(frozen=True)
class Side:
    """A scripted upstream behind pointsman."""

    name: str
    upstream: Upstream
    model: str
    says: object
    """Makes a reply of what the model says."""

    def will(self, *said):
        """What the model says, answer by answer."""
        self.upstream.then(*(self.says(each) for each in said))

    @property
    def requests(self):
        """The bodies of the requests that reached it."""
        return [seen.json() for seen in self.upstream.requests]

    @property
    def request(self):
        """The body of the only one."""
        [body] = self.requests
        return body


def _emptied(upstream):
    upstream.requests.clear()
    upstream.script.clear()
    upstream.always = None
    return upstream


@pytest.fixture
def claude(upstreams):
    return Side("claude", _emptied(upstreams["claude"]), CLAUDE_MODEL, claude_says)


@pytest.fixture
def chat(upstreams):
    return Side("chat", _emptied(upstreams["chat"]), CHAT_MODEL, chat_says)


@pytest.fixture
def responses(upstreams):
    return Side("responses", _emptied(upstreams["responses"]), RESPONSES_MODEL, responses_says)


@pytest.fixture
def gemini(upstreams):
    return Side("gemini", _emptied(upstreams["gemini"]), GEMINI_MODEL, gemini_says)


@pytest.fixture(params=["claude", "chat", "responses", "gemini"])
def maker(request, claude, chat, responses, gemini):
    """Any of the upstreams: the same test over a relay and over each translation."""
    return {"claude": claude, "chat": chat, "responses": responses, "gemini": gemini}[request.param]


@pytest.fixture(params=["claude", "chat"])
def side(request, claude, chat):
    """Either upstream: the same test over a relay and over a translation."""
    return {"claude": claude, "chat": chat}[request.param]


@pytest.fixture
def watching():
    """What pointsman answered to the SDK of this test."""
    return Watching()


@pytest.fixture
def to_messages(address, watching):
    """The anthropic SDK, pointed at pointsman."""
    with anthropic.Anthropic(
        base_url=address,
        api_key="pointsman",
        max_retries=0,
        http_client=httpx2.Client(transport=watching),
    ) as client:
        yield client


@pytest.fixture
def to_chat(address, watching):
    """The openai SDK, pointed at pointsman."""
    with openai.OpenAI(
        base_url=f"{address}/v1",
        api_key="pointsman",
        max_retries=0,
        http_client=httpx2.Client(transport=watching),
    ) as client:
        yield client


@pytest.fixture
def note(tmp_path):
    """A file in the client's folder whose content nobody can guess."""
    file = tmp_path / "work" / "note.txt"
    file.parent.mkdir()
    file.write_text("token-0badcafe\n")
    return file
