"""Level by level: where our replay of a trace first differs from what the kernel did, with both values.

Names of anon_vmas, pages and swap slots need not be the same: they are paired one to one as they first meet.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.verify.state import renamed, replay
from rmapexplorer.verify.trace import Json, Trace, parse_traces, states

LEVELS: dict[str, str] = {
    "result": "errno, and pages touched before a signal",
    "vmas": "start, end, permissions, pgoff, flags and file of every vma",
    "anon": "which vmas have an anon_vma, which share one, whom a chain links",
    "chain": "the order of every chain",
    "counts": "root, parent, refcount, num_children, num_active_vmas of every anon_vma",
    "tree": "the order of every interval tree, which is that of a walk",
    "pages": "every page table entry: kind, identity, mapcount, anon_vma and index",
    "flags": "writable, exclusive, PROT_NONE and swap cache of the entries",
}


@frozen(kw_only=True)
class Difference:
    """First disagreement of one level: step number, its call, where, and both values."""

    level: str
    step: int
    call: str
    where: str
    kernel: Any
    ours: Any

    def __str__(self) -> str:
        return f"step {self.step} ({self.call}), {self.level}: {self.where}: kernel {self.kernel}, ours {self.ours}"


class _Pairs:
    # one-to-one pairing of the kernel's names with ours. The kernel's are addresses: of an object that went in the very
    # step in which another of its kind came, the other may have the name
    def __init__(self) -> None:
        self.forth: dict[str, str] = {}
        self.back: dict[str, str] = {}
        self.alive: set[str] | None = None  # in a step that frees before it allocates: what is alive after it
        self.inherited: dict[str, str] = {}

    def same(self, theirs: str | None, ours: str | None) -> bool:
        if theirs is None or ours is None:
            return theirs is ours
        if ours in self.back:
            return self.back[ours] == theirs and self.forth[theirs] == ours
        before = self.forth.get(theirs)
        if before is not None:
            if self.alive is None or before in self.alive:
                return False
            self.inherited[ours] = self.inherited.get(before, before)
        self.forth[theirs], self.back[ours] = ours, theirs
        return True


class Comparison:
    """Compares states step by step, keeping the first difference of each level, and of one step all where they are wanted."""

    def __init__(self) -> None:
        self.found: dict[str, Difference] = {}
        self.every: list[Difference] | None = None
        self.pairs = _Pairs()
        self.raw: Json = {}

    def _differs(self, level: str, where: str, kernel: Any, ours: Any) -> None:
        if level in self.found and self.every is None:
            return
        op = self.raw["op"]
        words = " ".join(f"{k}={v}" for k, v in op.items() if k != "op")
        one = Difference(
            level=level, step=self.raw["i"], call=f"{op['op']} {words}", where=where, kernel=kernel, ours=ours
        )
        self.found.setdefault(level, one)
        if self.every is not None:
            self.every.append(one)

    def _equal(self, level: str, where: str, kernel: Any, ours: Any) -> None:
        if kernel != ours:
            self._differs(level, where, kernel, ours)

    def step(self, raw: Json, kernel: Json, mine: Json, ours: Json) -> None:
        """Compare one step: the kernel's record and full state, our record and full state."""
        self.raw = raw
        self.pairs.alive = _names(ours) if raw["op"]["op"] in ("mmap", "mremap") else None
        for field in ("err", "done"):
            self._equal("result", field, raw.get(field), mine.get(field))
        self._equal("vmas", "processes", sorted(kernel["procs"]), sorted(ours["procs"]))
        for name, vmas in kernel["procs"].items():
            self._process(name, vmas, ours["procs"].get(name, []))
        self._anon_vmas(kernel["anon_vmas"], ours["anon_vmas"])
        for name, file in kernel["files"].items():
            self._equal("tree", f"i_mmap of {name}", file["tree"], ours["files"].get(name, {}).get("tree"))

    def _process(self, name: str, kernel: list[Json], ours: list[Json]) -> None:
        self._equal("vmas", name, [vma_key(v) for v in kernel], [vma_key(v) for v in ours])
        mine = {v["s"]: v for v in ours}
        for vma in kernel:
            where = f"{name} vma at {vma['s']}"
            if vma["s"] not in mine:
                for level in ("anon", "chain", "pages", "flags"):
                    self._differs(level, where, "there", "missing")
                continue
            self._links(where, vma, mine[vma["s"]])
            self._pages(name, vma, mine[vma["s"]])

    def _links(self, where: str, kernel: Json, ours: Json) -> None:
        theirs, mine = kernel.get("chain", []), ours.get("chain", [])
        if not self.pairs.same(kernel.get("av"), ours.get("av")):
            self._differs("anon", where, kernel.get("av"), ours.get("av"))
        alike = [self.pairs.same(a, b) for a, b in zip(theirs, mine, strict=False)]  # pairs what it can, to the end
        if len(theirs) != len(mine) or not all(alike):
            self._differs("chain", where, theirs, mine)
        if len(theirs) != len(mine) or {self.pairs.forth.get(a) for a in theirs} != set(mine):
            self._differs("anon", f"{where}, chain", theirs, mine)

    def _pages(self, name: str, kernel: Json, ours: Json) -> None:
        theirs = {entry[0]: entry for entry in kernel.get("pages", [])}
        mine = {entry[0]: entry for entry in ours.get("pages", [])}
        for at in sorted(theirs.keys() | mine.keys()):
            a, b = theirs.get(at), mine.get(at)
            if a is None or b is None or not self._same_entry(a, b):
                self._differs("pages", f"{name} page {at}", a, b)
                self._differs("flags", f"{name} page {at}", a, b)
            elif a[1] not in "zo" and sorted(a[-1]) != sorted(b[-1]):
                self._differs("flags", f"{name} page {at}", a, b)

    def _same_entry(self, a: list[Any], b: list[Any]) -> bool:
        if a[1] != b[1]:
            return False
        if a[1] == "a":
            named = self.pairs.same(a[2], b[2]) and self.pairs.same(a[4], b[4])
            return named and (a[3], a[5]) == (b[3], b[5])
        if a[1] == "s":
            return self.pairs.same(a[2], b[2])
        return bool(a[1] != "f" or a[2:4] == b[2:4])

    def _anon_vmas(self, kernel: Json, ours: Json) -> None:
        for name, theirs in kernel.items():
            mine = ours.get(self.pairs.forth.get(name, ""))
            if mine is None:
                self._differs("counts", name, "there", "missing")
                self._differs("tree", name, "there", "missing")
                continue
            family = [self.pairs.forth.get(theirs[field]) for field in ("root", "parent")]
            counts = [theirs[field] for field in ("refs", "children", "active")]
            self._equal("counts", name, family + counts,
                        [mine[field] for field in ("root", "parent", "refs", "children", "active")])  # fmt: skip
            self._equal("tree", name, theirs["tree"], mine["tree"])
        self._equal("counts", "number of anon_vmas", len(kernel), len(ours))


