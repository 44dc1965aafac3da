"""The design's objects as a graph for other programs: all of them, or the picture of the selection."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

import numpy as np
from attrs import evolve, frozen

from rmapexplorer.core.places import Places
from rmapexplorer.core.table import Ints
from rmapexplorer.core.world import World
from rmapexplorer.engine.frames import Structure
from rmapexplorer.engine.picture import processes_of
from rmapexplorer.engine.stage import Stage

MOST_LINKS = 200_000
"""Links of a graph; more would be a file that nothing opens."""

PIECE = 2_000
"""Rows gathered in one step."""

Made = TypeVar("Made")

RANKS = ("page", "owner", "vma", "task")
"""Kinds of nodes in the picture of a selection."""


@frozen(kw_only=True, eq=False)
class NodeRows:
    """Nodes of one kind; ``columns`` hold one value for each key, ``label`` is what is drawn."""

    kind: str
    keys: Sequence[str]
    columns: dict[str, Sequence[str | int]]


@frozen(kw_only=True, eq=False)
class LinkRows:
    """Links of one kind, by the keys of their ends."""

    kind: str
    sources: Sequence[str]
    targets: Sequence[str]


@frozen(kw_only=True, eq=False)
class Graph:
    """Nodes and links. ``note`` says what was left out, empty where nothing was."""

    title: str
    nodes: tuple[NodeRows, ...]
    links: tuple[LinkRows, ...]
    note: str = ""

    @property
    def heading(self) -> str:
        """Title and note in one line."""
        return f"{self.title}. {self.note}" if self.note else self.title


def with_places(graph: Graph, places: Places) -> Graph:
    """The graph with the places in its title and nodes written that way."""
    if not places.in_bytes:
        return graph

    def written(column: Sequence[str | int]) -> Sequence[str | int]:
        return [places.text(value) if isinstance(value, str) else value for value in column]

    nodes = [
        evolve(rows, columns={name: written(c) if name in _WITH_PLACES else c for name, c in rows.columns.items()})
        for rows in graph.nodes
    ]
    return evolve(graph, title=places.text(graph.title), nodes=tuple(nodes))


_WITH_PLACES = ("label", "title", "span", "subtitle")


def of_structure(structure: Structure, title: str) -> Graph:
    """The picture of the selection, as the structures panel shows it."""
    kinds = dict.fromkeys(node.rank for node in structure.nodes)
    rows = []
    for rank in sorted(kinds):
        nodes = [node for node in structure.nodes if node.rank == rank]
        columns: dict[str, Sequence[str | int]] = {
            "label": [f"{node.title}\n{node.subtitle}".strip() for node in nodes],
            "title": [node.title for node in nodes],
            "subtitle": [node.subtitle for node in nodes],
            "state": [node.state for node in nodes],
        }
        rows.append(NodeRows(kind=RANKS[rank], keys=[node.key for node in nodes], columns=columns))
    links = LinkRows(
        kind="link",
        sources=[link.source for link in structure.links],
        targets=[link.target for link in structure.links],
    )
    left = structure.total - structure.shown
    note = f"The picture shows {structure.shown:,} of {structure.total:,}." if left > 0 else structure.note
    return Graph(title=title, nodes=tuple(rows), links=(links,), note=note)


@frozen
class WholeGraph:
    """Asks for every vma, every object of a design, and every link between them. ``design``: a key, empty: the one in view."""

    design: str = ""
    key: str = "whole graph"

    def answer(self, stage: Stage) -> Graph | None:
        """A Graph; None where the design is not among those that run."""
        return finished(self.gather(stage))

    def gather(self, stage: Stage) -> Generator[None, None, Graph | None]:
        """The same a little at each step."""
        lane = next((one for one in stage.lanes if one.kind.key == self.design), None)
        if self.design and lane is None:
            return None
        lane = lane or stage.shown
        where = f"after operation {stage.line.cursor} of {stage.line.head}"
        title = f"{stage.title or 'session'}: {lane.kind.title}, {where}"
        return (yield from whole(lane.world, title))  # type: ignore[arg-type]


def finished(work: Generator[None, None, Made]) -> Made:
    """What such work comes to, all at once."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def whole(world: World, title: str, most: int = MOST_LINKS) -> Generator[None, None, Graph]:
    """vmas -> links (a node each, where the design allocates them) -> the design's objects -> their parents; PIECE rows a step."""
    found = world.design.incidence()
    yield
    links, owners = found.vmas[:most], found.owners[:most]
    objects, parents = found.objects[:most], found.parents[:most]
    owner, prefix = world.design.OWNER, "o"
    nodes = [(yield from _vma_rows(world, np.unique(links))), (yield from _owner_rows(world, objects, prefix))]
    middle = _link_kind(world, len(found.vmas))
    left, right = (yield from _keys("v", links)), (yield from _keys(prefix, owners))
    if middle:
        between = yield from _keys("l", np.arange(len(links)))
        nodes.insert(1, NodeRows(kind=middle, keys=between, columns={"label": [""] * len(between)}))
        edges = [
            LinkRows(kind="vma", sources=left, targets=between),
            LinkRows(kind=owner, sources=between, targets=right),
        ]
    else:
        edges = [LinkRows(kind=owner, sources=left, targets=right)]
    inner = (parents >= 0) & np.isin(parents, objects)
    if inner.any():
        up, down = (yield from _keys(prefix, parents[inner])), (yield from _keys(prefix, objects[inner]))
        edges.append(LinkRows(kind="parent", sources=down, targets=up))
    return Graph(
        title=title, nodes=tuple(nodes), links=tuple(edges), note=_note(found.vmas, found.objects, owner, most)
    )


