"""mremap in pictures: in place, shrinking, growing, moving, several vmas, MREMAP_DONTUNMAP, and what it refuses."""

from __future__ import annotations

import pytest
from oracles import WORLDS, finds
from picture import ORIGIN, at, do, draw, fails, frames, picture, touch, write

from rmapexplorer.core.operations import Fork, Madvise, Mlock, Mmap, Mprotect, Mremap, Mseal, Operation
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World

LOSSY = "anonmm:variant=4c"

every_design = pytest.mark.parametrize("design", WORLDS)
CHAIN, LIST = "anon_vma_chain", "anon_vma"
PGOFF = (LIST, CHAIN)
"""Designs whose anonymous pgoff means something."""


def move(first: int, end: int, to: int, pid: int = 1, new: int | None = None, dontunmap: bool = False) -> Mremap:
    """mremap of columns to column ``to``."""
    pages = end - first if new is None else new
    return Mremap(pid=pid, span=at(first, end), new_pages=pages, to=ORIGIN + to, dontunmap=dontunmap)


def resize(first: int, end: int, new: int) -> Mremap:
    """mremap in place."""
    return Mremap(pid=1, span=at(first, end), new_pages=new)


@every_design
def test_the_same_size_in_place_is_nothing(design: str) -> None:
    """mremap without flags and with the old size: nothing happens, whatever follows."""
    w = draw("1: AAA", design)
    do(w, resize(0, 2, 2))
    assert picture(w) == "1: AAA"


@pytest.mark.parametrize(("op", "after"), [(resize(0, 6, 2), "1: AA....b"), (resize(2, 6, 1), "1: AAA...b")])
@every_design
def test_shrinking_unmaps_the_tail(design: str, op: Operation, after: str) -> None:
    """mremap to a smaller size: munmap of the tail."""
    w = draw("1: AAAAAAb", design)
    do(w, op)
    assert picture(w) == after


@every_design
def test_growing_in_place(design: str) -> None:
    """mremap to a larger size: into free room, from the end of the vma only, joining what it then touches (vma_merge_extend)."""
    w = draw("1: AA...bb", design)
    assert fails(w, resize(0, 1, 3)) == "ENOMEM"
    assert fails(w, resize(0, 2, 6)) == "ENOMEM"
    do(w, resize(1, 2, 3))
    assert picture(w) == "1: AAaa.bb"
    do(w, resize(0, 4, 5))
    assert picture(w) == "1: AAaaaaa"


@every_design
def test_moving_a_whole_vma(design: str) -> None:
    """mremap to a new place: the pages go along, nothing is left behind."""
    w = draw("1: AaA", design)
    do(w, move(0, 3, 8))
    assert picture(w) == "1: ........AaA"
    assert frames(w) == "1: ........A-B"


@every_design
def test_moving_a_part_splits(design: str) -> None:
    """mremap of the middle: both sides stay, the part is a vma of its own where it arrives."""
    w = draw("1: AAAAAA", design)
    do(w, move(2, 4, 10))
    assert picture(w) == "1: AA..BB....CC"


@every_design
def test_a_part_that_returns_home_merges(design: str) -> None:
    """mremap away and back: pgoff and owner fit again, all is one vma."""
    w = draw("1: AAAAAA", design)
    do(w, move(2, 4, 10), move(10, 12, 2))
    assert picture(w) == "1: AAAAAA"


@every_design
def test_faulted_memory_beside_a_stranger(design: str) -> None:
    """mremap next to another faulted vma: pgoff is not linear there, so who has one keeps two vmas."""
    w = draw("1: AAAA..BB", design)
    do(w, move(2, 4, 4))
    assert picture(w) == ("1: AA..BBCC" if design in PGOFF else "1: AA..BBBB")


@every_design
def test_untouched_memory_gets_the_pgoff_of_its_new_place(design: str) -> None:
    """copy_vma: while nothing was faulted the pgoff is made anew, so that it merges anywhere."""
    w = draw("1: aaaa..BB", design)
    do(w, move(2, 4, 4))
    assert picture(w) == "1: aa..bbBB"


