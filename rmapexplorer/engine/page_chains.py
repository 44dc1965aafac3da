"""What only some designs have to show: chains of ptes page by page, and groups of mms with the pages they lost track of."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from rmapexplorer.core import radix
from rmapexplorer.core.table import ANON, Ints
from rmapexplorer.core.units import TABLE_SHIFT
from rmapexplorer.core.world import World
from rmapexplorer.engine.entries import mapped_page
from rmapexplorer.engine.page_runs import vmas_of
from rmapexplorer.engine.picture import processes_of
from rmapexplorer.engine.stage import Stage

PTES_SHOWN = 400
GROUPS_SHOWN = 60
MEMBERS_SHOWN = 64
EXAMPLES_SHOWN = 8


@frozen(kw_only=True)
class ChainPte:
    """One pte of the selected page's chain. ``block`` counts from the head, 0: it is in the page itself (PG_direct)."""

    block: int
    pid: int
    comm: str
    vpn: int


@frozen(kw_only=True, eq=False)
class ChainsPicture:
    """All chains by length, and that of the selected page."""

    pages: Ints
    """pages[n]: how many pages are mapped by n ptes."""
    slots: int
    block_bytes: int
    direct: bool
    spot: tuple[int, int]
    chain: tuple[ChainPte, ...]
    mapped: int
    """Ptes on the selected page's chain, more than are listed perhaps; 0: no page is selected."""


@frozen(kw_only=True)
class ChainsQuestion:
    """Chains of the design in view, and the one of the page at (pid, page number)."""

    pid: int = 0
    vpn: int = -1
    key: str = "structures.chains"

    def answer(self, stage: Stage) -> ChainsPicture | None:
        """None where the design keeps no chains."""
        world: World = stage.shown.world  # type: ignore[assignment]
        kept = world.design.page_chains()
        if kept is None:
            return None
        page = _page_at(world, self.pid, self.vpn)
        chain: list[ChainPte] = []
        mapped = 0
        if page >= 0:
            walk = world.candidates(np.array([page], np.int64))[0]
            listed = walk.vma < 0  # those found by other means than a chain have a vma
            mapped = int(listed.sum())
            processes = processes_of(world)
            for at in np.flatnonzero(listed)[:PTES_SHOWN].tolist():
                pid, comm = processes.get(int(walk.mm[at]), (0, ""))
                chain.append(ChainPte(block=int(walk.nodes[at]), pid=pid, comm=comm, vpn=int(walk.vpn[at])))
        return ChainsPicture(
            pages=np.bincount(kept.ptes) if len(kept.ptes) else np.zeros(1, np.int64), slots=kept.slots,
            block_bytes=kept.block_bytes, direct=kept.direct, spot=(self.pid, self.vpn), chain=tuple(chain),
            mapped=mapped,
        )  # fmt: skip


def _page_at(world: World, pid: int, vpn: int) -> int:
    task = world.tasks.get(pid)
    if task is None or task.mm not in world.mms or vpn < 0:
        return -1
    return mapped_page(world, world.mms[task.mm], vpn)


@frozen(kw_only=True)
class Member:
    """One object of a group: an mm's. ``pid`` 0: no living process has anonymous memory under it."""

    name: str
    number: int
    pid: int
    comm: str
    pages: int
    """Pages that point at it."""
    home: tuple[int, int] | None
    """(pid, page number) of its first vma."""


@frozen(kw_only=True)
class Stray:
    """A page that is mapped somewhere else than its index says."""

    pid: int
    comm: str
    vpn: int
    index: int
    chained: bool
    """It has a list of its addresses, so that it is found still."""


@frozen(kw_only=True)
class Group:
    """Those that one exec began. Counts are of all, ``members`` and ``examples`` are the first."""

    head: str
    members: tuple[Member, ...]
    size: int
    pages: int
    exceptions: int
    """Pages mapped at another address than their index."""
    chained: int
    examples: tuple[Stray, ...]


@frozen(kw_only=True)
class GroupsPicture:
    """Groups, the largest first."""

    groups: tuple[Group, ...]
    total: int
    members: int
    owner: str


