"""One address_space for the anonymous memory of all processes that one exec began (Rik van Riel, March 2004).

The page keeps (space, index) for life, vm_pgoff of a vma says where in the space it lies, and mremap changes its address
alone. Nobody built it: Andrea Arcangeli, who called it anon_vma_global, and Linus Torvalds asked where unique indexes
should come from. As keys of a search they need not be unique, since every pte is checked; so it works, at the price of
looking at every vma of the group that covers the index. The three policies hand out indexes differently.
"""

from __future__ import annotations

import copy
from typing import ClassVar, Self, cast

import numpy as np

from rmapexplorer.core.design import Design, Footprint, Option, Picture, Proposal, StructNode
from rmapexplorer.core.flags import SHARED
from rmapexplorer.core.index.files import FileIndex, ListIndex
from rmapexplorer.core.index.prio_tree import PrioTreeIndex
from rmapexplorer.core.outcome import Refusal
from rmapexplorer.core.sizes import I386, X86_64, Size
from rmapexplorer.core.table import ANON, Bools, Ints, Table, VmaTable
from rmapexplorer.core.units import Corruption
from rmapexplorer.core.walk import Walk
from rmapexplorer.core.world import World
from rmapexplorer.designs.common import counted, foremost, indexed_walk, vma_node
from rmapexplorer.designs.losses import UNCHECKED

SOURCE = "can_vma_merge_after with vm_pgoff as the index in the space"
SLICE_BITS = {I386: 20, X86_64: 35}
"""log2 of the pages one process can map: 4 GiB, and 128 TiB."""
INDEX_BITS = {I386: 32, X86_64: 63}
"""Bits of page->index (an unsigned long; one bit is left to us on 64-bit)."""
STACK_ROOM = 2048
"""P2 begins here, so that a stack can grow down by RLIMIT_STACK without an index below 0."""


class Spaces(Table):
    """The address_spaces: ``mms`` alive that share it, ``made`` so far (the first is number 0)."""

    COLUMNS = {"mms": (np.int64, 0), "made": (np.int64, 0)}
    mms: Ints
    made: Ints


class SpaceVmas:
    """What an index reads of vmas, with the space in the place of the file; -1: the vma is in no space's index."""

    def __init__(self, world: World) -> None:
        self.w = world
        self.space = np.full(64, -1, np.int64)

    def copied(self, world: World) -> SpaceVmas:
        """An independent copy for a copy of the world."""
        other = SpaceVmas(world)
        other.space = self.space.copy()
        return other

    @property
    def file(self) -> Ints:
        """The space of each vma."""
        need = self.w.vma.capacity
        if need > len(self.space):
            grown = np.full(need, -1, np.int64)
            grown[: len(self.space)] = self.space
            self.space = grown
        return self.space

    @property
    def start(self) -> Ints:
        """First page number."""
        return self.w.vma.start

    @property
    def end(self) -> Ints:
        """Page number behind the last."""
        return self.w.vma.end

    @property
    def pgoff(self) -> Ints:
        """Index of the first page in the space."""
        return self.w.vma.pgoff

    @property
    def flags(self) -> Ints:
        """VM_SHARED is never set: only private vmas hold anonymous pages."""
        return self.w.vma.flags