@every_design
def test_moving_over_what_is_mapped(design: str) -> None:
    """MREMAP_FIXED: the target is unmapped first, and only the target."""
    w = draw("1: AAA", design)
    do(w, Mmap(pid=1, span=at(6, 11), prot="r"), move(0, 2, 7))
    assert picture(w) == "1: ..A...bCCdd"


@every_design
def test_moving_and_shrinking_or_growing(design: str) -> None:
    """A move to another size: the rest of the source goes, or the copy is longer than what moved into it."""
    w = draw("1: AAAA", design)
    do(w, move(0, 4, 8, new=2))
    assert picture(w) == "1: ........AA"
    do(w, move(8, 10, 0, new=3))
    assert picture(w) == "1: AAa"


@every_design
def test_moving_several_vmas_keeps_their_holes(design: str) -> None:
    """One mremap of the same size moves vma by vma (6.17); a hole between stays, and so does what is mapped in its target."""
    w = draw("1: AA.bb", design)
    do(w, Mmap(pid=1, span=at(16, 22), prot="r"), move(0, 5, 15))
    assert picture(w) == "1: ...............AAbccdd"
    assert not w.vmas_in(w.mms[0], ORIGIN, ORIGIN + 15)


@every_design
def test_a_move_that_begins_in_a_hole(design: str) -> None:
    """EFAULT where nothing is mapped at the start, though a vma follows."""
    w = draw("1: .AA", design)
    assert fails(w, move(0, 3, 8)) == "EFAULT"
    assert fails(w, move(5, 6, 8)) == "EFAULT"
    assert picture(w) == "1: .AA"


@every_design
def test_resizing_several_vmas_is_refused(design: str) -> None:
    """EFAULT for a span beyond its vma where the size changes: there the boundaries of vmas are visible to the caller."""
    w = draw("1: aabb", design)
    assert fails(w, resize(0, 4, 5)) == "EFAULT"
    assert fails(w, move(0, 4, 8, new=5)) == "EFAULT"
    assert fails(w, resize(0, 4, 1)) is None
    assert picture(w) == "1: a"


def test_boundaries_that_only_some_designs_have_differ_in_their_errors() -> None:
    """A vma that moved beside its neighbour is one with it only where pgoff means nothing: the rest says EFAULT."""
    errors = {}
    for design in WORLDS:
        w = draw("1: AAAA..BB", design)
        do(w, move(2, 4, 4))
        errors[design] = fails(w, resize(4, 8, 9))
    assert errors == {"pte_chain": None, "anonmm": None, LOSSY: None, LIST: "EFAULT", CHAIN: "EFAULT"}


@pytest.mark.parametrize(
    "op",
    [
        *(resize(0, 2, 0), move(0, 2, 8, new=0), move(0, 2, 1), move(2, 4, 1)),
        Mremap(pid=1, span=at(0, 2), new_pages=2, dontunmap=True),
        move(0, 2, 8, new=3, dontunmap=True),
        Mremap(pid=1, span=at(0, 2), new_pages=2, to=-3),
        Mremap(pid=1, span=at(0, 2), new_pages=2, to=(1 << 35) - 1),
        Mremap(pid=1, span=Span(-2, 3), new_pages=2),
    ],
)
@every_design
def test_arguments_that_are_refused(design: str, op: Operation) -> None:
    """EINVAL and nothing done: no new size, old and new overlap, DONTUNMAP in place or with another size, no such address."""
    w = draw("1: AAAA", design)
    digest = w.design.digest_parts()
    assert fails(w, op) == "EINVAL"
    assert picture(w) == "1: AAAA"
    assert w.design.digest_parts() == digest


@every_design
def test_sealed_memory_does_not_move_nor_make_room(design: str) -> None:
    """EPERM for a sealed source and for a sealed target."""
    w = draw("1: AA.bb", design)
    do(w, Mseal(pid=1, span=at(3, 5)))
    assert fails(w, move(3, 5, 8)) == "EPERM"
    assert fails(w, move(0, 2, 3)) == "EPERM"
    assert picture(w) == "1: AA.bb"


@every_design
def test_dontunmap_leaves_the_vma_empty(design: str) -> None:
    """MREMAP_DONTUNMAP: the pages move, the source stays mapped and faults anew."""
    w = draw("1: AAA", design)
    do(w, move(0, 3, 8, dontunmap=True))
    assert picture(w) == "1: aaa.....BBB"
    touch(w, 1, write(1))
    assert frames(w) == "1: -A-.....BCD"
    finds(w)


