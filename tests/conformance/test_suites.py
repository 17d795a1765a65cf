"""The public conformance suites over every upstream: what fails is what the reference page explains."""

import pytest
from scripts.conform import NAMED
from scripts.suites import suites

from conformance.conftest import BUILT

EXPLAINED = {
    "chat-error-handling": "HTTP 200 (expected [400, 422])",
    "error-handling": "HTTP 200 (expected [400, 422])",
    "compact-response": "HTTP 400 (expected [200, 404])",
    "streaming-response": "unknown SSE event type: response.reasoning_summary_text.delta",
    "streaming-usage": "unknown SSE event type: response.reasoning_summary_text.delta",
}
"""Case → what the suite says of it."""
SUITES = [
    pytest.param(suite, marks=pytest.mark.clients if "canary" in suite.name else (), id=suite.name)
    for suite in suites(None)
]


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_finds_nothing_that_is_not_explained(client, suite, name):
    cases = suite.run(str(client.base_url).rstrip("/"), NAMED.format(name=name))

    failed = {case.name: case.why for case in cases if not case.passed}
    assert len(cases) > 4
    assert failed == {case: why for case, why in EXPLAINED.items() if case in failed}
