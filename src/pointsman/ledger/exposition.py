"""Prometheus' text format, version 0.0.4: families of samples, written out.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Literal, TypeAlias

from msgspec import Struct

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels: TypeAlias = tuple[str, ...]
"""The values of a family's labels, in the order of their names."""
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Family(Struct, frozen=True):
    """What one metric is, without its samples."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


class Distribution:
    """How often a histogram's values were at most so much, for each of its bounds."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Of each bucket alone; the last one's is of what is beyond all bounds."""
        self.total = 0.0

    def add(self, value: float) -> None:
        """One more value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def reached(self) -> Iterator[tuple[float, int]]:
        """For each bound, and for infinity, how many values were at most so much."""
        sum_so_far = 0
        for bound, count in zip((*self.bounds, inf), self.counts, strict=True):
            sum_so_far += count
            yield bound, sum_so_far


def written(family: Family, samples: Mapping[Labels, float]) -> Iterator[str]:
    """A counter's or a gauge's lines; nothing where there is no sample."""
    if samples:
        yield from _head(family)
    for labels, value in samples.items():
        yield f"{family.name}{_labelled(family.labels, labels)} {_number(value)}\n"


def written_histogram(family: Family, samples: Mapping[Labels, Distribution]) -> Iterator[str]:
    """A histogram's lines; nothing where there is no sample."""
    if samples:
        yield from _head(family)
    for labels, spread in samples.items():
        count = 0
        for bound, count in spread.reached():
            within = _labelled((*family.labels, "le"), (*labels, _number(bound)))
            yield f"{family.name}_bucket{within} {count}\n"
        own = _labelled(family.labels, labels)
        yield f"{family.name}_sum{own} {_number(spread.total)}\n{family.name}_count{own} {count}\n"


def _head(family: Family) -> Iterable[str]:
    return (
        f"# HELP {family.name} {family.help.translate(_HELP_ESCAPES)}\n",
        f"# TYPE {family.name} {family.kind}\n",
    )


def _labelled(names: tuple[str, ...], values: Labels) -> str:
    if not names:
        return ""
    pairs = zip(names, values, strict=True)
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in pairs) + "}"


def _number(value: float) -> str:
    if value == inf:
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
