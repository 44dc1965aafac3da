"""No reverse map (2.4): to free memory the page tables of all processes are scanned in turn, from where the last scan stopped.

swap_out goes round a ring of mms. In each it takes present ptes in order of address: young ones are aged, those of active
pages left, the others unmapped, until 32 pages lost their last pte. The page itself goes when shrink_cache meets it on
the inactive list again, mapped nowhere. Kernel: mm/vmscan.c of 2.4.18 and 2.5.26, the last before rmap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import define

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.design import Design, Footprint, Picture, StructNode
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.pages import clear, is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.reclaim import BATCH, drop_unmapped, unmap_ptes
from rmapexplorer.core.sizes import I386, X86_64, Size
from rmapexplorer.core.table import ACTIVE, ANON, DIRTY, EXCLUSIVE, LAZYFREE, NONE, REFERENCED, Bools, Ints
from rmapexplorer.core.units import TABLE_SHIFT, TASK_SIZE_PAGES, Corruption
from rmapexplorer.core.walk import Walk
from rmapexplorer.core.world import World
from rmapexplorer.designs.common import vma_node

DEF_PRIORITY = 6
INIT_MM = -1
"""The ring's own place: init_mm, which has no user memory."""
END = TASK_SIZE_PAGES
"""swap_address of an mm that was scanned to its end."""
KIND = "swap_address (in mm_struct)"


@define
class Scanned:
    """What swap_out has done: ``spent`` of its 32 pages, ptes aged or unmapped, pages activated."""

    spent: int = 0
    changed: int = 0
    activated: int = 0


