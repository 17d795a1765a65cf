"""What an endpoint would say, where none runs: the configuration alone, without a look at the network."""

import os

from pointsman.app import VERSION, App
from pointsman.canon.json import Json
from pointsman.dialects.registry import SERVED
from pointsman.routing.explain import explain
from pointsman.server.models import Lister


class Offline:
    """Answers like a running endpoint. Raises SetupError for a configuration that does not load."""

    def __init__(self) -> None:
        self._app = App(os.environ)

    def status(self) -> Json:
        """What it would serve."""
        return {**self._app.describe(), "version": VERSION}

    def models(self) -> list[Json]:
        """What the configuration lists; no backend is asked."""
        listed: list[Json] = Lister(self._app.service.parts.router).page("list", "")["data"]
        return listed

    def accounts(self, model: str | None) -> Json:
        """The accounts of the configuration."""
        return self._app.accounts.page(model)

    def explain(self, model: str) -> Json:
        """Where a model's name would lead, and why."""
        facts = explain(self._app.service.parts.router, model, SERVED)
        return {**facts, "lost": {}, "next": self._app.accounts.next_of(model)}
