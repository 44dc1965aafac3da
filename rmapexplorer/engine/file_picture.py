"""What a page of a file hangs on: the file's address_space and the vmas that map it. The same in all designs but those
that find file pages in a way of their own (chains, a scan, a list of all vmas): these draw it themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import evolve

from rmapexplorer.core.design import Picture, StructNode
from rmapexplorer.core.table import ANON
from rmapexplorer.core.walk import Step
from rmapexplorer.core.world import World
from rmapexplorer.designs.common import counted, vma_node
from rmapexplorer.engine.frames import Field

FILE = "f"
"""Key of the file's box."""


def file_of(world: World, page: int, vma: int) -> int:
    """The file that a page belongs to, or, without a page, that a vma maps; -1 for anonymous memory."""
    if page < 0:
        return int(world.vma.file[vma]) if vma >= 0 else -1
    return -1 if world.page.state[page] & ANON else int(world.page.mapping[page])


def with_file(world: World, page: int, vma: int, steps: Sequence[Step], picture: Picture, limit: int) -> Picture:
    """``picture``, and the file's part where page or vma is a file's and the design does not draw it.

    :param steps: the page's walk. :param limit: vmas that are shown at most, those that map the page first.
    """
    file = file_of(world, page, vma)
    if file < 0 or (page >= 0 and world.design.FILE_PAGES_OWN_WAY):
        return picture
    rows = _walked(world, vma, steps) if page >= 0 else _of_file(world, file, vma)
    name = world.files[file].name.rpartition("/")[2] or "file"
    words = f"address_space · {counted(world.files[file].users, 'vma')}"
    shown = rows[:limit]
    nodes = [StructNode(key=FILE, rank=1, title=name, subtitle=words), *(vma_node(world, row, -1) for row in shown)]
    known = {node.key for node in nodes}
    more = [node for node in picture.nodes if node.key not in known]
    links = [("page", FILE)] if page >= 0 else []
    links += [(FILE, f"v{row}") for row in shown]
    owner = f"address_space, {picture.headings[1]}" if more else "address_space"
    left = picture.left_out or (0, 0, 0, 0)
    return evolve(
        picture, nodes=(*nodes, *more), links=(*links, *picture.links),
        total=len(rows) + sum(node.rank == 2 for node in more) + sum(left),
        headings=("page", owner, "vmas that map it" if page >= 0 else "vmas of the file", "task"),
        left_out=(left[0], left[1], left[2] + len(rows) - len(shown), left[3]),
    )  # fmt: skip


def _walked(world: World, vma: int, steps: Sequence[Step]) -> list[int]:
    hits: list[int] = []
    misses: list[int] = []
    for step in steps:
        row = step.vma if step.vma >= 0 else world.vma_at(world.mms[step.mm], step.vpn)
        (hits if step.hit else misses).append(row)
    return _once([*hits, vma, *misses])


def _of_file(world: World, file: int, vma: int) -> list[int]:
    return _once([vma, *world.imap.order(file).tolist(), *world.nonlinear.get(file, [])])


def _once(rows: Iterable[int]) -> list[int]:
    return [row for row in dict.fromkeys(rows) if row >= 0]


def file_fields(world: World, page: int) -> tuple[str, tuple[Field, ...]]:
    """Title and lines about the file behind a page of it, for the inspector."""
    number = file_of(world, page, -1)
    file = world.files[number]
    kind = "shared anonymous memory" if file.shmem else "a file: its pages are the page cache's"
    odd = len(world.nonlinear.get(number, []))
    return f"address_space of {file.name}", (
        Field(name="i_mmap", value=counted(file.users, "vma"), meaning="that map the file: a walk asks which cover the index"),
        Field(name="nonlinear", value=str(odd), meaning="of them in which the index does not tell the place"),
        Field(name="host", value=file.name, meaning=kind),
    )  # fmt: skip
