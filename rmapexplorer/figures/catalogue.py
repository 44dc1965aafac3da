"""CATALOGUE: every published number that is recomputed; and what cannot be, with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from rmapexplorer.core.units import KernelError
from rmapexplorer.figures.record import Published
from rmapexplorer.figures.sizes import SIZES
from rmapexplorer.figures.topology import TOPOLOGY
from rmapexplorer.figures.walks import FAMILIES, FILES, PAGES

CATALOGUE: tuple[Published, ...] = (*SIZES, *FAMILIES, *FILES, *PAGES, *TOPOLOGY)


@frozen
class NotACount:
    """Published numbers that a simulator of data structures cannot give."""

    id: str
    what: str
    why: str


_TIME = "not a count: time of a machine"

LEFT_OUT: tuple[NotACount, ...] = (
    NotACount("P1", "pte_chain objects during make -j256: 24,116 and 716", "the log of that build was not published"),
    NotACount("P5-P7", "load, system time and rmap tax of pte_chains, 2002 and 2003", _TIME),
    NotACount("P8-P9", "how full slabs were after hours of dbench", "the log of those runs was not published"),
    NotACount("O1-O6", "fork and exit, kernbench, SDET, profile ticks with and without objrmap", _TIME),
    NotACount(
        "N1-N5", "kernbench, SDET and lmbench of anonmm and anon_vma", f"{_TIME}, and none of them under reclaim"
    ),
    NotACount("T1-T5", "seconds of rmap-test and test-mmap", f"{_TIME}; their visits are W2 and F7"),
    NotACount("L1-L3", "what locks cost: i_shared_sem, PG_maplock", "not a count: nothing runs at the same time here"),
    NotACount(
        "LAZY-pages", "kilobytes of a phone after boot", "its log was not published; that percentages fit is looked at"
    ),
)


def chosen(ids: Sequence[str]) -> tuple[Published, ...]:
    """The numbers with these ids, all for none; an id stands for all that begin with it and a hyphen, too.

    :raises KernelError: EINVAL, for an id that does not exist.
    """
    if not ids:
        return CATALOGUE
    wanted: list[Published] = []
    for name in ids:
        found = [p for p in CATALOGUE if p.id.lower() == name.lower() or p.id.lower().startswith(name.lower() + "-")]
        if not found:
            known = ", ".join(dict.fromkeys(p.id.split("-")[0] for p in CATALOGUE))
            raise KernelError("EINVAL", f"there is no figure {name!r}; known: {known}", "id")
        wanted += [p for p in found if p not in wanted]
    return tuple(wanted)
