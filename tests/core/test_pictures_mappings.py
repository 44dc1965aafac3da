"""mmap, munmap, mprotect, brk and the flags of madvise in pictures: which vmas there are afterwards."""

from __future__ import annotations

import pytest
from oracles import WORLDS
from picture import ORIGIN, at, do, draw, fails, picture, read, touch, write

from rmapexplorer.core import flags as vm
from rmapexplorer.core.operations import Brk, Exec, Exit, Fork, Madvise, Mlock, Mmap, Mprotect, Mseal, Munmap, Spawn

every_design = pytest.mark.parametrize("design", WORLDS)


@pytest.mark.parametrize(
    "text", ["1: AAA.bb", "1: aaa", "1: AAabb", "1: AAA.bb\n2: ..CdeF", "1: a.b.c.D", "1: ....A", "1: aabbAcc".lower()]
)
@every_design
def test_a_picture_of_a_drawing_is_the_drawing(text: str, design: str) -> None:
    expected = text if text != "1: aabbacc" else "1: aabbcdd"
    assert picture(draw(text, design)) == expected


@pytest.mark.parametrize(
    ("before", "span", "after"),
    [
        ("1: AA", (2, 4), "1: AAaa"),
        ("1: ..AA", (0, 2), "1: aaAA"),
        ("1: aa..bb", (2, 4), "1: aaaaaa"),
        ("1: AA..bb", (2, 4), "1: AAaaaa"),
        ("1: aa..BB", (2, 4), "1: aaaaAA"),
        ("1: aa..bb", (3, 4), "1: aa.bbb"),
        ("1: aa", (5, 6), "1: aa...b"),
    ],
)
@every_design
def test_new_anonymous_memory_merges_left_right_and_both(
    design: str, before: str, span: tuple[int, int], after: str
) -> None:
    """mmap: new memory joins the vma it touches, with equal flags; it has no anon_vma yet, which suits any (vma_merge_new_range)."""
    w = draw(before, design)
    do(w, Mmap(pid=1, span=at(*span)))
    assert picture(w) == after


@every_design
def test_a_hole_between_two_faulted_vmas_is_filled_to_the_left(design: str) -> None:
    """mmap into a hole: two sides of different anon_vmas stay two (the left takes it in); who keeps no anon_vma joins all."""
    w = draw("1: AA..BB", design)
    do(w, Mmap(pid=1, span=at(2, 4)))
    with_anon_vma = design.startswith("anon_vma")
    assert picture(w) == ("1: AAaaBB" if with_anon_vma else "1: AAaaAA")


@every_design
def test_a_hole_unmapped_and_filled_again_closes(design: str) -> None:
    """munmap and mmap of the same place: both halves share the anon_vma, all three are one again."""
    w = draw("1: AAAAAA", design)
    do(w, Munmap(pid=1, span=at(2, 4)))
    assert picture(w) == "1: AA..BB"
    do(w, Mmap(pid=1, span=at(2, 4)))
    assert picture(w) == "1: AAaaAA"


@every_design
def test_other_flags_do_not_merge(design: str) -> None:
    """mmap: other permissions, NORESERVE or a locked neighbour keep two vmas two (is_mergeable_vma)."""
    w = draw("1: aa", design)
    do(w, Mmap(pid=1, span=at(2, 4), prot="r"))
    do(w, Mmap(pid=1, span=at(4, 6), flags=("noreserve",)))
    do(w, Mmap(pid=1, span=at(6, 8)), Mlock(pid=1, span=at(6, 8), onfault=True), Mmap(pid=1, span=at(8, 9)))
    assert picture(w) == "1: aabbccdde"


@every_design
def test_special_mappings_never_merge(design: str) -> None:
    """VM_SPECIAL: not even with their like."""
    w = draw("1: .", design)
    do(w, *(Mmap(pid=1, span=at(i), flags=("special",)) for i in range(3)))
    assert picture(w) == "1: abc"


@every_design
def test_files_merge_where_the_offsets_run_on(design: str) -> None:
    """mmap of a file: same file and pgoff that continues, else two vmas; shared and private never join."""
    w = draw("1: .", design)
    for place, offset, kind in (
        (0, 5, "private"),
        (2, 7, "private"),
        (4, 8, "private"),
        (6, 10, "shared"),
        (8, 12, "shared"),
    ):
        do(w, Mmap(pid=1, span=at(place, place + 2), kind=f"file-{kind}", file="f", offset=offset))
    assert picture(w) == "1: aaaabbcccc"


