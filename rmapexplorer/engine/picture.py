"""The structures picture of a frame: the design's objects around the selection; page, tasks and walk are added here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from attrs import frozen

from rmapexplorer.core import walk
from rmapexplorer.core.design import Picture, StructNode
from rmapexplorer.core.walk import Step
from rmapexplorer.core.world import World
from rmapexplorer.engine.entries import mapped_page
from rmapexplorer.engine.file_picture import with_file
from rmapexplorer.engine.frames import Link, Node, Structure
from rmapexplorer.engine.snapshot import leaders
from rmapexplorer.engine.stage import Stage

NODES_SHOWN = 40
PAGE, OWNER, VMA, TASK = range(4)
"""Ranks: the columns of the picture."""

_PAGE_KEY = "page"


def processes_of(world: World) -> dict[int, tuple[int, str]]:
    """mm -> pid and comm of the process that is shown for it, the oldest where several share one."""
    out: dict[int, tuple[int, str]] = {}
    for task in leaders(world):
        out.setdefault(task.mm, (task.leader, task.comm))
    return out


@frozen(kw_only=True)
class NeighbourhoodQuestion:
    """The structure around (pid, page number) with more nodes than a frame carries."""

    pid: int
    vpn: int
    limit: int
    key: str = "structures.neighbourhood"

    def answer(self, stage: Stage) -> Structure | None:
        """Of the design in view; None where there is no such process."""
        world: World = stage.shown.world  # type: ignore[assignment]
        task = world.tasks.get(self.pid)
        if task is None or task.mm not in world.mms or self.vpn < 0:
            return None
        mm = world.mms[task.mm]
        page = mapped_page(world, mm, self.vpn)
        steps = walk.steps_of(world, page)[0] if page >= 0 else []
        return structure(world, page, world.vma_at(mm, self.vpn), (self.pid, self.vpn), steps, self.limit)


def structure(
    world: World, page: int, vma: int, spot: tuple[int, int], steps: Sequence[Step], limit: int = NODES_SHOWN
) -> Structure:
    """The picture for a page and vma (-1: none) at ``spot`` (pid, page number); ``steps`` is the page's walk.

    :param limit: objects of a rank that are shown at most.
    """
    if page < 0 and vma < 0:
        return Structure(note="Nothing is mapped at the selected page.")
    picture = with_file(world, page, vma, steps, world.design.picture(page, vma, limit), limit)
    boxes = list(picture.nodes) or [_vma_box(world, vma)]
    processes = processes_of(world)
    seen = _Seen(world, vma, steps)
    nodes = [_node(world, box, spot, processes, seen.state(box)) for box in boxes]
    links = list(picture.links)
    if page >= 0 and not any(box.rank == PAGE for box in boxes):
        nodes.insert(0, _page_node(world, page, spot))
    tasks = _task_nodes(world, boxes, nodes, processes)
    nodes += tasks.values()
    links += [(box.key, tasks[mm].key) for box in boxes if box.rank == VMA and (mm := _mm(world, box)) in tasks]
    known = {node.key: node for node in nodes}
    left_out = picture.left_out or _left_out(picture, limit)
    drawn = [(source, target) for source, target in links if source in known and target in known]
    return Structure(
        nodes=tuple(nodes),
        links=tuple(_link(known[source], known[target]) for source, target in drawn),
        shown=max(picture.total - left_out[VMA] - left_out[OWNER], 1),
        total=max(picture.total, 1),
        headings=picture.headings,
        left_out=left_out,
        note="" if picture.nodes else "Nothing of the design hangs on it yet: no anonymous page was written here.",
    )


def _left_out(picture: Picture, limit: int) -> tuple[int, int, int, int]:
    more = max(0, picture.total - limit)
    full = OWNER if sum(box.rank == OWNER for box in picture.nodes) >= limit else VMA
    return (0, more if full == OWNER else 0, more if full == VMA else 0, 0)


class _Seen:
    # what the walk made of each vma, and of each mm where the design names no vma

    def __init__(self, world: World, selected: int, steps: Sequence[Step]) -> None:
        self._selected = selected
        self._vmas: dict[int, bool] = {}
        self._mms: dict[int, bool] = {}
        for step in steps:
            vma = step.vma
            if vma < 0 and step.mm in world.mms:
                vma = world.vma_at(world.mms[step.mm], step.vpn)
            self._vmas[vma] = self._vmas.get(vma, False) or step.hit
            self._mms[step.mm] = self._mms.get(step.mm, False) or step.hit

    def state(self, box: StructNode) -> str:
        if box.state:
            return box.state
        if box.rank == PAGE:
            return "focus"
        table, key = (self._vmas, box.vma) if box.vma >= 0 else (self._mms, box.mm)
        if key >= 0 and key in table:
            return "hit" if table[key] else "miss"
        return "selected" if box.vma >= 0 and box.vma == self._selected else ""


def _mm(world: World, box: StructNode) -> int:
    return int(world.vma.mm[box.vma]) if box.vma >= 0 else box.mm


def _node(
    world: World, box: StructNode, spot: tuple[int, int], processes: Mapping[int, tuple[int, str]], state: str
) -> Node:
    target: tuple[int, int] | None = None
    if box.rank == PAGE:
        target = spot
    elif (mm := _mm(world, box)) in processes:
        target = (processes[mm][0], int(world.vma.start[box.vma]) if box.vma >= 0 else -1)
    return Node(
        key=box.key,
        rank=box.rank,
        title=box.title,
        subtitle=box.subtitle,
        family=box.family,
        state=state,
        target=target,
    )


def _vma_box(world: World, vma: int) -> StructNode:
    start, end = int(world.vma.start[vma]), int(world.vma.end[vma])
    return StructNode(key=f"v{vma}", rank=VMA, title=f"{start:x}-{end:x}", vma=vma, mm=int(world.vma.mm[vma]))


def _page_node(world: World, page: int, spot: tuple[int, int]) -> Node:
    count = int(world.page.mapcount[page])
    index = int(world.page.index[page])
    return Node(
        key=_PAGE_KEY,
        rank=PAGE,
        title=f"page #{page}",
        subtitle=f"index {index:x}, mapcount {count}" if index >= 0 else f"mapcount {count}",
        state="focus",
        target=spot,
    )


def _task_nodes(
    world: World, boxes: Sequence[StructNode], nodes: Sequence[Node], processes: Mapping[int, tuple[int, str]]
) -> dict[int, Node]:
    # one box a process whose vma is shown; a hit in any of its vmas is a hit of the task
    out: dict[int, Node] = {}
    if any(box.rank == TASK for box in boxes):
        return out
    states = {node.key: node.state for node in nodes}
    for box in boxes:
        mm = _mm(world, box)
        if box.rank != VMA or mm not in processes:
            continue
        pid, comm = processes[mm]
        node = out.setdefault(mm, Node(key=f"t{pid}", rank=TASK, title=comm or f"pid {pid}", subtitle=f"pid {pid}",
                                       target=(pid, -1)))  # fmt: skip
        if states[box.key] == "hit" and node.state != "hit":
            out[mm] = attrs.evolve(node, state="hit")
    return out


def _link(source: Node, target: Node) -> Link:
    state = target.state if target.state in ("hit", "miss") else ""
    if target.rank == TASK:
        state = source.state if source.state == "hit" else ""
    family = source.family if source.family >= 0 else target.family
    return Link(source=source.key, target=target.key, state=state, family=family)