def _names(state: Json) -> set[str]:
    # of anon_vmas, pages and swap slots
    names = set(state["anon_vmas"])
    for vmas in state["procs"].values():
        for vma in vmas:
            names.update(entry[2] for entry in vma.get("pages", ()) if entry[1] in "as")
    return names


def vma_key(v: Json) -> tuple[Any, ...]:
    """What two vmas must have in common to be the same: span, permissions, offset, flags, file."""
    return v["s"], v["e"], v["p"], v["o"], sorted(v.get("f", "").split()), v.get("file")


def verify(trace: Trace, design: str = "anon_vma_chain") -> tuple[list[Difference], Json]:
    """Replay a trace and compare every step. Returns the first difference of each level, earliest first, and our trace."""
    world = World(design_named(design), trace.machine)
    mine = replay(trace, world)
    comparison = Comparison()
    own = parse_traces(mine, trace.name)[0]
    for step, kernel, our_step, ours in zip(trace.steps, states(trace), own.steps, states(own), strict=True):
        comparison.step(step.raw, kernel, our_step.raw, ours)
    if comparison.pairs.inherited:
        mine = renamed(mine, comparison.pairs.inherited)
    return sorted(comparison.found.values(), key=lambda d: (d.step, list(LEVELS).index(d.level))), mine
