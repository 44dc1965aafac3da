"""What changed between two positions of the current branch: processes, vmas, the designs' structures, the curves.

Both states are made in worlds of their own, from the nearest copies; the worlds that are shown stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np
from attrs import define, field, frozen

from rmapexplorer.core import flags as vm
from rmapexplorer.core.metrics import METRICS
from rmapexplorer.engine.frames import FootprintRow, TaskRows, VmaRows
from rmapexplorer.engine.lanes import Lane, take_apart
from rmapexplorer.engine.lens import AnyWorld, Columns
from rmapexplorer.engine.stage import Stage

MOST_ROWS = 2000
"""Rows of one kind that are named; the others are counted."""

ADDED, REMOVED, CHANGED = "+", "−", "≠"


@frozen(kw_only=True)
class DiffRow:
    """One thing that is not the same at both positions."""

    kind: str
    """"process", "vma", "structure" or "curve"."""
    sign: str
    """ADDED, REMOVED or CHANGED."""
    what: str
    """Which one: ``worker 2``, ``a10-a20 of 2``, ``avc``, ``rmap metadata``."""
    design: str = ""
    """Of structures and curves."""
    before: str = ""
    after: str = ""
    delta: float | None = None
    unit: str = ""
    spot: tuple[int, int] | None = None
    """(pid, page number) to select, where it is about memory; page number -1: the process."""


@frozen(kw_only=True)
class StateDiff:
    """The answer: from position ``one`` to position ``other``, vmas as ``design`` has them."""

    one: int
    other: int
    design: str
    texts: tuple[str, str]
    """The operations that led to the two positions."""
    rows: tuple[DiffRow, ...]
    counts: dict[str, tuple[int, int, int]]
    """Kind -> how many were added, removed, changed, those not named included."""


@frozen(kw_only=True)
class _Side:
    columns: Columns
    footprints: tuple[tuple[str, tuple[FootprintRow, ...]], ...]
    rows: np.ndarray
    """[designs, metrics]"""


@define(eq=False)
class CompareStates:
    """The job: visits the two positions, one operation or one look a step."""

    number: int
    one: int
    other: int
    title: str = "Comparing two positions"
    done: int = 0
    total: int = 0
    quiet: bool = True
    shows: bool = False
    result: StateDiff | None = None
    _sides: list[_Side] = field(factory=list)
    _lane: int = 0
    _world: AnyWorld | None = None
    _own: bool = False
    _at: int = 0
    _columns: Columns | None = None
    _footprints: list[tuple[str, tuple[FootprintRow, ...]]] = field(factory=list)
    _rows: list[np.ndarray] = field(factory=list)
    _probe: Generator[None, None, None] | None = None

    def start(self, stage: Stage) -> None:
        """Both positions on the current branch."""
        head = stage.line.head
        self.one, self.other = (max(0, min(p, head)) for p in (self.one, self.other))
        self.total = 2 * len(stage.lanes)

    def step(self, stage: Stage) -> bool:
        """One operation on the way to a position under one design, or a look there; False when both were seen."""
        if len(self._sides) == 2:
            self.result = compared(stage, self.one, self.other, *self._sides)
            return False
        target = (self.one, self.other)[len(self._sides)]
        lane = stage.lanes[self._lane]
        if self._world is None:
            self._set_out(stage, lane, target)
        assert self._world is not None
        if self._probe is not None:
            self._end_look(stage)
            return True
        if self._at < target:
            self._world.apply(stage.line.operations[stage.line.path[self._at]])
            self._at += 1
            return True
        self._look(stage, lane, self._world)
        return True

    def _set_out(self, stage: Stage, lane: Lane, target: int) -> None:
        kept = lane.checkpoints.nearest(stage.line, target)
        near = stage.line.depth(kept.node) if kept else 0
        own = stage.line.depth(lane.node)
        if stage.line.on_path(lane.node) and near <= own <= target:
            self._world, self._at = lane.world if own == target else lane.world.copy(), own
        else:
            self._world, self._at = kept.world.copy() if kept else lane.kind.make(), near

    def _look(self, stage: Stage, lane: Lane, world: AnyWorld) -> None:
        if lane is stage.shown:
            self._columns = lane.lens.columns(world, None)
        self._footprints.append((lane.kind.key, lane.lens.footprint(world)))
        self._rows.append(lane.lens.measure(world))
        self._probe = lane.lens.probe(world, self._rows[-1])

    def _end_look(self, stage: Stage) -> None:
        assert self._probe is not None
        for _ in self._probe:
            return
        self._probe = None
        if self._world is not stage.lanes[self._lane].world:
            take_apart(self._world)
        self._world, self._lane, self.done = None, self._lane + 1, self.done + 1
        if self._lane == len(stage.lanes):
            assert self._columns is not None
            self._sides.append(
                _Side(columns=self._columns, footprints=tuple(self._footprints), rows=np.array(self._rows))
            )
            self._lane, self._columns, self._footprints, self._rows = 0, None, [], []

    def stop(self, stage: Stage) -> bool:
        """The worlds of the session were never touched."""
        return False


def compared(stage: Stage, one: int, other: int, before: _Side, after: _Side) -> StateDiff:
    """All rows, and how many there are of each kind."""
    counts: dict[str, tuple[int, int, int]] = {}
    rows: list[DiffRow] = []
    for kind, made in (
        ("process", _processes(before.columns, after.columns)),
        ("vma", _vmas(before.columns, after.columns)),
        ("structure", _structures(before, after)),
        ("curve", _curves(before, after)),
    ):
        counts[kind] = made[1]
        rows += made[0]
    texts = tuple(stage.text(stage.line.node_at(p)) or "start" for p in (one, other))
    return StateDiff(
        one=one, other=other, design=stage.shown.kind.key, texts=(texts[0], texts[1]), rows=tuple(rows), counts=counts
    )


Made = tuple[list[DiffRow], tuple[int, int, int]]


def _processes(before: Columns, after: Columns) -> Made:
    one, other = before.tasks, after.tasks
    gone, new, both = _matched(one.birth, other.birth)
    facts = [
        np.stack([getattr(t, a) for a in ("vmas", "anon_pages", "file_pages", "swap_pages")]) for t in (one, other)
    ]
    differs = (facts[0][:, both[0]] != facts[1][:, both[1]]).any(axis=0) if len(both[0]) else np.zeros(0, bool)
    differs = differs | np.array([one.comm[a] != other.comm[b] for a, b in both.T.tolist()], bool)
    changed = both[:, differs]
    rows = [_task_row(REMOVED, one, i, None, 0) for i in gone[:MOST_ROWS].tolist()]
    rows += [_task_row(ADDED, None, 0, other, i) for i in new[:MOST_ROWS].tolist()]
    rows += [_task_row(CHANGED, one, a, other, b) for a, b in changed.T[:MOST_ROWS].tolist()]
    return rows, (len(new), len(gone), changed.shape[1])


def _task_row(sign: str, one: TaskRows | None, a: int, other: TaskRows | None, b: int) -> DiffRow:
    named, at = (other, b) if other is not None else (one, a)
    assert named is not None
    pages = [0 if t is None else int(t.anon_pages[i] + t.file_pages[i]) for t, i in ((one, a), (other, b))]
    pid = int(named.pid[at])
    return DiffRow(
        kind="process", sign=sign, what=f"{named.comm[at]} {pid}".strip(),
        before=_task_text(one, a) if one is not None else "", after=_task_text(other, b) if other is not None else "",
        delta=float(pages[1] - pages[0]), unit="pages", spot=(pid, -1) if other is not None else None,
    )  # fmt: skip


def _task_text(tasks: TaskRows, row: int) -> str:
    swap = f", {int(tasks.swap_pages[row]):,} swapped" if tasks.swap_pages[row] else ""
    pages = int(tasks.anon_pages[row] + tasks.file_pages[row])
    return f"{_count(int(tasks.vmas[row]), 'vma')}, {_count(pages, 'page')}{swap}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _vmas(before: Columns, after: Columns) -> Made:
    one, other = before.vmas, after.vmas
    owners = [np.repeat(np.arange(len(c.tasks.pid)), np.diff(c.vmas.first)) for c in (before, after)]
    keys = [_vma_keys(c.tasks, c.vmas, rows) for c, rows in ((before, owners[0]), (after, owners[1]))]
    gone, new, both = _matched(*keys)
    names = ("start", "end", "pgoff", "flags", "anon", "links", "anon_pages", "file_pages", "swap_pages")
    differs = np.zeros(both.shape[1], bool)
    for name in names:
        differs |= getattr(one, name)[both[0]] != getattr(other, name)[both[1]]
    changed = both[:, differs]

    def row(sign: str, a: int, b: int) -> DiffRow:
        return _vma_row(sign, (before, owners[0], a), (after, owners[1], b))

    rows = [row(REMOVED, i, -1) for i in gone[:MOST_ROWS].tolist()]
    rows += [row(ADDED, -1, i) for i in new[:MOST_ROWS].tolist()]
    rows += [row(CHANGED, a, b) for a, b in changed.T[:MOST_ROWS].tolist()]
    return rows, (len(new), len(gone), changed.shape[1])


def _vma_keys(tasks: TaskRows, vmas: VmaRows, owners: np.ndarray) -> np.ndarray:
    # two processes of a vfork list the same vma: each has its own row
    return np.asarray((tasks.birth[owners] << 40) | vmas.birth)


def _vma_row(sign: str, old: tuple[Columns, np.ndarray, int], new: tuple[Columns, np.ndarray, int]) -> DiffRow:
    columns, owners, row = new if new[2] >= 0 else old
    start, end, pid = int(columns.vmas.start[row]), int(columns.vmas.end[row]), int(columns.tasks.pid[owners[row]])
    pages = [0 if r < 0 else int(c.vmas.anon_pages[r] + c.vmas.file_pages[r]) for c, _, r in (old, new)]
    words = [_vma_words(c, r) if r >= 0 else {} for c, _, r in (old, new)]
    if sign == CHANGED:
        keys = [key for key in words[0] if words[0][key] != words[1][key]]
        words = [{key: side[key] for key in keys} for side in words]
    else:
        words = [{key: value for key, value in side.items() if key} for side in words]
    said = [", ".join(f"{key} {value}".strip() for key, value in side.items()) for side in words]
    return DiffRow(
        kind="vma", sign=sign, what=f"{columns.tasks.comm[owners[row]]} {pid}  {start:x}-{end:x}".strip(),
        before=said[0], after=said[1], delta=float(pages[1] - pages[0]), unit="pages",
        spot=(pid, start) if new[2] >= 0 else None,
    )  # fmt: skip


def _vma_words(columns: Columns, row: int) -> dict[str, str]:
    vmas = columns.vmas
    bits = int(vmas.flags[row])
    swap = f" + {int(vmas.swap_pages[row]):,} swapped" if vmas.swap_pages[row] else ""
    words = {
        "": f"{int(vmas.start[row]):x}-{int(vmas.end[row]):x}",
        "flags": f"{vm.perms(bits)} {vm.smaps(bits)}".strip(),
        "pgoff": f"{int(vmas.pgoff[row]):x}",
        "owner": f"{int(vmas.anon[row])}" if vmas.anon[row] >= 0 else "none",
        "links": f"{int(vmas.links[row]):,}",
        "pages": f"{int(vmas.anon_pages[row] + vmas.file_pages[row]):,}{swap}",
    }
    if vmas.file[row] >= 0:
        words["file"] = columns.files[int(vmas.file[row])]
    return words


def _matched(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of ``one`` without a partner, rows of ``other`` without one, and the pairs [2, n]; keys are unique."""
    _, first, second = np.intersect1d(one, other, assume_unique=True, return_indices=True)
    order = np.argsort(second, kind="stable")
    gone, new = np.ones(len(one), bool), np.ones(len(other), bool)
    gone[first], new[second] = False, False
    return np.flatnonzero(gone), np.flatnonzero(new), np.stack([first[order], second[order]])


