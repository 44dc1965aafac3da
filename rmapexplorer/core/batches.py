"""The per-CPU batches: pages on their way to a list of the LRU, each held by one more reference until its batch is drained.

Kernel: cpu_fbatches of mm/swap.c and mlock_fbatch of mm/mlock.c, 6.18. The world has one CPU. The extra reference is why
a write fault copies a page that only one pte maps, and why a page just read back from swap is not its reader's own.
"""

from __future__ import annotations

import numpy as np

from rmapexplorer.core.table import ANON, EXCLUSIVE, LAZYFREE, MLOCK_COUNT, MLOCKED, REFAULTED, Bools, Ints, PageTable

CAPACITY = 31
"""PAGEVEC_SIZE: the page that fills a batch drains it."""

MUNLOCK, MLOCK, MLOCK_NEW = range(3)
"""What the mlock batch is to do with a page. A page that was allocated for locked memory comes to the LRU through it."""


class Batches:
    """``adding``: births of pages; ``lazyfree``, ``cooling``: (birth, page); ``locking``: (birth, page, what to do).

    Some of the pages may have been freed since.
    """

    def __init__(self, page: PageTable) -> None:
        self.page = page
        self.adding: list[int] = []
        self.strangers = 0
        self.lazyfree: list[tuple[int, int]] = []
        self.cooling: list[tuple[int, int]] = []
        self.locking: list[tuple[int, int, int]] = []

    @property
    def quiet(self) -> bool:
        """No page is in a batch but new ones, which a write fault sees to by draining."""
        return not (self.lazyfree or self.cooling or self.locking)

    def add(self, pages: Ints) -> None:
        """folio_add_lru: new pages, and pages that reclaim isolated and puts back."""
        room = CAPACITY - len(self.adding)
        if len(pages) < room:
            self.adding += self.page.birth[pages].tolist()
            return
        rest = (len(pages) - room) % CAPACITY
        self.adding = self.page.birth[pages[len(pages) - rest :]].tolist()

    def add_one(self, page: int) -> None:
        """folio_add_lru of one page."""
        self.adding.append(self.page.birth.item(page))
        if len(self.adding) >= CAPACITY:
            self.adding.clear()

    def add_stranger(self) -> int:
        """A page that the world does not show goes to the LRU; returns a number below 0 for it, as a birth."""
        self.strangers += 1
        self.adding.append(-self.strangers)
        if len(self.adding) >= CAPACITY:
            self.adding.clear()
        return -self.strangers

    def free_lazily(self, page: int) -> None:
        """folio_mark_lazyfree (MADV_FREE) of a page on the LRU."""
        state = self.page.state.item(page)
        if state & (LAZYFREE | MLOCKED) or self.page.swap[page] >= 0:
            return
        self.lazyfree.append((self.page.birth.item(page), page))
        if len(self.lazyfree) >= CAPACITY:
            self._drop_backing()

    def cool(self, pages: Ints) -> None:
        """folio_deactivate (MADV_COLD): those of the pages, all on the LRU, that are active."""
        state = self.page.state[pages]
        for page in pages[(state & (REFAULTED | MLOCKED)) == REFAULTED].tolist():
            self.cooling.append((self.page.birth.item(page), page))
            if len(self.cooling) >= CAPACITY:
                self._deactivate()

    def lock(self, pages: Ints, kind: int) -> None:
        """mlock_folio, mlock_new_folio, munlock_folio; ``kind`` says which."""
        if kind != MUNLOCK:
            self.page.state[pages] |= MLOCKED
        room = CAPACITY - len(self.locking)
        if len(pages) < room:
            self.locking += self._entries(pages, kind)
            return
        rest = (len(pages) - room) % CAPACITY
        whole = len(pages) - rest
        self._drain_locking()
        self._locked(pages[:whole], kind)
        self.locking = self._entries(pages[whole:], kind)

    def _entries(self, pages: Ints, kind: int) -> list[tuple[int, int, int]]:
        births = self.page.birth[pages].tolist()
        return [(birth, page, kind) for birth, page in zip(births, pages.tolist(), strict=True)]

    def drain(self) -> None:
        """lru_add_drain: every batch of this CPU."""
        self.adding.clear()
        if self.cooling:
            self._deactivate()
        if self.lazyfree:
            self._drop_backing()
        if self.locking:
            self._drain_locking()

    # -- what a fault asks ------------------------------------------------------------------------------

    def on_list(self, page: int) -> bool:
        """PG_lru: the page is on a list, not only in a batch."""
        birth = self.page.birth.item(page)
        return birth not in self.adding and (birth, page, MLOCK_NEW) not in self.locking

    def held(self, page: int) -> int:
        """References that the batches hold to a page."""
        birth = self.page.birth.item(page)
        waiting = self.adding.count(birth)
        if self.quiet:
            return waiting
        return waiting + sum(one[0] == birth for one in (*self.lazyfree, *self.cooling, *self.locking))

    def references(self, page: int) -> int:
        """folio_ref_count of an anonymous page: its ptes, the swap cache, the batches."""
        return self.page.mapcount.item(page) + (self.page.swap.item(page) >= 0) + self.held(page)

    def first_unlisted(self, pages: Ints) -> int:
        """Place of the first of ``pages`` for which a write fault drains the batches (wp_can_reuse_anon_folio), -1 without one."""
        waiting = self._among(pages, [*self.adding, *(one[0] for one in self.locking)])
        waiting &= (self.page.state[pages] & (ANON | EXCLUSIVE)) == ANON
        for at in np.flatnonzero(waiting).tolist():
            if self.unlisted(pages.item(at)):
                return at
        return -1

    def unlisted(self, page: int) -> bool:
        """An anonymous page that is not marked exclusive: a write fault on it drains the batches."""
        return not self.on_list(page) and self.references(page) <= 3

    def _among(self, pages: Ints, births: list[int]) -> Bools:
        known = self.page.birth[pages]
        births = [birth for birth in births if birth >= 0]
        if not births:
            return np.zeros(len(pages), np.bool_)
        mask: Bools = known >= min(births)
        at = np.flatnonzero(mask)
        mask[at] = [birth in births for birth in known[at].tolist()]
        return mask

    # -- draining ---------------------------------------------------------------------------------------

    def _alive(self, birth: int, page: int) -> bool:
        return bool(self.page.alive[page]) and self.page.birth.item(page) == birth

    def _deactivate(self) -> None:
        for birth, page in self.cooling:
            if self._alive(birth, page):
                self.page.state[page] &= ~REFAULTED
        self.cooling.clear()

    def _drop_backing(self) -> None:
        # lru_lazyfree: no longer swap-backed, unless locked or in the swap cache by now
        for birth, page in self.lazyfree:
            if self._alive(birth, page) and self.page.swap[page] < 0 and not self.page.state.item(page) & MLOCKED:
                self.page.state[page] = self.page.state.item(page) & ~REFAULTED | LAZYFREE
        self.lazyfree.clear()

    def _drain_locking(self) -> None:
        # mlock_folio_batch; it does not drain the other batches, so a page may still wait for its list
        entries, self.locking = self.locking, []
        for birth, page, kind in entries:
            if self._alive(birth, page):
                self._locked(np.array([page], np.int64), kind)

    def _locked(self, pages: Ints, kind: int) -> None:
        """__mlock_folio, __mlock_new_folio, __munlock_folio: the count of locked mappings is kept for pages on the LRU only."""
        state = self.page.state
        counted = pages if not self.adding else pages[~self._among(pages, self.adding)]
        if kind != MUNLOCK:
            counted = counted[(state[counted] & MLOCKED) != 0]
            np.add.at(state, counted, np.int64(MLOCK_COUNT))
            return
        more = counted[state[counted] >= MLOCK_COUNT]
        state[more] -= MLOCK_COUNT
        state[pages[state[pages] < MLOCK_COUNT]] &= ~np.int64(MLOCKED)

    # -- copies -----------------------------------------------------------------------------------------

    def copy(self, page: PageTable) -> Batches:
        """The same batches over a copy of the pages."""
        other = Batches(page)
        other.strangers = self.strangers
        for name in ("adding", "lazyfree", "cooling", "locking"):
            setattr(other, name, getattr(self, name).copy())
        return other

    def digest_part(self) -> bytes:
        """What a world's digest has of them."""
        return repr((self.adding, self.lazyfree, self.cooling, self.locking)).encode()
