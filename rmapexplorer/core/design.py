"""The Design interface: what a world asks and tells the way it finds ptes.

Hooks that *ask* (prepare, must_copy, may_*) come before any change and may refuse; hooks that *tell* (past
participles) cannot fail. Ids in, ids out; arrays of page ids, vma ids, page numbers and slots (pte
addresses) run in step. All hooks have defaults that do nothing, so a design states only what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from attrs import define, frozen

from rmapexplorer.core.index.files import FileIndex, ListIndex
from rmapexplorer.core.outcome import Refusal
from rmapexplorer.core.reclaim import pageout, shrink
from rmapexplorer.core.sizes import Size, slab_objects, slab_pages, slub_objects
from rmapexplorer.core.table import NONE, Bools, Ints
from rmapexplorer.core.walk import Walk, no_walk

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


@frozen(kw_only=True)
class Option:
    """A switch of a design: ``values`` it may take, the first is the default."""

    name: str
    values: tuple[str, ...]
    help: str


@frozen(kw_only=True)
class Loss:
    """Ptes that a form of a design cannot find, by design: the form has ``value`` for ``option``.

    :param words: which pages, in words that follow "loses ptes:". :param lost: how many ptes a world must miss now.
    """

    option: str
    value: str
    words: str
    lost: Callable[[World], int]


@frozen(kw_only=True)
class Footprint:
    """Objects of one kind kept now. ``size`` is one structure in bytes with its ``source``; ``slab_pages`` holds them all."""

    kind: str
    objects: int
    size: int
    source: str
    slab_pages: int = 0

    @property
    def bytes(self) -> int:
        """objects x size."""
        return self.objects * self.size


@define(kw_only=True)
class Proposal:
    """A merge under test: the span [start, end) with these attributes, beside prev or next.

    :param anon_from: the vma whose anon_vma the span carries, -1 for new memory (``vma_merge_struct.anon_vma``).
    :param middle: the existing vma whose part this is, -1 where the span is free.
    :param copied_from: the vma mremap copies from, -1 otherwise.
    """

    mm: int
    start: int
    end: int
    flags: int
    file: int
    pgoff: int
    anon_from: int = -1
    middle: int = -1
    copied_from: int = -1
    prev: int = -1
    next: int = -1


@frozen(kw_only=True)
class StructNode:
    """A box of the picture ``structure`` returns; see engine.frames.Node."""

    key: str
    rank: int
    title: str
    subtitle: str = ""
    family: int = -1
    vma: int = -1
    mm: int = -1
    state: str = ""


@frozen(kw_only=True)
class Picture:
    """Objects around a page or vma: nodes in ranks 0 page, 1 owner, 2 vma, 3 task (by mm), links between their keys."""

    nodes: tuple[StructNode, ...]
    links: tuple[tuple[str, str], ...]
    total: int
    headings: tuple[str, str, str, str]
    left_out: tuple[int, int, int, int] | None = None
    """Nodes of each rank beyond the limit; None: what is missing of ``total``, in the rank that is full."""


@frozen(kw_only=True, eq=False)
class Incidence:
    """Which vmas hang on which of the design's objects, and the forest of those objects; ids, arrays in step."""

    vmas: Ints
    owners: Ints
    """Link i ties vmas[i] to owners[i]."""
    objects: Ints
    """All objects there are, those without a vma included."""
    parents: Ints
    """Of each object the one it came from, -1 for none."""
    link: str = "link"
    """What a link is called."""


@frozen(kw_only=True, eq=False)
class PageChains:
    """Lists kept for each page: how many ptes hang on each list, and the blocks that hold them."""

    ptes: Ints
    """One element a page that is mapped."""
    slots: int
    """Ptes a block holds."""
    block_bytes: int
    direct: bool
    """The only pte of a page needs no block."""


