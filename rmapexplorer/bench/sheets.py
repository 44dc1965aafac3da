"""Figures as JSON, as tables, and beside those of another day."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from rmapexplorer.bench.measured import Figure, figure_of, goal_of, met

WORSE = 1.10
"""A figure that is this many times the one of the other day, or more, is marked."""

DIGITS = 3

Row = tuple[str, ...]

HEADS: Row = ("what", "unit", "median", "min", "max", "kernel", "ratio", "goal", "")
COMPARED_HEADS: Row = ("what", "unit", "then", "now", "now / then", "of the kernel", "")


def host() -> dict[str, Any]:
    """The machine and what runs on it: figures of two machines are compared by their ratios to the kernel only."""
    return {
        "processor": _processor(), "cores": os.cpu_count() or 1, "kernel": platform.release(),
        "python": platform.python_version(), "numpy": np.__version__, "load": round(os.getloadavg()[0], 2),
    }  # fmt: skip


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            names = (line.partition(":")[2].strip() for line in file if line.startswith("model name"))
            return next(names, platform.machine())
    except OSError:
        return platform.machine()


def host_line(machine: Mapping[str, Any]) -> str:
    """The machine as a sentence; that it has other things to do is said, since figures are then too high."""
    line = (
        f"Measured on {machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}, "
        f"Python {machine['python']}, numpy {machine['numpy']}."
    )
    if machine["load"] > 0.5 * machine["cores"]:
        line += f" Other programs were running (load {machine['load']:g}): times by the clock are too high, the others less."
    return line


def sheet_data(figures: Sequence[Figure], machine: Mapping[str, Any], quick: bool) -> dict[str, Any]:
    """What the JSON file has below its head."""
    rows = []
    for one in figures:
        goal = goal_of(one)
        told = {} if goal is None else {"goal": {"limit": goal.limit, "of": goal.of, "met": met(one)}}
        rows.append(one.as_json() | told)
    return {"host": dict(machine), "quick": quick, "figures": rows}


# -- tables -------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """In as many digits as tell something; "" for NaN."""
    if math.isnan(value):
        return ""
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:,.{max(0, DIGITS - whole)}f}"


def row(one: Figure) -> Row:
    """A line of the table, in the order of HEADS."""
    goal, said = goal_of(one), met(one)
    verdict = {None: "", True: "met", False: "MISSED"}[said]
    aim = "" if goal is None else f"≤ {goal.limit:g}{' (ratio)' if goal.of == 'ratio' else ''}"
    what = one.what if one.quantity == "time" else f"{one.what}: {one.quantity}"
    if one.trouble:
        return (what, one.unit, "-", "", "", "", "", aim, f"{verdict} {one.trouble}".strip())
    kernel = one.value / one.ratio if one.twin else math.nan
    numbers = (one.value, min(one.samples), max(one.samples), kernel, one.ratio)
    return (what, one.unit, *map(number, numbers), aim, verdict)


def notes(figures: Sequence[Figure]) -> list[str]:
    """What is to be said below the table, each thing once."""
    said: dict[str, list[str]] = {}
    for one in figures:
        if one.note and one.quantity != "growth":
            said.setdefault(one.note, []).append(one.case)
    return [f"{', '.join(dict.fromkeys(cases))}: {note}." for note, cases in said.items()]


def summary(figures: Sequence[Figure]) -> str:
    """How many goals are met, as a sentence."""
    verdicts = [said for one in figures if (said := met(one)) is not None]
    if not verdicts:
        return "None of these figures has a goal."
    missed = verdicts.count(False)
    return f"{len(verdicts)} goals: {len(verdicts) - missed} met, {missed} MISSED."


# -- another day --------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Beside:
    """A figure of now and of then. ``of_kernel``: the ratio to the kernel now over that of then, NaN without twins."""

    now: Figure
    then: Figure
    ratio: float
    of_kernel: float

    @property
    def worse(self) -> bool:
        """Whether it is to be marked; where the kernel was measured both times it says how fast the machine was."""
        ratio = self.ratio if math.isnan(self.of_kernel) else self.of_kernel
        return ratio >= WORSE or (bool(self.now.trouble) and not self.then.trouble)


class NoSheet(ValueError):
    """One sentence: the text is no JSON of this bench."""


def figures_of(text: str) -> list[Figure]:
    """The figures in a JSON file. :raises NoSheet: it has none."""
    try:
        data = json.loads(text)
        if data["format"] != "rmapexplorer bench":
            raise NoSheet("is not what bench --json writes")
        return [figure_of(one) for one in data["figures"]]
    except NoSheet:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NoSheet("is not what bench --json writes") from error


def beside(now: Sequence[Figure], then: Sequence[Figure]) -> list[Beside]:
    """The figures that are there on both days, in the order of now."""
    before = {one.key: one for one in then}
    pairs = [(one, before[one.key]) for one in now if one.key in before]
    return [
        Beside(now=one, then=old, ratio=_over(one.value, old.value), of_kernel=_over(one.ratio, old.ratio))
        for one, old in pairs
    ]


def _over(now: float, then: float) -> float:
    return now / then if then else math.nan


def compared_row(pair: Beside) -> Row:
    """A line of the comparison, in the order of COMPARED_HEADS."""
    one = pair.now
    what = one.what if one.quantity == "time" else f"{one.what}: {one.quantity}"
    numbers = (pair.then.value, one.value, pair.ratio, pair.of_kernel)
    return (what, one.unit, *map(number, numbers), "WORSE" if pair.worse else "")
