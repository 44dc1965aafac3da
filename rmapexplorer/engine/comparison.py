"""Two to four designs beside each other: the same processes, the same page and its walk, and where they part first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen

from rmapexplorer.core.metrics import METRICS
from rmapexplorer.core.objects import Task
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.table import Ints
from rmapexplorer.core.world import World
from rmapexplorer.engine.detail import detail
from rmapexplorer.engine.frames import WalkDetail
from rmapexplorer.engine.snapshot import leaders
from rmapexplorer.engine.stage import Stage

STRIPS = 6
"""Processes shown of each design: the selected one first, then those whose page its walk finds, then its relatives."""

MOST = 4
"""Designs shown at once."""

PARTING = ("vmas", "merges_refused", "copied_by_write", "copied_by_mremap", "copied_by_design", "probe_missed")
"""Metrics of which the first operation is looked for after which the designs differ."""


@frozen(kw_only=True, eq=False)
class Strip:
    """The vmas of one process under one design; all arrays have one element a vma, in page numbers."""

    pid: int
    comm: str
    start: Ints
    end: Ints
    pgoff: Ints
    flags: Ints
    file: Ints
    owner: Ints
    """As VmaRows.anon."""


@frozen(kw_only=True)
class Side:
    """One design at the position shown."""

    design: str
    title: str
    error: str | None
    """Of the operation at the position; None where it succeeded."""
    rule: str
    refused: tuple[str, ...]
    """Sentences of the merges refused by that operation."""
    strips: tuple[Strip, ...]
    walk: WalkDetail | None
    owner: str
    """Title of the object that the page's walk begins at."""


@frozen(kw_only=True)
class Parting:
    """The first operation after which the designs differ in one respect."""

    what: str
    position: int
    values: tuple[str, ...]
    """One a design, in the order of Comparison.sides."""


@frozen(kw_only=True, eq=False)
class Comparison:
    """What the Compare panel shows."""

    position: int
    pid: int
    vpn: int
    sides: tuple[Side, ...]
    metrics: np.ndarray
    """[sides, METRICS] at the position; NaN: not measured."""
    partings: tuple[Parting, ...]
    """In the order of their positions."""
    processes: int
    """Of the world; at most STRIPS of them are in each side."""


@frozen(kw_only=True)
class Compare:
    """The question. ``designs`` are keys; those that do not run are left out."""

    designs: tuple[str, ...]
    pid: int
    vpn: int
    key: str = "compare"

    def answer(self, stage: Stage) -> Comparison | None:
        """None where none of the designs runs."""
        lanes = [lane for key in self.designs for lane in stage.lanes if lane.kind.key == key][:MOST]
        if not lanes:
            return None
        position, node = stage.line.cursor, lanes[0].node
        worlds: dict[str, World] = {lane.kind.key: lane.world for lane in lanes}  # type: ignore[misc]
        details = {key: detail({key: world}, key, self.pid, self.vpn) for key, world in worlds.items()}
        shown = _shown(worlds, self.pid, [d.walk for d in details.values() if d is not None and d.walk is not None])
        sides = []
        for lane in lanes:
            outcome, about = lane.outcomes.get(node), details[lane.kind.key]
            sides.append(
                Side(
                    design=lane.kind.key,
                    title=lane.kind.title,
                    error=outcome.error if outcome else None,
                    rule=outcome.rule if outcome else "",
                    refused=tuple(why.sentence for why in outcome.refusals) if outcome else (),
                    strips=tuple(_strip(worlds[lane.kind.key], pid) for pid in shown),
                    walk=about.walk if about else None,
                    owner=about.owner_title if about else "",
                )
            )
        nodes = np.array([node], np.int64)
        return Comparison(
            position=position,
            pid=self.pid,
            vpn=self.vpn,
            sides=tuple(sides),
            metrics=np.concatenate([lane.rows.take(nodes) for lane in lanes]),
            partings=partings(stage, [lane.kind.key for lane in lanes]),
            processes=len(leaders(next(iter(worlds.values())))),
        )


def _shown(worlds: dict[str, World], pid: int, walks: Sequence[WalkDetail]) -> list[int]:
    # the same processes in every column, in the order of their importance
    tasks = leaders(next(iter(worlds.values())))
    known = {task.pid: task for task in tasks}
    found = [spot[0] for walk in walks for spot in walk.spots]
    order = [pid, *found, *_relatives(known.get(pid), tasks), *known]
    unique = [one for one in dict.fromkeys(order) if one in known][:STRIPS]
    return sorted(unique, key=lambda one: known[one].birth)


def _relatives(task: Task | None, tasks: Sequence[Task]) -> list[int]:
    if task is None:
        return []
    return [task.ppid, *(other.pid for other in tasks if other.ppid in (task.pid, task.ppid))]


def _strip(world: World, pid: int) -> Strip:
    task = world.tasks.get(pid)
    rows = np.array(world.mms[task.mm].vmas if task is not None and task.mm in world.mms else [], np.int64)
    vma = world.vma

    def of(column: Ints) -> Ints:
        values = column[rows].astype(np.int64)
        values.flags.writeable = False
        return values

    return Strip(
        pid=pid, comm=task.comm if task is not None else "", start=of(vma.start), end=of(vma.end), pgoff=of(vma.pgoff),
        flags=of(vma.flags), file=of(vma.file), owner=world.design.vma_owner(rows),
    )  # fmt: skip


def partings(stage: Stage, keys: Sequence[str]) -> tuple[Parting, ...]:
    """Where the designs begin to differ on the current path, as far as it has been run: result, and each of PARTING."""
    lanes = [lane for lane in stage.lanes if lane.kind.key in keys]
    if len(lanes) < 2:
        return ()
    found = []
    result = _first_result(stage, [lane.outcomes for lane in lanes])
    if result is not None:
        found.append(result)
    among = [number for number, lane in enumerate(stage.lanes) if lane in lanes]
    rows = stage.metric_rows(0, stage.line.head + 1)[:, among]
    for number, metric in enumerate(METRICS):
        if metric.key in PARTING:
            values = rows[:, :, number]
            apart = np.flatnonzero((values != values[:, :1]).any(axis=1) & ~np.isnan(values).any(axis=1))
            if len(apart):
                at = int(apart[0])
                shown = tuple(f"{value:,.0f}" for value in values[at])
                found.append(Parting(what=metric.title, position=at, values=shown))
    return tuple(sorted(found, key=lambda one: one.position))


def _first_result(stage: Stage, outcomes: Sequence[Mapping[int, Outcome]]) -> Parting | None:
    for position, node in enumerate(stage.line.path, 1):
        errors = [known[node].error if node in known else None for known in outcomes]
        if len(set(errors)) > 1:
            return Parting(what="result", position=position, values=tuple(error or "ok" for error in errors))
    return None