def _structures(before: _Side, after: _Side) -> Made:
    rows = []
    old = {(key, kept.kind): kept for key, all_kept in before.footprints for kept in all_kept}
    new = {(key, kept.kind): kept for key, all_kept in after.footprints for kept in all_kept}
    for key in dict.fromkeys((*new, *old)):
        a, b = old.get(key), new.get(key)
        objects = [kept.objects if kept else 0 for kept in (a, b)]
        size = [kept.bytes if kept else 0 for kept in (a, b)]
        if objects == objects[::-1] and size == size[::-1]:
            continue
        sign = ADDED if not objects[0] else REMOVED if not objects[1] else CHANGED
        rows.append(
            DiffRow(
                kind="structure", sign=sign, what=key[1], design=key[0], before=_count(objects[0], "object"),
                after=_count(objects[1], "object"), delta=float(size[1] - size[0]), unit="bytes",
            )
        )  # fmt: skip
    return rows, _tally(rows)


def _curves(before: _Side, after: _Side) -> Made:
    rows = []
    keys = [key for key, _ in after.footprints]
    number: Callable[[float], str] = lambda value: f"{value:,.0f}"  # noqa: E731
    for at, metric in enumerate(METRICS):
        for lane, key in enumerate(keys):
            a, b = float(before.rows[lane, at]), float(after.rows[lane, at])
            if a == b or a != a or b != b:
                continue
            rows.append(
                DiffRow(
                    kind="curve", sign=CHANGED, what=metric.title, design=key, before=number(a), after=number(b),
                    delta=b - a, unit=metric.unit,
                )
            )  # fmt: skip
    return rows, _tally(rows)


def _tally(rows: Sequence[DiffRow]) -> tuple[int, int, int]:
    signs = [row.sign for row in rows]
    return signs.count(ADDED), signs.count(REMOVED), signs.count(CHANGED)