@every_design
def test_dontunmap_of_a_part_does_not_split(design: str) -> None:
    """MREMAP_DONTUNMAP of a part: the source vma stays whole."""
    w = draw("1: AAAA", design)
    do(w, move(1, 3, 8, dontunmap=True))
    assert picture(w) == "1: AaaA....BB"
    touch(w, 1, write(1, 3))
    assert picture(w) == "1: AAAA....BB"
    finds(w)


@every_design
def test_dontunmap_unlocks_the_source(design: str) -> None:
    """MREMAP_DONTUNMAP: VM_LOCKED goes with the copy, the source loses it."""
    w = draw("1: AA", design)
    do(w, Mlock(pid=1, span=at(0, 2)), move(0, 2, 8, dontunmap=True))
    locked = [(int(w.vma.flags[row]) >> 8) & 1 for row in w.mms[0].vmas]
    assert locked == [0, 1]
    assert fails(w, Madvise(pid=1, span=at(8), advice="dontneed")) == "EINVAL"


@every_design
def test_growing_locked_memory_faults_it_in(design: str) -> None:
    """mremap of VM_LOCKED memory: what is new is populated."""
    w = draw("1: aa", design)
    do(w, Mlock(pid=1, span=at(0, 2)), resize(0, 2, 4))
    assert picture(w) == "1: AAAA"


@every_design
def test_swap_entries_and_zero_pages_move_too(design: str) -> None:
    """move_page_tables takes every entry along: swap entries, the zero page, guards, PROT_NONE ones."""
    w = draw("1: AaAAa", design)
    do(w, Madvise(pid=1, span=at(0), advice="pageout"), Madvise(pid=1, span=at(4), advice="guard_install"))
    assert touch(w, 1, (ORIGIN + 1, ORIGIN + 2, "r")).ok
    do(w, Mprotect(pid=1, span=at(3), prot=""), move(0, 5, 8))
    assert frames(w) == "1: ........s0Abg"


def _after_fork(design: str) -> tuple[World, str]:
    w = draw("1: AAA", design)
    do(w, Fork(pid=1, child=2), Mremap(pid=2, span=at(0, 3), new_pages=3, to=ORIGIN + 5))
    return w, frames(w)


def test_the_letter_anonmm_has_no_way_to_handle_mremap() -> None:
    """C1: fork, then the child moves R = 3 shared pages. 4c misses R ptes, 4e copies R pages, the others neither."""
    shared, copied = "1: abc\n2: .....abc", "1: abc\n2: .....DEF"
    for design in WORLDS:
        w, shown = _after_fork(design)
        assert shown == (copied if design == "anonmm" else shared), design
        assert finds(w) == (3 if design == LOSSY else 0)
        assert w.counters["copied_by_mremap"] == (3 if design == "anonmm" else 0)


def test_a_page_that_is_not_shared_is_never_copied_nor_lost() -> None:
    """C1: with mapcount 1 every variant of anonmm rewrites the index (page_update_anon_rmap)."""
    for design in WORLDS:
        w = draw("1: AAA", design)
        do(w, Fork(pid=1, child=2))
        touch(w, 2, write(0, 3))
        do(w, move(0, 3, 5, pid=2))
        assert finds(w) == 0
        assert w.counters["copied_by_mremap"] == 0


def test_merges_are_refused_only_beside_strangers() -> None:
    """C9: mmap, brk and refilled holes never meet a refusal under anon_vma 2.6.7; mremap next to a foreign vma does."""
    w = draw("1: AAAA..BB", LIST)
    before = w.counters["merges_refused"]
    for op in (Mmap(pid=1, span=at(8, 9)), Mmap(pid=1, span=at(1, 3)), Mprotect(pid=1, span=at(1), prot="r"),
               Mprotect(pid=1, span=at(1), prot="rw")):  # fmt: skip
        do(w, op)
    assert w.counters["merges_refused"] == before
    outcome = do(w, move(0, 2, 4))
    assert outcome.refusals[0].rule == "pgoff"
    assert w.counters["merges_refused"] == before + 2