@every_design
def test_mmap_replaces_what_is_there_unless_told_not_to(design: str) -> None:
    """MAP_FIXED unmaps first; MAP_FIXED_NOREPLACE says EEXIST and changes nothing."""
    w = draw("1: AAAA", design)
    assert fails(w, Mmap(pid=1, span=at(3, 6), flags=("noreplace",))) == "EEXIST"
    assert picture(w) == "1: AAAA"
    do(w, Mmap(pid=1, span=at(1, 3), prot="r"))
    assert picture(w) == "1: AbbC"


@pytest.mark.parametrize(
    ("span", "after"),
    [((0, 2), "1: ..AAAA"), ((4, 6), "1: AAAA"), ((2, 4), "1: AA..BB"), ((0, 9), "1: "), ((6, 9), "1: AAAAAA")],
)
@every_design
def test_munmap_cuts(design: str, span: tuple[int, int], after: str) -> None:
    """munmap: from the left, the right, the middle (a split), all; holes are no error."""
    w = draw("1: AAAAAA", design)
    do(w, Munmap(pid=1, span=at(*span)))
    assert picture(w) == after


@every_design
def test_munmap_of_several_vmas_cuts_the_outer_two(design: str) -> None:
    """munmap over vmas and holes: the first and last are split, those between go."""
    w = draw("1: AAA.BB.ccc", design)
    do(w, Munmap(pid=1, span=at(2, 8)))
    assert picture(w) == "1: AA......bb"


@every_design
def test_mprotect_splits_and_merges_again(design: str) -> None:
    """mprotect: a part with other permissions is a vma of its own; given back they are one, for they share all else."""
    w = draw("1: AAAAAA", design)
    do(w, Mprotect(pid=1, span=at(2, 4), prot="r"))
    assert picture(w) == "1: AABBCC"
    do(w, Mprotect(pid=1, span=at(2, 4), prot="rw"))
    assert picture(w) == "1: AAAAAA"


@pytest.mark.parametrize(
    ("span", "after"),
    [((2, 4), "1: aaaabb"), ((2, 3), "1: aaabcc"), ((3, 4), "1: aabccc"), ((2, 6), "1: aaaaaa")],
)
@every_design
def test_mprotect_moves_a_boundary(design: str, span: tuple[int, int], after: str) -> None:
    """mprotect of a part that touches a like vma gives it away: the boundary moves, nothing is split."""
    other = {(2, 4): "rw", (2, 3): "rw", (3, 4): "r", (2, 6): "rw"}[span]
    w = draw("1: aaaaaa", design)
    do(w, Mprotect(pid=1, span=at(2, 4), prot="rwx"), Mprotect(pid=1, span=at(4, 6), prot="r"))
    assert picture(w) == "1: aabbcc"
    do(w, Mprotect(pid=1, span=at(*span), prot=other))
    assert picture(w) == after


@every_design
def test_mprotect_stops_at_a_hole(design: str) -> None:
    """mprotect over a hole: ENOMEM, and what lies before the hole is done."""
    w = draw("1: aa.bb", design)
    assert fails(w, Mprotect(pid=1, span=at(1, 5), prot="r")) == "ENOMEM"
    assert picture(w) == "1: ab.cc"


@every_design
def test_the_heap_grows_and_shrinks(design: str) -> None:
    """brk: grows by expanding, shrinks by unmapping, refuses what is taken, and never goes below its start."""
    w = draw("1: ......b", design)
    heap = {"pid": 1, "start": ORIGIN}
    do(w, Brk(**heap, end=ORIGIN + 2), Brk(**heap, end=ORIGIN + 4))
    assert picture(w) == "1: aaaa..b"
    do(w, Brk(**heap, end=ORIGIN + 1))
    assert picture(w) == "1: a.....b"
    assert fails(w, Brk(**heap, end=ORIGIN + 7)) == "ENOMEM"
    assert fails(w, Brk(**heap, end=ORIGIN - 1)) == "EINVAL"


