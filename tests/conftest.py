"""What every test stands on: a POINTSMAN_HOME of its own and no settings from the machine."""

import os

import pytest

from scripted import Upstream, in_thread, on_loops_of

_SETTINGS = ("POINTSMAN_", "ANTHROPIC_", "OPENAI_", "AWS_", "GOOGLE_", "CLOUDSDK_", "GCE_")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """POINTSMAN_HOME in the test's own folder; keys, settings and proxies of the machine are hidden."""
    for name in tuple(os.environ):
        if name.startswith(_SETTINGS) or name.endswith("_API_KEY") or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("POINTSMAN_HOME", str(folder))
    return folder


@pytest.fixture
def threaded_upstream():
    """A scripted upstream in a thread of its own, for clients that block; its script is added with `then`."""
    with in_thread(Upstream()) as upstream:
        yield upstream


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def either_loop(request):
    """Runs every test of a module on both event loops that pointsman runs on."""
    uvloop = None if request.param == "asyncio" else pytest.importorskip("uvloop")
    with on_loops_of(uvloop and uvloop.new_event_loop):
        yield
