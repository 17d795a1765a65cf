"""Selectors: how one account is chosen among those that could serve. One file each, and the table of them."""

from collections.abc import Mapping

from pointsman.routing.roster import Selector
from pointsman.routing.selectors import fill_first, headroom, least_latency, round_robin, weighted
from pointsman.routing.snapshot import Strategy

SELECTORS: Mapping[Strategy, Selector] = {
    "headroom": headroom.choose,
    "fill-first": fill_first.choose,
    "round-robin": round_robin.choose,
    "weighted": weighted.choose,
    "least-latency": least_latency.choose,
}
"""By the name that the configuration uses; the first is the usual one."""