@every_design
def test_the_heap_of_a_fork_child(design: str) -> None:
    """brk after fork: today each brk of a child makes a vma of its own (its chain is longer than one); in 2004 it grew."""
    w = draw("1: .", design)
    do(w, Brk(pid=1, start=ORIGIN, end=ORIGIN + 2))
    touch(w, 1, write(0, 2))
    do(w, Fork(pid=1, child=2), Brk(pid=2, end=ORIGIN + 3))
    assert picture(w) == ("1: AA\n2: BBc" if design == "anon_vma_chain" else "1: AA\n2: BBb")


@every_design
def test_advice_that_is_a_flag_splits(design: str) -> None:
    """madvise(MADV_DONTFORK) and its like split, and MADV_DOFORK merges again; a hole is remembered and passed over."""
    w = draw("1: aaaa.bb", design)
    assert fails(w, Madvise(pid=1, span=at(2, 6), advice="dontfork")) == "ENOMEM"
    assert picture(w) == "1: aabb.cd"
    do(w, Madvise(pid=1, span=at(2, 4), advice="dofork"))
    assert picture(w) == "1: aaaa.bc"


@every_design
def test_dontfork_and_wipeonfork(design: str) -> None:
    """fork: the child has no VM_DONTCOPY vmas, and finds VM_WIPEONFORK ones empty."""
    w = draw("1: AAAAAA", design)
    do(w, Madvise(pid=1, span=at(0, 2), advice="dontfork"), Madvise(pid=1, span=at(2, 4), advice="wipeonfork"))
    do(w, Fork(pid=1, child=2))
    assert picture(w) == "1: AABBCC\n2: ..ddEE"
    touch(w, 2, write(2))
    assert picture(w) == "1: AABBCC\n2: ..DdEE"


@every_design
def test_sealed_memory_stays(design: str) -> None:
    """mseal: no munmap, mprotect or replacement any more (EPERM), and fork hands the seal on."""
    w = draw("1: aaaa", design)
    do(w, Mseal(pid=1, span=at(1, 3)))
    for op in (Munmap(pid=1, span=at(0, 2)), Mprotect(pid=1, span=at(1), prot="r"), Mmap(pid=1, span=at(2))):
        assert fails(w, op) == "EPERM"
    do(w, Fork(pid=1, child=2))
    assert fails(w, Munmap(pid=2, span=at(1))) == "EPERM"
    assert [bool(int(w.vma.flags[row]) & vm.SEALED) for row in w.mms[1].vmas] == [False, True, False]


@every_design
def test_exec_and_exit_empty_the_mm(design: str) -> None:
    """exec: an empty mm for the same pid; exit: the process is gone, the family's pages stay with who maps them."""
    w = draw("1: AA", design)
    do(w, Fork(pid=1, child=2), Exec(pid=1, comm="new"))
    assert picture(w) == "1: \n2: AA"
    do(w, Exit(pid=1))
    assert picture(w) == "2: AA"
    assert fails(w, Exit(pid=1)) == "ESRCH"


@every_design
def test_a_process_that_is_there_already(design: str) -> None:
    """fork and spawn: EEXIST for a pid in use, EINVAL for one that is none, ESRCH for a parent that is not there."""
    w = draw("1: a", design)
    assert fails(w, Spawn(pid=1)) == "EEXIST"
    assert fails(w, Fork(pid=1, child=1)) == "EEXIST"
    assert fails(w, Fork(pid=1, child=0)) == "EINVAL"
    assert fails(w, Fork(pid=7, child=8)) == "ESRCH"


@every_design
def test_the_stack_grows_down(design: str) -> None:
    """A fault below a VM_GROWSDOWN vma expands it to the page, up to RLIMIT_STACK; elsewhere it is a SIGSEGV."""
    w = draw("1: .", design)
    do(w, Mmap(pid=1, span=at(3000, 3002), flags=("growsdown",), label="[stack]"))
    assert touch(w, 1, write(2995)).ok
    row = w.mms[0].vmas[0]
    assert (int(w.vma.start[row]), int(w.vma.end[row])) == (ORIGIN + 2995, ORIGIN + 3002)
    assert touch(w, 1, read(3002)).error == "SIGSEGV"
    assert touch(w, 1, read(900)).error == "SIGSEGV"
