"""The metrics page: what a Prometheus server reads. Counts of the ledger, and how things stand right now."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pointsman.ledger.exposition import Family, Labels, written
from pointsman.server.service import Service

Samples = Mapping[Labels, float]

INFO = Family("pointsman_build_info", "gauge", "Always 1; the label tells the version.", ("version",))
START = Family(
    "pointsman_start_time_seconds", "gauge", "When the endpoint began, in seconds since the epoch."
)
IN_FLIGHT = Family("pointsman_requests_in_flight", "gauge", "Exchanges under way.")
WAITING = Family("pointsman_requests_waiting", "gauge", "Requests that wait for an account.")
BUFFERED = Family("pointsman_buffered_bytes", "gauge", "Bodies in memory.")
ACCOUNTS = Family("pointsman_accounts", "gauge", "Accounts by how they stand.", ("backend", "status"))
HEADROOM = Family(
    "pointsman_account_headroom_ratio",
    "gauge",
    "What is left of an account's limits.",
    ("backend", "account"),
)
WINDOWS = Family(
    "pointsman_window_headroom_ratio",
    "gauge",
    "What is left of one of an account's windows.",
    ("backend", "account", "window"),
)
RESETS = Family(
    "pointsman_window_reset_timestamp_seconds",
    "gauge",
    "When one of an account's windows begins anew.",
    ("backend", "account", "window"),
)
UNKEPT = Family("pointsman_ledger_dropped_total", "counter", "Exchanges of this run that left no record.")
LOST = Family("pointsman_ledger_lost_total", "counter", "Records of former runs that were lost as they died.")
UNWRITTEN = Family("pointsman_ledger_waiting", "gauge", "Exchanges that have ended and are no records yet.")
UNLOGGED = Family("pointsman_log_lines_lost_total", "counter", "Lines that the log file could not take.")


def metrics(service: Service) -> bytes:
    """The page's text."""
    return "".join((*service.reporting.metrics.written(), *_now(service), *_pool(service))).encode()


def _now(service: Service) -> Iterator[str]:
    ledger, reporting = service.ledger, service.reporting
    single = (
        (START, service.started),
        (IN_FLIGHT, service.tally.in_flight),
        (BUFFERED, service.buffers.held),
        (UNKEPT, ledger.dropped),
        (LOST, ledger.lost),
        (UNWRITTEN, ledger.waiting),
        (UNLOGGED, reporting.lines_lost),
    )
    yield from written(INFO, {(service.version,): 1})
    for family, value in single:
        yield from written(family, {(): value})


def _pool(service: Service) -> Iterator[str]:
    """The pool as its page tells it."""
    page = service.accounts(None)
    statuses: dict[Labels, float] = {}
    headroom: dict[Labels, float] = {}
    windows: dict[Labels, float] = {}
    resets: dict[Labels, float] = {}
    for backend, account in _accounts(page["backends"]):
        name = account["account"]
        standing = (backend, account["status"])
        statuses[standing] = statuses.get(standing, 0) + 1
        headroom[(backend, name)] = account["headroom"]
        for window in account["windows"]:
            labels = (backend, name, window["name"])
            left = max(0.0, 1.0 - window["utilisation"])
            # Several of one name count different models: the fullest is what matters.
            if left <= windows.get(labels, left):
                windows[labels] = left
                if window["resets"] is not None:
                    resets[labels] = window["resets"]
    yield from written(WAITING, {(): page["waiting"]})
    for family, samples in ((ACCOUNTS, statuses), (HEADROOM, headroom), (WINDOWS, windows), (RESETS, resets)):
        yield from written(family, samples)


def _accounts(backends: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for backend in backends:
        for account in backend["accounts"]:
            yield backend["backend"], account
