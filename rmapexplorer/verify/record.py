"""A kernel trace read along with a replay: what differs after each step, worked out once and in order."""

from __future__ import annotations

import re

from attrs import evolve, frozen

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


class KernelRecord:
    """Replays a trace under ``design`` on ``machine``, as far as it is asked, and compares each step for itself."""

    def __init__(self, trace: Trace, design: str, machine: Machine) -> None:
        self.design, self.machine = design, machine
        self._steps = zip(trace.steps, states(trace), strict=True)
        self._comparison = Comparison()
        self._reader = Reader(World(design_named(design), evolve(trace.machine, calls=machine.calls)), trace)
        self._found: list[tuple[Found, ...]] = [()]

    def at(self, position: int) -> tuple[Found, ...]:
        """What differs after ``position`` operations; () where all is equal."""
        while len(self._found) <= position:
            self._advance()
        return self._found[position]

    def _advance(self) -> None:
        step, kernel = next(pair for pair in self._steps if pair[0].operation is not None)
        mine = perform(step, self._reader)
        ours = self._reader.read()
        self._comparison.found = {}
        self._comparison.step(step.raw, kernel, mine, ours)
        found = sorted(self._comparison.found.values(), key=lambda d: list(LEVELS).index(d.level))
        pids = {name: pid for pid, name in self._reader.procs.items()}
        rows = _vma_rows(kernel["procs"], ours["procs"], pids) if "vmas" in self._comparison.found else []
        others = [_told(d, pids) for d in found if d.level != "vmas" or not rows]
        first = [one for one in others if one.level == "result"]
        self._found.append((*first, *rows, *(one for one in others if one.level != "result")))


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
    where = f"{name} vma at {at + ARENA:x}"
    return Found(level="vmas", where=where, kernel=_words(theirs), ours=_words(mine), spot=spot)


def _words(vmas: list[Json]) -> str:
    return ", ".join(
        f"{v['s'] + ARENA:x}-{v['e'] + ARENA:x} {v['p']} pgoff "
        + (f"{v['o']:x} of {v['file']}" if "file" in v else f"{v['o'] + ARENA:x}")
        + (f" ({v['f']})" if v.get("f") else "")
        for v in vmas
    ) or "nothing"  # fmt: skip
