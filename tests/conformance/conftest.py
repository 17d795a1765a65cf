"""A running pointsman over the obliging upstream, which is asked in every dialect."""

import json
from contextlib import contextmanager

import httpx2
import pytest
from scripts.conform import NAMED, OVER, configuration
from websockets.sync.client import connect

from clients.running import pointsman
from conformance.open_schema import assert_event_fits, assert_fits
from conformance.upstream import Obliging
from pointsman.dialects.registry import DIALECTS
from scripted import Upstream, in_thread

ENDS = {"response.completed", "response.incomplete", "response.failed", "error"}
BUILT = [name for name, (_, _, dialect, _) in OVER.items() if DIALECTS[dialect].paths]
"""The dialects in which an upstream can be asked."""


class Over:
    """pointsman, asked by a client of the Responses API for a model behind an upstream of some dialect."""

    def __init__(self, name, client, upstream):
        self.name = name
        self.model = NAMED.format(name=name)
        self._client = client
        self._upstream = upstream

    def post(self, path="/v1/responses", **body):
        """The answer to a request for the model, unless `model` says otherwise."""
        asked = {name: value for name, value in {"model": self.model, **body}.items() if value is not None}
        return self._client.post(path, json=asked)

    def ask(self, input, **body):
        """A whole response, which fits the schema."""
        answer = self.post(input=input, **body)
        assert answer.status_code == 200, answer.text
        assert_fits("ResponseResource", answer.json())
        return answer.json()

    def stream(self, input, **body):
        """The events of a stream, each of which fits the schema."""
        answer = self.post(input=input, stream=True, **body)
        assert answer.headers["content-type"].startswith("text/event-stream")
        frames = [block.split("\n") for block in answer.text.strip().split("\n\n") if "data:" in block]
        events = [json.loads(line[5:]) for lines in frames for line in lines if line.startswith("data:")]
        for event in events:
            assert_event_fits(event)
        return events

    @contextmanager
    def socket(self):
        """A WebSocket for several turns."""
        address = str(self._client.base_url.copy_with(scheme="ws")).rstrip("/")
        with connect(f"{address}/v1/responses", proxy=None) as socket:
            yield Turns(socket, self.model)

    @property
    def reached(self):
        """The last request that came to the upstream, as text."""
        return self._upstream.requests[-1].body.decode()


class Turns:
    """The turns of one WebSocket."""

    def __init__(self, socket, model):
        self._socket = socket
        self._model = model

    def take(self, input, **body):
        """The events of a turn, each of which fits the schema, to its end."""
        asked = {"type": "response.create", "model": self._model, "input": input, "store": False, **body}
        self._socket.send(json.dumps(asked))
        events = []
        while not events or events[-1]["type"] not in ENDS:
            events.append(json.loads(self._socket.recv(timeout=20)))
            if events[-1]["type"] == "error":
                assert_fits("WebSocketErrorEvent", events[-1])
            else:
                assert_event_fits(events[-1])
        return events


@pytest.fixture(scope="session")
def obliging():
    with in_thread(Upstream(always=Obliging())) as upstream:
        yield upstream


@pytest.fixture(scope="session")
def client(obliging, tmp_path_factory):
    folder = tmp_path_factory.mktemp("conformance")
    with (
        pointsman(folder, configuration(obliging.port), SCRIPTED_KEY="sk-scripted") as address,
        httpx2.Client(trust_env=False, base_url=address, timeout=20) as client,
    ):
        yield client


@pytest.fixture(params=BUILT)
def over(request, client, obliging):
    return Over(request.param, client, obliging)


@pytest.fixture
def relayed(client, obliging):
    """Over an upstream of the Responses API itself."""
    return Over("responses", client, obliging)
