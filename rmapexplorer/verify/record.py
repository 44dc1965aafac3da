"""A kernel trace read along with a replay: what both hold after each step, and what differs; one step at a time."""

from __future__ import annotations

import re
from typing import Any

from attrs import evolve, field, frozen

from rmapexplorer.core.units import Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.formats.trace import ARENA, Json, Trace, states
from rmapexplorer.verify.compare import LEVELS, Comparison, Difference, vma_key
from rmapexplorer.verify.state import Reader, perform

_PLACE = re.compile(r"(\S+) (?:vma at|page) (-?\d+)")


@frozen(kw_only=True)
class Found:
    """One difference; ``spot`` is (pid, page number) where it is about a place."""

    level: str
    where: str
    kernel: str
    ours: str
    spot: tuple[int, int] | None = None


@frozen(kw_only=True)
class Seen:
    """Both states after one step, in the vocabulary of traces, and what differs.

    ``avs`` has the rows of our anon_vmas by the names they bear in ``ours``, ``pids`` the processes by theirs, ``pairs``
    our names of anon_vmas, pages and swap slots by those they have in ``kernel`` (a name may go to another object later).
    """

    kernel: Json
    ours: Json
    found: tuple[Found, ...] = ()
    avs: dict[str, int] = field(factory=dict)
    pids: dict[str, int] = field(factory=dict)
    pairs: dict[str, str] = field(factory=dict)


NOTHING: Json = {"procs": {}, "anon_vmas": {}, "files": {}}


class KernelRecord:
    """Replays a trace under ``design`` on ``machine``, a step each time it is asked, and compares each for itself."""

    def __init__(self, trace: Trace, design: str, machine: Machine) -> None:
        self.design, self.machine = design, machine
        self.length = sum(step.operation is not None for step in trace.steps)
        self._steps = (pair for pair in zip(trace.steps, states(trace), strict=True) if pair[0].operation is not None)
        self._comparison = Comparison()
        self._reader = Reader(World(design_named(design), evolve(trace.machine, calls=machine.calls)), trace)
        self._seen: list[Seen] = [Seen(kernel=NOTHING, ours=NOTHING)]

    @property
    def compared(self) -> int:
        """Positions that were compared, 0 to ``length``."""
        return len(self._seen) - 1

    def owner_name(self, row: int) -> str:
        """An anon_vma of ours as the user reads it."""
        return self._reader.d.owner_name(row)

    def seen(self, position: int) -> Seen | None:
        """Both states after ``position`` operations; None: not compared yet."""
        return self._seen[position] if 0 <= position < len(self._seen) else None

    def advance(self) -> bool:
        """Compare one more step; False where all were."""
        pair = next(self._steps, None)
        if pair is None:
            return False
        step, kernel = pair
        mine = perform(step, self._reader)
        ours = _sharing(self._reader.read(), self._seen[-1].ours)
        comparison = self._comparison
        comparison.found, comparison.every = {}, []
        comparison.step(step.raw, kernel, mine, ours)
        pids = {name: pid for pid, name in self._reader.procs.items()}
        self._seen.append(
            Seen(
                kernel=kernel,
                ours=ours,
                found=_told_in_order(comparison.every, kernel, ours, pids),
                avs={self._reader._av(row): row for row in self._reader.d.av.live().tolist()},
                pids=pids,
                pairs=self._pairs(kernel),
            )
        )
        return True

    def _pairs(self, kernel: Json) -> dict[str, str]:
        forth, before = self._comparison.pairs.forth, self._seen[-1].pairs
        now = {name: forth[name] for name in _names(kernel) if name in forth}
        return before if now == before else now


def _names(state: Json) -> set[str]:
    # of anon_vmas, pages and swap slots
    names = set(state["anon_vmas"])
    for vmas in state["procs"].values():
        for vma in vmas:
            names.update(vma.get("chain", ()))
            names.update(entry[2] for entry in vma.get("pages", ()) if entry[1] in "as")
            names.update(entry[4] for entry in vma.get("pages", ()) if entry[1] == "a")
    return names


def _sharing(now: Json, before: Json) -> Json:
    # what did not change is kept once
    return {
        kind: {name: before[kind][name] if before[kind].get(name) == value else value for name, value in known.items()}
        for kind, known in now.items()
    }


def _told_in_order(every: list[Difference], kernel: Json, ours: Json, pids: dict[str, int]) -> tuple[Found, ...]:
    every = sorted(every, key=lambda d: list(LEVELS).index(d.level))
    apart = any(d.level == "vmas" for d in every)
    rows = _vma_rows(kernel["procs"], ours["procs"], pids) if apart else []
    others = [_told(d, pids) for d in every if d.level != "vmas" or not rows]
    first = [one for one in others if one.level == "result"]
    return (*first, *rows, *(one for one in others if one.level != "result"))


def _told(d: Difference, pids: dict[str, int]) -> Found:
    place = _PLACE.match(d.where)
    spot = (pids[place[1]], int(place[2]) + ARENA) if place and place[1] in pids else None
    return Found(level=d.level, where=d.where, kernel=str(d.kernel), ours=str(d.ours), spot=spot)


def _vma_rows(kernel: Json, ours: Json, pids: dict[str, int]) -> list[Found]:
    out = []
    for name in sorted(kernel.keys() | ours.keys()):
        theirs, mine = kernel.get(name, []), ours.get(name, [])
        known = [vma_key(v) for v in theirs]
        own = [vma_key(v) for v in mine]
        for v in mine:
            if vma_key(v) not in known:
                across = [k for k in theirs if k["s"] < v["e"] and v["s"] < k["e"]]
                out.append(_row(name, pids, v["s"], across, [v]))
        for v in theirs:
            if vma_key(v) not in own and not any(m["s"] < v["e"] and v["s"] < m["e"] for m in mine):
                out.append(_row(name, pids, v["s"], [v], []))
    return out


def _row(name: str, pids: dict[str, int], at: int, theirs: list[Json], mine: list[Json]) -> Found:
    spot = (pids[name], at + ARENA) if name in pids else None
    where = f"{name} vma at page {at + ARENA:x}"
    return Found(level="vmas", where=where, kernel=_words(theirs), ours=_words(mine), spot=spot)


def _words(vmas: list[Json]) -> str:
    return ", ".join(
        f"{v['s'] + ARENA:x}-{v['e'] + ARENA:x} {v['p']} pgoff {offset(v)}" + (f" ({v['f']})" if v.get("f") else "")
        for v in vmas
    ) or "nothing"  # fmt: skip


def offset(v: Any) -> str:
    """vm_pgoff of a vma of a trace, with its file where it has one."""
    return f"{v['o']:x} of {v['file']}" if "file" in v else f"{v['o'] + ARENA:x}"
