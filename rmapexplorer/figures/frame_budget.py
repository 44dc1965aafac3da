"""What a measurement is: its figures, the budget it is held against, and how both are written down. Needs no Qt."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from attrs import frozen


@frozen(kw_only=True)
class Result:
    """One measurement. ``value`` and ``budget`` have the same unit; ``least`` says that more is better."""

    trial: str
    what: str
    value: float
    unit: str
    budget: float
    least: bool
    platform: str
    details: dict[str, float] = {}

    @property
    def kept(self) -> bool:
        """Whether the budget is kept."""
        return self.value >= self.budget if self.least else self.value <= self.budget

    def budget_text(self) -> str:
        """The budget with its sign and unit."""
        return f"{'≥' if self.least else '≤'} {self.budget:g} {self.unit}"

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**attrs.asdict(self), "kept": self.kept}


def result_of(data: dict[str, Any]) -> Result:
    """The other way round."""
    return Result(**{key: value for key, value in data.items() if key != "kept"})


def spread(milliseconds: list[float]) -> dict[str, float]:
    """Median, 95th percentile and longest of durations, in ms."""
    if not milliseconds:
        return {}
    values = np.array(milliseconds)
    return {
        "median_ms": round(float(np.median(values)), 1),
        "p95_ms": round(float(np.percentile(values, 95)), 1),
        "max_ms": round(float(values.max()), 1),
        "count": float(len(values)),
    }


def frames_a_second(milliseconds: list[float]) -> float:
    """Frames a second where one follows the other at once."""
    total = sum(milliseconds)
    return round(1000 * len(milliseconds) / total, 1) if total else 0.0