class SharedSpace(Design):
    """Rik's idea in the reading that works: indexes may be handed out twice."""

    key: ClassVar[str] = "shared_space"
    title: ClassVar[str] = "shared address_space"
    era: ClassVar[str] = "March 2004"
    when: ClassVar[str] = "March 2004, proposed"
    story: ClassVar[str] = "one index space for all processes of an exec: pages keep their index, whatever mremap does"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option(name="policy", values=("P0", "P1", "P2"),
               help="Index of new memory. P0: its address, duplicates allowed. P1: a slice of the space for each process, "
                    "until they run out. P2: a range nobody has, so that little merges and growth may be refused"),
        Option(name="index", values=("tree", "list"), help="tree: vmas in a prio_tree by index. list: every vma of the space is looked at"),
        Option(name="pgoff_check", values=("on", "off"),
               help="off: vmas merge although their indexes do not continue each other, and pages cannot be found any more"),
    )  # fmt: skip
    LOSES = UNCHECKED
    TOLD_OF_FORKED_PTES: bool = False
    OWNER: ClassVar[str] = "address_space"
    SIZES: ClassVar[dict[str, dict[str, Size]]] = {
        "address_space": {
            I386: Size(
                16, "the least it needs: prio_tree_root 8, lock 4, count 4 (a whole address_space of 2.6.4: ~128)"
            ),
            X86_64: Size(24, "the least it needs: prio_tree_root 16, lock 4, count 4 (a whole address_space: ~240)"),
        },
        "prio_tree linkage": {
            I386: Size(16, "prio_tree_node or vm_set in the vma: include/linux/mm.h, 2.6.7"),
            X86_64: Size(32, "prio_tree_node or vm_set in the vma: include/linux/mm.h, 2.6.7"),
        },
        "list linkage": {
            I386: Size(8, "a list_head in the vma, as vma->shared: include/linux/mm.h, 2.6.5"),
            X86_64: Size(16, "a list_head in the vma, as vma->shared: include/linux/mm.h, 2.6.5"),
        },
    }
    LOOK: ClassVar[tuple[str, str, str]] = ("shared", "hexagon", "dash")

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        kinds: dict[str, type[FileIndex]] = {"tree": PrioTreeIndex, "list": ListIndex}
        self.FILE_INDEX = kinds[self.options["index"]]  # "the same code as for files"

    def attach(self, world: World) -> None:
        """Called once, when the world is made."""
        super().attach(world)
        self.policy = self.options["policy"]
        self.CHECKS_PGOFF = self.options["pgoff_check"] == "on"
        self.spaces = Spaces()
        self.of_mm: dict[int, int] = {}
        self.number: dict[int, int] = {}  # mm -> which process of its space it is
        self.vmas = SpaceVmas(world)
        self.index: FileIndex = self.FILE_INDEX(cast(VmaTable, self.vmas))

    def copy(self, world: World) -> Self:
        """An independent copy for a copy of the world."""
        other = copy.copy(self)
        other.w, other.options = world, self.options.copy()
        other.spaces, other.of_mm, other.number = self.spaces.copy(), self.of_mm.copy(), self.number.copy()
        other.vmas = self.vmas.copied(world)
        other.index = self.index.copy(cast(VmaTable, other.vmas))
        return other

    @property
    def space_of(self) -> Ints:
        """The space of each vma that holds anonymous pages, -1."""
        return self.vmas.file

    def has_anon(self, vma: int) -> bool:
        """The vma is in its space's index."""
        return bool(self.space_of[vma] >= 0)

    def has_anon_many(self, vmas: Ints) -> Bools:
        """has_anon for many."""
        return self.space_of[vmas] >= 0

    # -- indexes ----------------------------------------------------------------------------------

    def pgoff_for(self, mm: int, start: int, source: int) -> int:
        """The index of new private anonymous memory, by the policy."""
        if self.policy == "P0":
            return start
        if self.policy == "P2":
            return self._fresh_range(mm, start)
        return (self.number[mm] % self.slices << SLICE_BITS[self.w.machine.arch]) + start

    @property
    def slices(self) -> int:
        """Slices of a space under P1: 4,096 on i386."""
        return 1 << INDEX_BITS[self.w.machine.arch] - SLICE_BITS[self.w.machine.arch]

    def _in_group(self, space: int) -> Ints:
        # the private anonymous vmas of all mms of a space
        v, rows = self.w.vma, self.w.vma.live()
        mine = np.zeros(self.w.mm_births, np.bool_)
        mine[[mm for mm, of in self.of_mm.items() if of == space]] = True
        members: Ints = rows[mine[v.mm[rows]] & (v.file[rows] < 0) & ((v.flags[rows] & SHARED) == 0)]
        return members

    def _fresh_range(self, mm: int, start: int) -> int:
        # behind all that is in use; if the vma below ends there, its growth is the same
        v, rows = self.w.vma, self._in_group(self.of_mm[mm])
        return max(int((v.pgoff[rows] + v.end[rows] - v.start[rows]).max(initial=0)), STACK_ROOM)

    def _taken(self, vma: int, first: int, last: int) -> bool:
        # another vma of the group has indexes of [first, last)
        v, rows = self.w.vma, self._in_group(self.of_mm[int(self.w.vma.mm[vma])])
        rows = rows[rows != vma]
        return bool(((v.pgoff[rows] < last) & (v.pgoff[rows] + v.end[rows] - v.start[rows] > first)).any())

    def may_merge(self, target: int, proposal: Proposal, side: str) -> Refusal | None:
        """P2: memory that grows in place needs the indexes behind it. Otherwise all vmas of an mm have the same space."""
        p, v = proposal, self.w.vma
        pages = p.end - p.start
        if side == "right" and v.pgoff[target] < pages and not self.CHECKS_PGOFF:
            return Refusal("pgoff", "the index would fall below 0", f"{pages:x}", f"{int(v.pgoff[target]):x}", SOURCE)
        grows = self.policy == "P2" and p.anon_from == target and p.middle < 0 and p.copied_from < 0 and p.file < 0
        if grows and self._taken(target, p.pgoff, p.pgoff + pages):
            self.w.counters["index_overflows"] += 1
            span = f"{p.pgoff:x}-{p.pgoff + pages:x}"
            return Refusal("pgoff", f"indexes {span} of the space are taken", span, "taken", SOURCE)
        return None

    def duplicates(self, space: int) -> int:
        """Resident anonymous pages that share their index in the space with an older one."""
        pages = self.w.page.live()
        mine = ((self.w.page.state[pages] & ANON) != 0) & (self.w.page.mapping[pages] == space)
        index = self.w.page.index[pages[mine]]
        return len(index) - len(np.unique(index))

    # -- tasks ------------------------------------------------------------------------------------

    def mm_created(self, mm: int) -> None:
        """exec: a space of its own."""
        self.of_mm[mm] = self.spaces.new(mms=1, made=1)
        self.number[mm] = 0
        self.w.counters["objs_alloc"] += 1
        self.w.counters["sleeping_allocs"] += 1

    def mm_forked(self, child: int, parent: int) -> None:
        """fork: the parent's space, shared. Under P1 slices are handed out again when all were."""
        space = self.of_mm[parent]
        self.of_mm[child], self.number[child] = space, int(self.spaces.made[space])
        self.spaces.mms[space] += 1
        self.spaces.made[space] += 1
        if self.policy == "P1" and self.number[child] >= self.slices:
            self.w.counters["index_overflows"] += 1

    def vmas_forked(self, parents: Ints, children: Ints) -> None:
        """dup_mmap: the children's vmas have the same indexes, beside the parents'."""
        linked = self.space_of[parents] >= 0
        parents, children = parents[linked], children[linked]
        self.space_of[children] = self.space_of[parents]
        if len(children):
            self.index.insert_forked(parents, children)

    def mm_gone(self, mm: int) -> None:
        """The space goes with its last mm: its pages went before."""
        space = self.of_mm.pop(mm)
        del self.number[mm]
        self.spaces.mms[space] -= 1
        if not self.spaces.mms[space]:
            self.spaces.free(space)
            self.w.counters["objs_free"] += 1

    # -- vmas -------------------------------------------------------------------------------------

    def prepare(self, vma: int) -> None:
        """Before its first anonymous page a vma enters the index. Nothing is allocated."""
        if self.space_of[vma] < 0:
            self._link(vma)

    def _link(self, vma: int) -> None:
        self.space_of[vma] = self.of_mm[int(self.w.vma.mm[vma])]
        self.index.insert(vma)

    def vma_cloned(self, old: int, new: int) -> None:
        """split, copy_vma: the new part too. A copy that is to be longer may run into others' indexes (P2)."""
        if self.space_of[old] >= 0:
            self._link(new)
        v = self.w.vma
        first, last = int(v.pgoff[new]), int(v.pgoff[new] + v.end[new] - v.start[new])
        beyond = int(v.pgoff[old] + v.end[old] - v.start[old])
        if self.policy == "P2" and v.file[new] < 0 and first <= beyond < last and self._taken(new, beyond, last):
            self.w.counters["index_overflows"] += 1

    def vmas_resizing(self, vmas: tuple[int, ...]) -> None:
        """Out of the index while the keys change."""
        for row in vmas:
            if self.space_of[row] >= 0:
                self.index.remove(row)

    def vmas_resized(self, vmas: tuple[int, ...]) -> None:
        """And in again."""
        for row in reversed(vmas):
            if self.space_of[row] >= 0:
                self.index.insert(row)

    def anon_vma_adopted(self, target: int, source: int) -> None:
        """A vma that takes in pages of another is in the index too."""
        if self.space_of[source] >= 0:
            self.prepare(target)

    def vma_merged(self, kept: int, gone: int) -> None:
        """The vma that was taken in leaves."""
        self.vmas_unlinked(np.array([gone], np.int64))

    def vmas_unlinked(self, vmas: Ints) -> None:
        """munmap, exit: out of the index."""
        linked = vmas[self.space_of[vmas] >= 0]
        self.index.remove_many(linked)
        self.space_of[linked] = -1

    # -- pages ------------------------------------------------------------------------------------

    def ptes_set(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """With the first mapping: space and index. They never change while the page is mapped."""
        if cause == "swap_in":
            fresh = self.w.page.mapcount[pages] == 1
            pages, vmas, vpns = pages[fresh], vmas[fresh], vpns[fresh]
        if cause in ("first_write", "cow", "swap_in"):
            v = self.w.vma
            self.w.page.mapping[pages] = self.space_of[vmas]
            self.w.page.index[pages] = v.pgoff[vmas] + vpns - v.start[vmas]

    def anon_candidates(self, pages: Ints) -> Walk:
        """Every vma of the group that covers the index, in the order of the index."""
        return indexed_walk(self.w, pages, self.index)

    # -- accounting -------------------------------------------------------------------------------

    @property
    def _linkage(self) -> str:
        return "prio_tree linkage" if self.options["index"] == "tree" else "list linkage"

    def footprint(self) -> tuple[Footprint, ...]:
        """Spaces, and what lies inside the vmas that are in an index."""
        linked = sum(self.index.size(space) for space in self.spaces.live().tolist())
        return (
            self.footprint_row("address_space", len(self.spaces)),
            self.footprint_row(self._linkage, linked, slab=False),
        )

    def recount(self) -> dict[str, int]:
        """What live mms and vmas reach."""
        linked = self.space_of[self.w.vma.live()] >= 0
        return {"address_space": len(set(self.of_mm.values())), self._linkage: int(linked.sum())}

    def check(self) -> None:
        """Each index is in order and holds the vmas that name its space, which is their mm's."""
        live = self.w.vma.live()
        for space in self.spaces.live().tolist():
            users = sum(of == space for of in self.of_mm.values())
            if users != self.spaces.mms[space]:
                raise Corruption(f"space {space} counts {self.spaces.mms[space]} mms, {users} share it")
            members = np.sort(self.index.order(space))
            if not np.array_equal(members, live[self.space_of[live] == space]) or not self.index.in_order(space):
                raise Corruption(f"the index of space {space} differs from the vmas that name it, or is out of order")
            if any(self.of_mm[mm] != space for mm in self.w.vma.mm[members].tolist()):
                raise Corruption(f"space {space} holds a vma of another group")

    def digest_parts(self) -> tuple[bytes, ...]:
        """Spaces, whose they are, and the order of each index."""
        rows = self.spaces.live()
        orders = tuple(self.index.order(space).tobytes() for space in rows.tolist())
        mms = repr((sorted(self.of_mm.items()), sorted(self.number.items()))).encode()
        columns = (rows, self.spaces.mms[rows], self.spaces.made[rows], self.space_of[self.w.vma.live()])
        return (*(column.tobytes() for column in columns), mms, *orders)

    # -- pictures and words -----------------------------------------------------------------------

    def vma_owner(self, vmas: Ints) -> Ints:
        """The space, where the vma holds anonymous pages."""
        return self.space_of[vmas]

    def vma_links(self, vmas: Ints) -> Ints:
        """1 where the vma is in an index."""
        return (self.space_of[vmas] >= 0).astype(np.int64)

    def owner_name(self, owner: int) -> str:
        """S0, S1 ..."""
        return f"S{owner}" if owner >= 0 else "—"

    def _owner_of(self, page: int, vma: int) -> int:
        if page >= 0 and self.w.page.state[page] & ANON:
            return int(self.w.page.mapping[page])
        return int(self.space_of[vma]) if vma >= 0 else -1

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """The space behind the page or vma."""
        space = self._owner_of(page, vma)
        if space < 0:
            return "", []
        count = self.index.size(space)
        return f"address_space {self.owner_name(space)}", [
            ("i_mmap", counted(count, "vma"), f"{self.index.KIND} of all vmas that may hold its pages"),
            ("mms", str(self.spaces.mms[space]), f"alive, of {self.spaces.made[space]} since exec"),
            ("duplicates", str(self.duplicates(space)), "pages whose index an older page has too"),
        ]

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The space and its vmas: for a page those that cover its index, in walking order."""
        space = self._owner_of(page, vma)
        if space < 0:
            return super().picture(page, vma, limit)
        anon = page >= 0 and bool(self.w.page.state[page] & ANON)
        if anon:
            found = self.index.stab(space, self.w.page.index[[page]])[0].vmas
        else:
            found = self.index.order(space)
        shown = foremost(self.w, page if anon else -1, found, limit)
        words = f"{self.index.size(space)} vmas, {self.spaces.mms[space]} mms"
        nodes = [StructNode(key=f"S{space}", rank=1, title=self.owner_name(space), subtitle=words, family=space)]
        nodes += [vma_node(self.w, row, space) for row in shown]
        links = [("page", f"S{space}")] if anon else []
        links += [(f"S{space}", f"v{row}") for row in shown]
        headings = ("page", "address_space", "vmas at its index", "task")
        return Picture(nodes=tuple(nodes), links=tuple(links), total=len(found), headings=headings)