def _note(links: Ints, objects: Ints, owner: str, most: int) -> str:
    if not len(links):
        return (
            "No vma is linked to an object of this design here; the graph of the selection shows what hangs on a page."
        )
    left = [f"{len(what):,} {name}" for what, name in ((links, "links"), (objects, f"{owner}s")) if len(what) > most]
    return f"Only the first {most:,} of {' and of '.join(left)} are in this file." if left else ""


def _link_kind(world: World, links: int) -> str:
    # the structure that is allocated once for each link (an avc); a link inside a vma is none
    rows = world.design.footprint()
    return next(
        (
            row.kind
            for row in rows
            if links and row.objects == links and row.slab_pages and row.kind != world.design.OWNER
        ),
        "",
    )


def _keys(prefix: str, ids: Ints) -> Generator[None, None, list[str]]:
    keys: list[str] = []
    for start in range(0, len(ids), PIECE):
        keys += [f"{prefix}{number}" for number in ids[start : start + PIECE].tolist()]
        yield
    return keys


def _vma_rows(world: World, vmas: Ints) -> Generator[None, None, NodeRows]:
    table, people = world.vma, processes_of(world)
    columns: dict[str, list[str | int]] = {"label": [], "pid": [], "comm": [], "span": [], "pgoff": []}
    for first in range(0, len(vmas), PIECE):
        part = vmas[first : first + PIECE]
        who = [people.get(mm, (0, "")) for mm in table.mm[part].tolist()]
        ends = zip(table.start[part].tolist(), table.end[part].tolist(), strict=True)
        spans = [f"{start:x}-{end:x}" for start, end in ends]
        columns["label"] += [f"{comm} {pid}\n{span}".strip() for (pid, comm), span in zip(who, spans, strict=True)]
        columns["pid"] += [pid for pid, _ in who]
        columns["comm"] += [comm for _, comm in who]
        columns["span"] += spans
        columns["pgoff"] += [f"{pgoff:x}" for pgoff in table.pgoff[part].tolist()]
        yield
    return NodeRows(kind="vma", keys=(yield from _keys("v", vmas)), columns=dict(columns))


def _owner_rows(world: World, objects: Ints, prefix: str) -> Generator[None, None, NodeRows]:
    names: list[str | int] = []
    for start in range(0, len(objects), PIECE):
        names += [world.design.owner_name(one) for one in objects[start : start + PIECE].tolist()]
        yield
    keys = yield from _keys(prefix, objects)
    return NodeRows(kind=world.design.OWNER, keys=keys, columns={"label": names, "name": names})
