"""Runs the cases one after the other: each size in turn, how the cost grew, and what is left out when one size came to nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from rmapexplorer.bench.cases import CASES, Case
from rmapexplorer.bench.measured import PROCESSOR, Figure, Stopped, growth
from rmapexplorer.bench.rig import Rig

LEAST_SIZES = 3
"""Growth is told from so many sizes or more."""


def chosen(pattern: str, quick: bool, long: bool) -> list[tuple[Case, tuple[int, ...]]]:
    """The cases whose name matches, and at which sizes.

    :param pattern: names, or such with * and ?, commas between them; "" for all.
    """
    found = []
    patterns = pattern.replace(" ", "").split(",") if pattern else ["*"]
    for case in CASES:
        sizes = case.quick if quick else case.sizes + (case.long if long else ())
        if sizes and any(fnmatchcase(case.name, one) for one in patterns):
            found.append((case, sizes))
    return found


def measured(case: Case, sizes: Sequence[int], rig: Rig) -> Iterator[Figure]:
    """The figures of a case as they come. Where a size comes to nothing, larger ones are not tried."""
    found: list[Figure] = []
    trouble = ""
    for size in sizes:
        try:
            if trouble:
                raise Stopped(f"not tried, since {trouble}")
            figures = case.measure(case, rig, size)
        except Stopped as why:
            trouble = trouble or f"{size:,} came to nothing"
            figures = [case.figure(size, "time", "s", (), trouble=str(why))]
        found += figures
        yield from figures
    yield from _growth(case, sizes, found)


def _growth(case: Case, sizes: Sequence[int], figures: Sequence[Figure]) -> Iterator[Figure]:
    if not case.grows or len(sizes) < LEAST_SIZES:
        return
    there = [one for one in figures if one.quantity == case.grows and not one.trouble]
    note = f"{case.grows} at {', '.join(f'{one.size:,}' for one in there)}"
    if len(there) < LEAST_SIZES:
        trouble = f"told from {LEAST_SIZES} sizes or more, and there are {len(there)}"
        yield case.figure(sizes[-1], "growth", "power", (), trouble=trouble)
        return
    power = growth([one.size for one in there], [min(one.samples) for one in there], case.grows == PROCESSOR)
    yield case.figure(sizes[-1], "growth", "power", (power,), note=note)