class VirtualScan(Design):
    """2.4 and 2.5 before July 2002."""

    key: ClassVar[str] = "virtual_scan"
    title: ClassVar[str] = "virtual scan"
    era: ClassVar[str] = "2.4"
    when: ClassVar[str] = "until 2002, Linux 2.4 and 2.5"
    story: ClassVar[str] = "nothing is kept: whoever wants a page scans the page tables of everybody until it turns up"
    ANON_PGOFF: ClassVar[bool] = False
    FILE_PAGES_OWN_WAY: ClassVar[bool] = True
    TOLD_OF_FORKED_PTES: bool = False
    OWNER: ClassVar[str] = "nothing"
    SIZES: ClassVar[dict[str, dict[str, Size]]] = {
        KIND: {
            I386: Size(4, "swap_address of struct mm_struct, include/linux/sched.h 2.4.18"),
            X86_64: Size(8, "swap_address of struct mm_struct, include/linux/sched.h 2.4.18"),
        }
    }
    LOOK: ClassVar[tuple[str, str, str]] = ("dim", "plus", "dot")

    def attach(self, world: World) -> None:
        """Called once, when the world is made."""
        super().attach(world)
        self.ring: list[int] = []  # mms behind init_mm, in the order of the scan
        self.address: dict[int, int] = {}  # mm -> swap_address, a page number
        self.swap_mm = INIT_MM

    # -- the ring ---------------------------------------------------------------------------------

    def mm_created(self, mm: int) -> None:
        """exec_mmap: list_add behind init_mm."""
        self.ring.insert(0, mm)
        self.address[mm] = 0

    def mm_forked(self, child: int, parent: int) -> None:
        """copy_mm: right behind the parent."""
        self.ring.insert(self.ring.index(parent) + 1, child)
        self.address[child] = 0

    def mm_gone(self, mm: int) -> None:
        """mmput: a cursor that stands here goes to the next."""
        if self.swap_mm == mm:
            self.swap_mm = self._next(mm)
        self.ring.remove(mm)
        del self.address[mm]

    def _next(self, mm: int) -> int:
        at = self.ring.index(mm) + 1 if mm != INIT_MM else 0
        return self.ring[at] if at < len(self.ring) else INIT_MM

    def _turn(self) -> list[int]:
        # the mms in the order in which the scan comes to them, the one the cursor stands in first
        at = self.ring.index(self.swap_mm) if self.swap_mm != INIT_MM else 0
        at += self.swap_mm != INIT_MM and self.address[self.swap_mm] >= END
        return self.ring[at:] + self.ring[:at]

    # -- looking: a page is wherever the scan happens to find it ------------------------------------

    def _ptes(self) -> tuple[Ints, Ints, Ints, Ints]:
        # (mm, vma, page number, mms met so far) of every pte that maps a page, in the order of a full turn
        parts: list[tuple[Ints, Ints, Ints, Ints]] = []
        turn = self._turn()
        first = self.address[turn[0]] % END if turn else 0
        spans = [(mm, 0, END) for mm in turn]
        if first:  # the rest of the first mm comes last
            spans = [(turn[0], first, END), *spans[1:], (turn[0], 0, first)]
        for met, (mm, low, high) in enumerate(spans):
            vpns, vmas, _ = self._mapped(self.w.mms[mm], low, high)
            parts.append((np.full(len(vpns), mm), vmas, vpns, np.full(len(vpns), met + 1)))
        if not parts:
            return NONE, NONE, NONE, NONE
        mms, vmas, vpns, met_by = (np.concatenate(column) for column in zip(*parts, strict=True))
        return mms, vmas, vpns, met_by

    def _mapped(self, mm: Mm, low: int, high: int) -> tuple[Ints, Ints, Ints]:
        # (page number, vma, slot) of the ptes of [low, high) that map pages
        vpns, slots = self.w.pt.span(mm.tables, low, high)
        there = is_page(self.w.pt.flat[slots])
        vpns, slots = vpns[there], slots[there]
        if not len(vpns):
            return NONE, NONE, NONE
        starts = np.array(mm.starts, np.int64)
        return vpns, np.array(mm.vmas, np.int64)[np.searchsorted(starts, vpns, "right") - 1], slots

    def anon_candidates(self, pages: Ints) -> Walk:
        """All ptes of all mms from the cursor on, the same for every page; nodes are the mms met."""
        mms, vmas, vpns, met = self._ptes()
        rows = int(met[-1]) if len(met) else 0
        zero = np.zeros(len(pages), np.int64)
        return Walk(
            pages=pages, group=zero, start=zero, first=np.array([0, len(mms)]), mm=mms, vma=vmas, vpn=vpns, nodes=met,
            rejects=np.zeros(len(mms), np.int64), total_nodes=np.array([rows]), total_rejects=np.array([0]),
        )  # fmt: skip

    def file_candidates(self, pages: Ints) -> Walk:
        """As for anonymous pages: the scan does not care."""
        return self.anon_candidates(pages)

    # -- swap_out ---------------------------------------------------------------------------------

    def swap_out(self) -> Scanned:
        """One call: goes round the ring, and into the first mm again, until 32 pages lost their last pte."""
        self.w.counters["walks"] += 1
        done, left = Scanned(), len(self.ring)
        while left >= 0 and done.spent < BATCH and self._advance():
            self._swap_out_mm(self.w.mms[self.swap_mm], done)
            left -= 1
        return done

    def _advance(self) -> bool:
        # from mms that are done to the next that is not; False where there is none
        while self.swap_mm == INIT_MM or self.address[self.swap_mm] >= END:
            if not self.ring:
                return False
            if self.swap_mm != INIT_MM:
                self.address[self.swap_mm] = 0
            self.swap_mm = self._next(self.swap_mm)
        return True

    def _swap_out_mm(self, mm: Mm, done: Scanned) -> None:
        # from swap_address on, table by table, until the budget is spent
        self.w.counters["list_nodes"] += 1
        for number in mm.tables.numbers(min(self.address[mm.id], END - 1), END):
            low, high = max(self.address[mm.id], number << TABLE_SHIFT), (number + 1) << TABLE_SHIFT
            low = self._scan(mm, low, high, done)
            if done.spent >= BATCH:
                self.address[mm.id] = low
                return
        self.address[mm.id] = END

    def _scan(self, mm: Mm, low: int, high: int, done: Scanned) -> int:
        # try_to_swap_out of the ptes in [low, high), which one table holds; returns the address reached
        w = self.w
        vpns, vmas, slots = self._mapped(mm, low, high)
        entries = w.pt.flat[slots]
        pages = entries >> ENTRY_SHIFT
        locked = (w.vma.flags[vmas] & vm.LOCKED) != 0
        young = ((entries & radix.YOUNG) != 0) & ~locked
        goes = ~young & ~locked & ((w.page.state[pages] & ACTIVE) == 0)
        goes[goes] = self._has_swap(pages[goes])
        last = goes & (w.page.mapcount[pages] == 1)
        cut = int(np.searchsorted(np.cumsum(last), BATCH - done.spent)) + 1  # up to the pte that spends the budget
        reached = high if cut > len(vpns) else int(vpns[cut - 1]) + 1
        vpns, vmas, slots, pages = vpns[:cut], vmas[:cut], slots[:cut], pages[:cut]
        young, goes = young[:cut], goes[:cut]
        done.activated += self._accessed(pages[young | locked[:cut]])
        w.pt.flat[slots[young]] &= ~np.int64(radix.YOUNG)
        done.spent += int(last[:cut].sum())
        done.changed += int(young.sum() + goes.sum())
        w.counters["pte_probes"] += len(vpns)
        w.counters["hits"] += int(goes.sum())
        w.counters["false_probes"] += len(vpns) - int(goes.sum())
        self._unmap(mm, vpns[goes], vmas[goes], slots[goes], pages[goes])
        return reached

    def _has_swap(self, pages: Ints) -> Bools:
        # get_swap_page: anonymous pages without a slot need one that is free
        wants = ((self.w.page.state[pages] & ANON) != 0) & (self.w.page.swap[pages] < 0)
        if self.w.swap_pages is None:
            return np.ones(len(pages), np.bool_)
        mask: Bools = ~wants | (np.cumsum(wants) <= self.w.swap_pages - len(self.w.swap))
        return mask

    def _accessed(self, pages: Ints) -> int:
        # mark_page_accessed: the second time a page is seen used it is activated; returns how many were
        state = self.w.page.state
        pages = np.unique(pages)
        pages = pages[(state[pages] & ACTIVE) == 0]
        again = (state[pages] & REFERENCED) != 0
        state[pages[~again]] |= REFERENCED
        state[pages[again]] = (state[pages[again]] | ACTIVE) & ~REFERENCED
        _to_front(self.w, pages[again])
        return int(again.sum())

    def _unmap(self, mm: Mm, vpns: Ints, vmas: Ints, slots: Ints, pages: Ints) -> None:
        # ptes go; the pages stay, in the swap cache or the page cache
        kept = ~self._drop_clean(mm, vpns, vmas, slots, pages)
        vpns, vmas, slots, pages = vpns[kept], vmas[kept], slots[kept], pages[kept]
        mms = np.full(len(pages), mm.id, np.int64)
        anon = (self.w.page.state[pages] & ANON) != 0
        for part, kind in ((anon, True), (~anon, False)):
            picked = np.flatnonzero(part)
            unmap_ptes(self.w, pages, slots[part], picked, vmas[part], mms[part], vpns[part], kind)
        self.w.page.state[pages[anon]] &= ~EXCLUSIVE

    def _drop_clean(self, mm: Mm, vpns: Ints, vmas: Ints, slots: Ints, pages: Ints) -> Bools:
        # a clean anonymous page outside swap needs none (!PageDirty: drop_pte); only MADV_FREE makes such pages
        state, entries = self.w.page.state[pages], self.w.pt.flat[slots]
        lazy = (state & (ANON | LAZYFREE)) == ANON | LAZYFREE
        clean: Bools = lazy & (((entries & radix.DIRTY) | (state & DIRTY)) == 0)
        self.w.page.state[pages[lazy & ~clean]] &= ~LAZYFREE
        clear(self.w, mm, vmas[clean], vpns[clean], slots[clean], "reclaim")
        return clean

    # -- shrink_cache -----------------------------------------------------------------------------

    def reclaim(self, pages: int) -> int:
        """try_to_free_pages until ``pages`` are free, or two calls in a row changed nothing; returns the pages freed."""
        freed, barren, lists = 0, 0, _Lists(self.w)
        while freed < pages and barren < 2:
            got, lists.changed = 0, 0
            for priority in range(DEF_PRIORITY, 0, -1):
                got += self._shrink_caches(lists, priority, BATCH - got)
                if got >= BATCH:
                    break
            freed += got
            barren = 0 if got or lists.changed else barren + 1
        return freed

    def _shrink_caches(self, lists: _Lists, priority: int, wanted: int) -> int:
        # the active list is kept at two thirds, then the inactive list is looked through; returns the pages freed
        self._refill_inactive(lists, max(wanted * lists.active // ((lists.inactive + 1) * 2), 1))
        scan = lists.inactive // priority
        # mapped pages to pass before swap_out: 256 at priority 6 (2.5.26), but no more than a tenth of the scan (2.4.18)
        mapped_left = min(wanted << (9 - priority), scan // 10)
        freed = 0
        while scan > 0 and freed < wanted:
            page = lists.tail(False)
            if page < 0:
                break
            scan -= 1
            if self.w.page.mapcount[page] == 0 and self._free(page):
                freed, lists.inactive = freed + 1, lists.inactive - 1
                continue
            lists.rotate(page)
            mapped_left -= 1
            if mapped_left < 0:
                done = self.swap_out()
                lists.inactive, lists.active = lists.inactive - done.activated, lists.active + done.activated
                lists.changed += done.changed
                break
        return freed

    def _refill_inactive(self, lists: _Lists, count: int) -> None:
        # active pages that were not seen used again go to the inactive list
        for _ in range(lists.active):
            page = lists.tail(True) if count > 0 else -1
            if page < 0:
                return
            referenced = bool(self.w.page.state[page] & REFERENCED)
            if referenced:
                self.w.page.state[page] &= ~REFERENCED
            else:
                self.w.page.state[page] = (self.w.page.state[page] | REFERENCED) & ~ACTIVE
                count, lists.active, lists.inactive = count - 1, lists.active - 1, lists.inactive + 1
            lists.rotate(page)

    def _free(self, page: int) -> int:
        # a page nothing maps: written where it was changed, and gone
        written = bool(self.w.page.state[page] & ANON)
        gone = drop_unmapped(self.w, page)
        self.w.counters["swap_outs"] += gone if written else 0
        return gone

    def pageout(self, pages: Ints) -> int:
        """These very pages: one turn over all page tables for all of them together, whatever was used lately."""
        if not len(pages):
            return 0
        before = len(self.w.page)
        wanted = np.zeros(self.w.page.capacity, np.bool_)
        wanted[pages] = True
        self.w.counters["walks"] += 1
        for mm in [self.w.mms[mm] for mm in self._turn()]:
            vpns, vmas, slots = self._mapped(mm, 0, END)
            owners = self.w.pt.flat[slots] >> ENTRY_SHIFT
            goes = wanted[owners] & ((self.w.vma.flags[vmas] & vm.LOCKED) == 0)
            goes[goes] = self._has_swap(owners[goes])
            self.w.counters["list_nodes"] += 1
            self.w.counters["pte_probes"] += len(vpns)
            self.w.counters["hits"] += int(goes.sum())
            self.w.counters["false_probes"] += len(vpns) - int(goes.sum())
            self._unmap(mm, vpns[goes], vmas[goes], slots[goes], owners[goes])
        bare = pages[self.w.page.alive[pages]]
        for page in bare[self.w.page.mapcount[bare] == 0].tolist():
            self._free(page)
        return before - len(self.w.page)

    # -- accounting -------------------------------------------------------------------------------

    def footprint(self) -> tuple[Footprint, ...]:
        """A cursor in every mm_struct; nothing for pages, ptes or vmas."""
        return (self.footprint_row(KIND, len(self.ring), slab=False),)

    def recount(self) -> dict[str, int]:
        """The live mms."""
        return {KIND: len(self.w.mms)}

    def check(self) -> None:
        """Every mm is on the ring once, and so is the cursor."""
        if sorted(self.ring) != sorted(self.w.mms) or self.address.keys() != self.w.mms.keys():
            raise Corruption("the ring of the scan differs from the mms alive")
        if self.swap_mm != INIT_MM and self.swap_mm not in self.address:
            raise Corruption("the cursor of the scan stands in an mm that is gone")

    def digest_parts(self) -> tuple[bytes, ...]:
        """Ring and cursors."""
        return (repr((self.ring, self.swap_mm, sorted(self.address.items()))).encode(),)

    # -- pictures and words -----------------------------------------------------------------------

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """Where the scan stands."""
        if page < 0:
            return "", []
        there = self.swap_mm != INIT_MM
        at = self.address[self.swap_mm] if there else 0
        return "swap_out", [
            ("page", "—", "knows nothing of the ptes that map it"),
            ("swap_mm", f"mm {self.swap_mm}" if there else "init_mm", f"of {len(self.ring)}: where the scan goes on"),
            ("swap_address", "the end" if at >= END else f"page {at:x}", "how far the scan has come in that mm"),
        ]

    def _vma_from(self, mm: Mm, address: int) -> int:
        # find_vma: the first vma that ends behind the address, -1
        row = self.w.vma_at(mm, address)
        return row if row >= 0 else mm.order.next(address + 1)

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The ring from the cursor on, and the vma the scan stands in."""
        if page < 0:
            return super().picture(page, vma, limit)
        turn = self._turn()
        nodes, links = [], []
        for at, mm in enumerate(turn[:limit]):
            address = self.address[mm]
            words = "done" if address >= END else f"from page {address:x}"
            nodes.append(StructNode(key=f"m{mm}", rank=1, title=f"mm {mm}", subtitle=words, mm=mm))
            links.append((f"m{turn[at - 1]}" if at else "page", f"m{mm}"))
            row = self._vma_from(self.w.mms[mm], address)
            if row >= 0:
                nodes.append(vma_node(self.w, row, -1))
                links.append((f"m{mm}", f"v{row}"))
        return Picture(nodes=tuple(nodes), links=tuple(links), total=len(turn),
                       headings=("page", "ring of mms", "vma scanned next", "task"))  # fmt: skip


def _to_front(w: World, pages: Ints) -> None:
    w.page.lru[pages] = np.arange(w.lru_clock, w.lru_clock + len(pages))
    w.lru_clock += len(pages)


class _Lists:
    """Active and inactive list during one reclaim, read in stretches: what is put in front comes in the next."""

    def __init__(self, w: World) -> None:
        self.w = w
        self.changed = 0
        live = w.page.live()
        self.active = int(((w.page.state[live] & ACTIVE) != 0).sum())
        self.inactive = len(live) - self.active
        self._order: dict[bool, Iterator[int]] = {True: iter(()), False: iter(())}

    def tail(self, active: bool) -> int:
        """The page at the tail of the list, -1 where the list is empty."""
        for _ in range(2):
            for page in self._order[active]:
                return page
            self._order[active] = self._stretch(active)
        return -1

    def rotate(self, page: int) -> None:
        """The page goes to the front of the list it belongs to now."""
        self.w.page.lru[page] = self.w.lru_clock
        self.w.lru_clock += 1

    def _stretch(self, active: bool) -> Iterator[int]:
        # the list as it is now; pages that leave it meanwhile, or go to its front, are passed over
        page = self.w.page
        rows = page.live()
        rows = rows[((page.state[rows] & ACTIVE) != 0) == active]
        rows = rows[np.argsort(page.lru[rows], kind="stable")]
        for row, stamp in zip(rows.tolist(), page.lru[rows].tolist(), strict=True):
            if page.alive[row] and page.lru[row] == stamp and bool(page.state[row] & ACTIVE) == active:
                yield row


__all__ = ["DEF_PRIORITY", "END", "VirtualScan"]
