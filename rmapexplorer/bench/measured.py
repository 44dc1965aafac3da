"""What was measured: figures with their spread, the kernel's beside them, the goal they are held against."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import asdict, field, frozen

PROCESSOR = "processor time"
"""The quantity of a whole program that other programs disturb least."""


class Stopped(Exception):
    """A measurement came to no figure: one sentence, that says why."""


def _floats(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)


@frozen(kw_only=True)
class Figure:
    """One quantity of one case at one size.

    :param samples: what was measured, in ``unit``, one for each repeat. :param twin: the kernel's own, in the same unit.
    :param trouble: why there are no samples. :param note: why there is no twin, or what else is to be known.
    """

    case: str
    size: int
    quantity: str
    what: str
    unit: str
    samples: tuple[float, ...] = field(default=(), converter=_floats)
    twin: tuple[float, ...] = field(default=(), converter=_floats)
    trouble: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        """What it is compared by from one release to the next."""
        return f"{self.case}/{self.size}/{self.quantity}"

    @property
    def value(self) -> float:
        """The median; NaN where there are no samples."""
        return statistics.median(self.samples) if self.samples else math.nan

    @property
    def ratio(self) -> float:
        """Median over the kernel's median; NaN without a twin."""
        return self.value / statistics.median(self.twin) if self.twin and self.samples else math.nan

    def as_json(self) -> dict[str, Any]:
        """Plain values: the samples, and what follows from them for whoever reads the file."""
        derived = {"median": self.value, "ratio": self.ratio}
        return asdict(self) | {"key": self.key} | {name: v for name, v in derived.items() if not math.isnan(v)}


def figure_of(data: Mapping[str, Any]) -> Figure:
    """The other way round. :raises KeyError, TypeError, ValueError: it is none."""
    names = ("case", "size", "quantity", "what", "unit", "samples", "twin", "trouble", "note")
    return Figure(**{name: data[name] for name in names})


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """How a cost grows: exponent of the power of the size that fits best (least squares of the logarithms)."""
    x, y = [math.log(size) for size in sizes], [math.log(max(value, 1e-12)) for value in values]
    return statistics.linear_regression(x, y).slope


def growth(sizes: Sequence[int], values: Sequence[float], started: bool) -> float:
    """``slope`` of a cost; where a program was ``started`` for each size, of what each step of sizes adds.

    Else the start, which is the same at all sizes, would hide how the rest grows.
    """
    if not started:
        return slope(sizes, values)
    more = [(b - a, y - x) for a, b, x, y in zip(sizes, sizes[1:], values, values[1:], strict=False)]
    return slope([step for step, _ in more], [added for _, added in more])


# -- goals --------------------------------------------------------------------------------------------


@frozen
class Goal:
    """At most ``limit``: of the median, or with ``of`` "ratio" of the ratio to the kernel."""

    limit: float
    of: str = "median"


EXPLOSION_SECONDS, EXPLOSION_MB = 10.0, 500.0
"""What one design may take for 65,400 vmas of one anon_vma, interpreter and reading included."""

GOALS: dict[str, Goal] = {
    "fork-vmas/1000/time": Goal(0.4, "ratio"),
    "fork-pages/65536/time": Goal(0.4, "ratio"),
    "small/0/time": Goal(25.0),
    "storm/1000/columns": Goal(200.0),
    "storm/1000/peak": Goal(330.0),
    "storm/1000/growth": Goal(1.15),
    "explosion*/32700/time": Goal(EXPLOSION_SECONDS),
    "explosion*/32700/peak": Goal(EXPLOSION_MB),
    "explosion*/32700/growth": Goal(1.15),
    "all-designs/32700/peak": Goal(500.0),
    "all-designs-forked/32700/peak": Goal(1200.0),
    "forks/4000/growth": Goal(1.15),
    "holes/800/growth": Goal(1.15),
    "freed/131072/growth": Goal(1.15),
    "top-down/32000/growth": Goal(1.15),
    "lines/200000/growth": Goal(1.15),
    "frame/524288/time": Goal(8.0),
    "pool/1/time": Goal(1.5),
    "pool-lines/1000000/time": Goal(60.0),
    "pool-lines/1000000/peak": Goal(500.0),
    "pool-lines/5000000/peak": Goal(1500.0),
    "malloc-lines/1000000/time": Goal(20.0),
    "malloc-lines/1000000/peak": Goal(500.0),
    "malloc-lines/5000000/peak": Goal(1500.0),
}
"""Key of a figure -> its goal; "explosion*" stands for each design by itself, with forks behind it or without."""


def goal_of(figure: Figure) -> Goal | None:
    """The goal of a figure; None where none is set."""
    name = "explosion*" if figure.case.startswith("explosion") else figure.case
    return GOALS.get(f"{name}/{figure.size}/{figure.quantity}")


def met(figure: Figure) -> bool | None:
    """Whether the goal is met: not where there is no figure; None where there is no goal, or no twin to say."""
    goal = goal_of(figure)
    if goal is None:
        return None
    if figure.trouble:
        return False
    value = figure.ratio if goal.of == "ratio" else figure.value
    return None if math.isnan(value) else value <= goal.limit