class Design:
    """Base of all designs. ``attach`` gives it its world; its own tables are attributes it copies in ``copy``."""

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""
    era: ClassVar[str] = ""
    when: ClassVar[str] = ""
    """Year and kernel version, or where it was proposed."""
    story: ClassVar[str] = ""
    OPTIONS: ClassVar[tuple[Option, ...]] = ()
    LOSES: ClassVar[tuple[Loss, ...]] = ()
    """Forms that lose ptes by design; every other form finds all."""
    FILE_INDEX: type[FileIndex] = ListIndex
    """The order of a file's vmas; a design whose options choose it sets its own in __init__."""
    ANON_PGOFF: ClassVar[bool] = True
    """vm_pgoff of anonymous vmas means something (and must be linear to merge)."""
    FILE_PAGES_OWN_WAY: ClassVar[bool] = False
    """Pages of files are found otherwise than through their address_space; pictures and words of the design say how."""
    CHECKS_PGOFF: bool = True
    """Anonymous vmas merge only where pgoff is linear; without ANON_PGOFF it never matters."""
    REFERENCED_STOPS: bool = True
    """page_referenced ends at the mapcount-th pte it finds (2.6.7); before, it always went to the end."""
    BRK_MERGES_RIGHT: bool = True
    """do_brk tries both neighbours (2.6); 6.x only expands the left one."""
    TOLD_OF_FORKED_PTES: bool = True
    """``ptes_set`` wants to know the ptes that a fork shares, one by one; for a design that does not they are not listed."""
    OWNER: ClassVar[str] = "owner"
    """What page->mapping points at, as the user reads it."""
    SIZES: ClassVar[dict[str, dict[str, Size]]] = {}
    """Kind of object -> architecture -> size of the structure, with its source."""
    SLUB: ClassVar[bool] = False
    """Objects lie on SLUB slabs (no management inside), not on those of 2.6's SLAB."""
    GROUPS: ClassVar[bool] = False
    """Its objects are mms in groups, those of a fork family: parents of ``incidence`` are the groups' heads."""
    LOOK: ClassVar[tuple[str, str, str]] = ("other", "star", "dash dot dot")
    """Colour token, marker (square, triangle, circle, diamond, star ...) and dash of its curves."""

    w: World

    def __init_subclass__(cls) -> None:
        """What a design takes over from another one it loses only in forms that it has, too."""
        super().__init_subclass__()
        has = {(option.name, value) for option in cls.OPTIONS for value in option.values}
        cls.LOSES = tuple(loss for loss in cls.LOSES if (loss.option, loss.value) in has)

    def __init__(self, **options: str) -> None:
        self.options = {option.name: option.values[0] for option in self.OPTIONS} | options

    @classmethod
    def loss_of(cls, options: Mapping[str, str]) -> Loss | None:
        """What the form with these options loses by design; None: it finds every pte."""
        return next((loss for loss in cls.LOSES if options.get(loss.option) == loss.value), None)

    def predicted_loss(self) -> int:
        """How many ptes walks must miss now, to the pte: 0 but for the forms of LOSES."""
        loss = self.loss_of(self.options)
        return loss.lost(self.w) if loss is not None else 0

    def attach(self, world: World) -> None:
        """Called once, when the world is made."""
        self.w = world

    def copy(self, world: World) -> Self:
        """An independent copy for a copy of the world: arrays, tables and dicts copied, ``w`` replaced."""
        other = object.__new__(type(self))
        for name, value in vars(self).items():
            own = hasattr(value, "copy") and name != "w" and not isinstance(value, type)
            setattr(other, name, value.copy() if own else value)
        other.w = world
        return other

    # -- where a vma lies in the index space ------------------------------------------------------

    def pgoff_for(self, mm: int, start: int, source: int) -> int:
        """vm_pgoff of new private anonymous memory at page number ``start``, or of unfaulted vma ``source`` moved there."""
        return start if self.ANON_PGOFF else 0

    def has_anon(self, vma: int) -> bool:
        """The vma was prepared for anonymous pages (vma->anon_vma != NULL where there is one)."""
        return bool(self.w.vma.touched[vma])

    def has_anon_many(self, vmas: Ints) -> Bools:
        """has_anon for many."""
        return self.w.vma.touched[vmas]

    # -- faults -----------------------------------------------------------------------------------

    def prepare(self, vma: int) -> None:
        """anon_vma_prepare: before the first anonymous page of a private vma (write fault, guard install)."""

    def ptes_set(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """page_add_rmap, after mapcount rose. Causes: first_write, cow, file, fork, swap_in, mremap.

        For first_write and cow the pages are new and the design sets mapping and index; for swap_in it does
        where mapcount is 1. ``vmas`` are the mappers' (the child's in a fork).
        """

    def ptes_cleared(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """page_remove_rmap, after mapcount fell. Causes: unmap, cow, reclaim, mremap."""

    def pages_reused(self, pages: Ints, vma: int, vpns: Ints) -> None:
        """A write fault reuses pages it owns alone (page_move_anon_rmap)."""

    def page_gone(self, pages: Ints) -> None:
        """Anonymous pages are freed: nothing maps them, nothing caches them."""

    # -- tasks ------------------------------------------------------------------------------------

    def mm_created(self, mm: int) -> None:
        """exec or the first process: a new, empty mm."""

    def mm_forked(self, child: int, parent: int) -> None:
        """fork: the child's mm exists, still without vmas."""

    def vmas_forked(self, parents: Ints, children: Ints) -> None:
        """dup_mmap: rows of ``children`` are copies of ``parents``; wiped ones are not among them."""

    def fork_spares(self, vmas: int, ptes: int) -> None:
        """copy_page_range is about to share ``ptes`` ptes of ``vmas`` vmas (pte_chain allocates for it)."""

    def mm_gone(self, mm: int) -> None:
        """The last user exits; its vmas and ptes are gone already."""

    # -- vmas -------------------------------------------------------------------------------------

    def vma_cloned(self, old: int, new: int) -> None:
        """__split_vma, copy_vma: ``new`` is another part of what ``old`` maps (anon_vma_clone)."""

    def vmas_resizing(self, vmas: tuple[int, ...]) -> None:
        """Bounds are about to change (vma_prepare), in the kernel's order."""

    def vmas_resized(self, vmas: tuple[int, ...]) -> None:
        """Bounds have changed (vma_complete)."""

    def may_merge(self, target: int, proposal: Proposal, side: str) -> Refusal | None:
        """is_mergeable_anon_vma: may ``target`` (prev for side "left", next for "right") take the proposed span in?"""
        return None

    def may_join(self, prev: int, next: int) -> Refusal | None:
        """The test of both sides at once: may prev take in next?"""
        return None

    def anon_vma_adopted(self, target: int, source: int) -> None:
        """dup_anon_vma: target, without an anon_vma, is about to take in (part of) source, which may have one."""

    def share_with_neighbours(self, vma: int, flags: int) -> None:
        """No neighbour took in the vma, which is new or about to get ``flags``: a chance to tie it to one for later."""

    def vma_merged(self, kept: int, gone: int) -> None:
        """anon_vma_merge: ``gone`` was taken in whole and is about to be freed."""

    def vmas_unlinked(self, vmas: Ints) -> None:
        """unlink_anon_vmas: the vmas are about to be freed."""

    def vma_owner(self, vmas: Ints) -> Ints:
        """The object each vma hangs on, for colours and the table; -1 none."""
        return np.full(len(vmas), -1, np.int64)

    def page_owner(self, pages: Ints) -> Ints:
        """The object each anonymous page points at (page->mapping), numbered as ``vma_owner`` numbers them; -1 none.

        Asked of designs whose vmas have owners only.
        """
        return np.maximum(self.w.page.mapping[pages], -1)

    def vma_links(self, vmas: Ints) -> Ints:
        """Links kept for each vma."""
        return np.zeros(len(vmas), np.int64)

    # -- mremap -----------------------------------------------------------------------------------

    def must_copy(self, entries: Ints, vma: int, vpns: Ints, cause: str) -> Bools:
        """Which entries must be copied first, because the page cannot be found at its new place.

        Causes: mremap (entries that map pages), swap_in; and mremap_swapped (swap entries of a span about to move): those
        chosen are read back where they are, then asked about as mremap.
        """
        return np.zeros(len(entries), np.bool_)

    def relocates(self, vma: int, start: int, end: int) -> bool:
        """Pages [start, end) of ``vma`` are about to move: will ``ptes_moved`` tie them to the new place as if faulted there?

        True: the span merges and gets its pgoff there like new memory, and its vma is prepared before the ptes move.
        Asked only where the vma has anonymous pages; may refuse the call (KernelError).
        """
        return False

    def ptes_moved(
        self, pages: Ints, source: int, target: int, old_vpns: Ints, vpns: Ints, old_slots: Ints, slots: Ints
    ) -> None:
        """Present ptes went from vma ``source`` to vma ``target``; mapcount is unchanged."""

    def span_moved(self, source: int, old_start: int, target: int, start: int, pages: int) -> None:
        """The whole span of a move, touched or not."""

    # -- walks ------------------------------------------------------------------------------------

    def anon_candidates(self, pages: Ints) -> Walk:
        """Candidates for anonymous pages (rmap_walk_anon)."""
        return no_walk(pages)

    def file_candidates(self, pages: Ints) -> Walk:
        """Candidates for pages of files (rmap_walk_file): by default through the file's index."""
        return self.w.file_candidates(pages)

    def walk_for(self, walk: Walk, purpose: str) -> Walk:
        """``walk`` as a real one does it that asks for references (referenced) or unmaps (unmap); by default as looking."""
        return walk

    def unmap_rest(self, pages: Ints) -> None:
        """try_to_unmap, after the walks: ``pages`` are mapped still (locked ones too). Some kernels sweep ptes for them."""

    def walked(self, pages: Ints, hits: Ints, purpose: str) -> None:
        """After a real walk; purposes: referenced, unmap. Never called by looking."""

    def reclaim(self, pages: int) -> int:
        """Free ``pages`` pages; returns how many were. By default the two lists and a walk for each page (shrink_zone)."""
        return shrink(self.w, pages)

    def pageout(self, pages: Ints) -> int:
        """Free these very pages, used or not; returns how many went. By default a walk for each (try_to_unmap)."""
        return pageout(self.w, pages)

    # -- accounting -------------------------------------------------------------------------------

    def footprint(self) -> tuple[Footprint, ...]:
        """Objects kept now, by kind."""
        return ()

    def size_of(self, kind: str) -> Size:
        """One structure of ``kind`` on the machine's architecture."""
        return self.SIZES[kind][self.w.machine.arch]

    def footprint_row(self, kind: str, objects: int, slab: bool = True) -> Footprint:
        """A row of the footprint with the size of SIZES; ``slab`` False for what lies inside other structures."""
        arch = self.w.machine.arch
        size = self.size_of(kind)
        pages = slab_pages(objects, slub_objects(size.bytes) if self.SLUB else slab_objects(size.bytes, arch))
        return Footprint(
            kind=kind, objects=objects, size=size.bytes, source=size.source, slab_pages=pages if slab else 0
        )

    def recount(self) -> dict[str, int]:
        """Kind -> objects, counted anew from what live vmas, mms and pages reach; must equal footprint()."""
        return {}

    def check(self) -> None:
        """Raise Corruption where the design's own structures contradict each other."""

    def digest_parts(self) -> tuple[bytes, ...]:
        """The design's state as bytes, for the digest of the world."""
        return ()

    # -- pictures and words -----------------------------------------------------------------------

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The objects around a page (-1: none) or vma."""
        return Picture(nodes=(), links=(), total=0, headings=("page", self.OWNER, "vma", "task"))

    def incidence(self) -> Incidence:
        """All links between vmas and objects; by default those of ``vma_owner``, objects without parents."""
        vmas = self.w.vma.live()
        owners = self.vma_owner(vmas)
        tied = owners >= 0
        objects = np.flatnonzero(np.bincount(owners[tied])) if tied.any() else NONE
        return Incidence(
            vmas=vmas[tied], owners=owners[tied], objects=objects, parents=np.full(len(objects), -1, np.int64)
        )

    def page_chains(self) -> PageChains | None:
        """The lists kept for pages; None where the design keeps none."""
        return None

    def chained_pages(self) -> Ints:
        """Pages with a list of their own although the design means to find them by their index."""
        return NONE

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """Title and (name, value, meaning) of the object behind a page or vma; an empty title where there is none."""
        return "", []

    def owner_name(self, owner: int) -> str:
        """How an owner id is written ("A3")."""
        return f"#{owner}" if owner >= 0 else "—"