@frozen(kw_only=True)
class GroupsQuestion:
    """Groups of mms of the design in view."""

    key: str = "structures.groups"

    def answer(self, stage: Stage) -> GroupsPicture | None:
        """None where the design has no groups."""
        world: World = stage.shown.world  # type: ignore[assignment]
        return groups(world) if world.design.GROUPS else None


def groups(world: World) -> GroupsPicture:
    """The groups of a world whose design has some."""
    design = world.design
    found = design.incidence()
    size = int(found.objects.max(initial=-1)) + 2
    head = np.arange(size)
    head[found.objects] = np.where(found.parents >= 0, found.parents, found.objects)
    anon = world.page.live()
    anon = anon[(world.page.state[anon] & ANON) != 0]
    owner = world.page.mapping[anon]
    pages = np.bincount(owner[(owner >= 0) & (owner < size)], minlength=size)
    homes = _homes(world, found.owners, found.vmas)
    odd_page, odd_mm, odd_vpn = _misplaced(world)
    odd_head = head[np.clip(world.page.mapping[odd_page], 0, size - 1)]
    chained = np.zeros(world.page.capacity, np.bool_)
    chained[design.chained_pages()] = True
    heads, sizes = np.unique(head[found.objects], return_counts=True)
    order = np.lexsort((heads, -sizes))[:GROUPS_SHOWN]
    processes = processes_of(world)
    out = []
    for at in order.tolist():
        rows = found.objects[head[found.objects] == heads[at]]
        mine = odd_head == heads[at]
        names = np.unique(odd_page[mine])
        members = tuple(
            _member(world, row, int(pages[row]), homes.get(row, -1), processes)
            for row in rows[:MEMBERS_SHOWN].tolist()
        )  # fmt: skip
        examples = tuple(
            Stray(
                pid=processes.get(mm, (0, ""))[0], comm=processes.get(mm, (0, ""))[1], vpn=vpn,
                index=int(world.page.index[page]), chained=bool(chained[page]),
            )
            for page, mm, vpn in zip(*(part[mine][:EXAMPLES_SHOWN].tolist() for part in (odd_page, odd_mm, odd_vpn)),
                                     strict=True)
        )  # fmt: skip
        out.append(
            Group(
                head=design.owner_name(int(heads[at])), members=members, size=len(rows), pages=int(pages[rows].sum()),
                exceptions=len(names), chained=int(chained[names].sum()), examples=examples,
            )
        )  # fmt: skip
    return GroupsPicture(groups=tuple(out), total=len(heads), members=len(found.objects), owner=design.OWNER)


def _homes(world: World, owners: Ints, vmas: Ints) -> dict[int, int]:
    # of each object the lowest vma that hangs on it
    order = np.lexsort((-world.vma.start[vmas], owners))
    return dict(zip(owners[order].tolist(), vmas[order].tolist(), strict=True))


def _member(world: World, row: int, pages: int, vma: int, processes: dict[int, tuple[int, str]]) -> Member:
    pid, comm = processes.get(int(world.vma.mm[vma]), (0, "")) if vma >= 0 else (0, "")
    home = (pid, int(world.vma.start[vma])) if pid else None
    return Member(name=world.design.owner_name(row), number=row, pid=pid, comm=comm, pages=pages, home=home)


def _misplaced(world: World) -> tuple[Ints, Ints, Ints]:
    # (page, mm, page number) of every pte that maps an anonymous page elsewhere than its index says
    table = world.pt
    slots = np.flatnonzero(table.flat[: table.used << TABLE_SHIFT])
    entries = table.flat[slots]
    mapped = ((entries & (radix.PRESENT | radix.PROTNONE)) != 0) & ((entries & radix.ZERO) == 0)
    slots, page = slots[mapped], entries[mapped] >> radix.ENTRY_SHIFT
    vpn, mm = table.vpn_of(slots), table.owner_of(slots)
    odd = ((world.page.state[page] & ANON) != 0) & (world.page.index[page] != vpn)
    page, mm, vpn = page[odd], mm[odd], vpn[odd]
    alive = vmas_of(world, mm, vpn) >= 0
    return page[alive], mm[alive], vpn[alive]
