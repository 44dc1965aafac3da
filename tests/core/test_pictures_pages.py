"""Faults, copy-on-write, swap and files in pictures of ptes: which frame each page number maps, and who may write it."""

from __future__ import annotations

import pytest
from oracles import WORLDS, check_world, finds
from picture import ORIGIN, at, do, draw, fails, frames, picture, read, touch, write

from rmapexplorer.core.operations import (
    Clone,
    Exec,
    Exit,
    Fork,
    Ftruncate,
    Madvise,
    Mlock,
    Mmap,
    Mprotect,
    Mremap,
    Munmap,
    Punch,
    Reclaim,
    Spawn,
)
from rmapexplorer.core.units import Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named

LOSSY = "anonmm:variant=4c"

every_design = pytest.mark.parametrize("design", WORLDS)


# -- first touch -------------------------------------------------------------------------------------


@every_design
def test_reading_untouched_memory_maps_the_zero_page(design: str) -> None:
    """A read fault of anonymous memory: the zero page, no page of its own, no anon_vma; a write then makes one."""
    w = draw("1: aaa", design)
    assert touch(w, 1, read(0, 2)).ok
    assert (frames(w), len(w.page)) == ("1: 00-", 0)
    assert touch(w, 1, write(1, 3)).ok
    assert frames(w) == "1: 0AB"


@pytest.mark.parametrize(
    ("prot", "reads", "writes"), [("rw", None, None), ("r", None, "SIGSEGV"), ("", "SIGSEGV", "SIGSEGV")]
)
@every_design
def test_permissions(design: str, prot: str, reads: str | None, writes: str | None) -> None:
    """SIGSEGV where the vma forbids the access, and where there is none."""
    w = draw("1: .", design)
    do(w, Mmap(pid=1, span=at(0, 2), prot=prot))
    assert touch(w, 1, read(0)).error == reads
    assert touch(w, 1, write(0)).error == writes
    assert touch(w, 1, read(2)).error == "SIGSEGV"


@every_design
def test_a_touch_stops_at_the_first_signal(design: str) -> None:
    """SIGSEGV in the middle of a run: what came before is done and counted."""
    w = draw("1: aa.bb", design)
    outcome = touch(w, 1, write(0, 5))
    assert (outcome.error, outcome.done) == ("SIGSEGV", 2)
    assert picture(w) == "1: AA.bb"


@every_design
def test_guard_pages(design: str) -> None:
    """MADV_GUARD_INSTALL drops the page and leaves a marker that no access passes, until it is removed."""
    w = draw("1: AAA", design)
    do(w, Madvise(pid=1, span=at(1), advice="guard_install"))
    assert frames(w) == "1: AgB"
    outcome = touch(w, 1, write(0, 3))
    assert (outcome.error, outcome.done) == ("SIGSEGV", 1)
    do(w, Madvise(pid=1, span=at(1), advice="guard_remove"))
    assert touch(w, 1, write(0, 3)).ok


# -- fork and copy-on-write --------------------------------------------------------------------------


@every_design
def test_fork_shares_all_pages_read_only(design: str) -> None:
    """fork: the child maps the parent's frames, both without write permission; the zero page is handed on too."""
    w = draw("1: AaA", design)
    touch(w, 1, read(1))
    do(w, Fork(pid=1, child=2))
    assert frames(w) == "1: a0b\n2: a0b"
    assert w.page.mapcount[w.anonymous_pages()].tolist() == [2, 2]


@every_design
def test_the_first_writer_copies_the_last_keeps(design: str) -> None:
    """COW: who writes while others map the page gets a copy; who is left writes the old page itself."""
    w = draw("1: AA", design)
    do(w, Fork(pid=1, child=2))
    touch(w, 2, write(0))
    assert frames(w) == "1: ab\n2: Cb"
    assert w.counters["copied_by_write"] == 1
    touch(w, 1, write(0))
    assert frames(w) == "1: Ab\n2: Cb"
    assert w.counters["copied_by_write"] == 1


@every_design
def test_what_a_process_wrote_stays_its_own(design: str) -> None:
    """COW isolates in both directions, and a grandchild from both."""
    w = draw("1: AA", design)
    do(w, Fork(pid=1, child=2), Fork(pid=2, child=3))
    touch(w, 1, write(0))
    touch(w, 3, write(1))
    assert frames(w) == "1: Ab\n2: cb\n3: cD"
    do(w, Exit(pid=2))
    touch(w, 3, write(0, 2))
    assert frames(w) == "1: Ab\n3: CD"
    finds(w)


@every_design
def test_exec_lets_the_other_keep_the_pages(design: str) -> None:
    """exec of the child: the parent may write its pages again without a copy."""
    w = draw("1: AA", design)
    do(w, Fork(pid=1, child=2), Exec(pid=2))
    touch(w, 1, write(0, 2))
    assert (frames(w), w.counters["copied_by_write"]) == ("1: AB\n2: ", 0)


@every_design
def test_mprotect_takes_and_gives_write_permission(design: str) -> None:
    """mprotect: ptes lose write at once; exclusive pages get it back at once, shared ones at the next fault."""
    w = draw("1: AA", design)
    do(w, Mprotect(pid=1, span=at(0, 2), prot="r"))
    assert frames(w) == "1: ab"
    do(w, Mprotect(pid=1, span=at(0, 2), prot=""), Mprotect(pid=1, span=at(0, 2), prot="rw"))
    assert frames(w) == "1: AB"
    do(w, Mprotect(pid=1, span=at(0, 2), prot="r"), Fork(pid=1, child=2), Mprotect(pid=1, span=at(0, 2), prot="rw"))
    assert frames(w) == "1: ab\n2: ab"


# -- threads -----------------------------------------------------------------------------------------


@every_design
def test_a_thread_shares_the_mm(design: str) -> None:
    """clone(CLONE_VM): one user more of the same mm; the memory goes with the last of them."""
    w = draw("1: A", design)
    do(w, Clone(pid=1, child=2))
    assert touch(w, 2, write(0)).ok
    do(w, Exit(pid=1))
    assert fails(w, Munmap(pid=1, span=at(0))) == "ESRCH"
    assert len(w.anonymous_pages()) == 1
    do(w, Munmap(pid=2, span=at(0)), Exit(pid=2))
    assert (w.mms, w.tasks, len(w.page)) == ({}, {}, 0)


@every_design
def test_vfork_and_exec(design: str) -> None:
    """vfork: a process of its own in the parent's mm, until it execs."""
    w = draw("1: A", design)
    do(w, Clone(pid=1, child=2, thread=False))
    assert frames(w) == "1: A\n2: A"
    assert w.page.mapcount[w.anonymous_pages()].tolist() == [1]
    do(w, Exec(pid=2))
    assert frames(w) == "1: A\n2: "


@every_design
def test_exec_ends_the_other_threads(design: str) -> None:
    """de_thread: the process goes on with the thread that execs, which takes over the pid of its leader."""
    w = draw("1: A", design)
    do(w, Clone(pid=1, child=2), Clone(pid=1, child=3), Fork(pid=1, child=4), Exec(pid=2))
    assert (frames(w), sorted(w.tasks)) == ("1: \n4: a", [1, 4])
    assert fails(w, Munmap(pid=2, span=at(0))) == "ESRCH"
    check_world(w)


@every_design
def test_exec_of_a_thread_whose_leader_exited(design: str) -> None:
    """de_thread: a leader that exited before its threads is a zombie; exec gives its pid to the thread."""
    w = draw("1: A", design)
    do(w, Clone(pid=1, child=2), Exit(pid=1))
    assert fails(w, Exec(pid=1)) == "ESRCH"
    do(w, Exec(pid=2), Mmap(pid=1, span=at(3)))
    assert (picture(w), sorted(w.tasks)) == ("1: ...a", [1])
    do(w, Exit(pid=1))
    assert w.tasks == {}


# -- advice ------------------------------------------------------------------------------------------


@every_design
def test_dontneed_drops_the_pages(design: str) -> None:
    """MADV_DONTNEED: the pages go, the vma stays and reads zero; not in locked memory."""
    w = draw("1: AAA", design)
    do(w, Madvise(pid=1, span=at(0, 2), advice="dontneed"))
    assert (frames(w), picture(w)) == ("1: --A", "1: aaA")
    do(w, Mlock(pid=1, span=at(2)))
    assert fails(w, Madvise(pid=1, span=at(2), advice="dontneed")) == "EINVAL"
    do(w, Madvise(pid=1, span=at(2), advice="dontneed_locked"))
    assert frames(w) == "1: ---"


@every_design
def test_populate(design: str) -> None:
    """MADV_POPULATE_READ and _WRITE: faults without an access; EINVAL where the vma forbids it."""
    w = draw("1: aaa", design)
    do(w, Madvise(pid=1, span=at(0), advice="populate_read"), Madvise(pid=1, span=at(1), advice="populate_write"))
    assert frames(w) == "1: 0A-"
    do(w, Mprotect(pid=1, span=at(2), prot="r"))
    assert fails(w, Madvise(pid=1, span=at(2), advice="populate_write")) == "EINVAL"


@every_design
def test_unknown_advice(design: str) -> None:
    """EINVAL, with what may be said."""
    w = draw("1: a", design)
    outcome = w.apply(Madvise(pid=1, span=at(0), advice="whatever"))
    assert (outcome.error, outcome.field) == ("EINVAL", "advice")
    assert "dontneed" in outcome.rule


# -- swap --------------------------------------------------------------------------------------------


@every_design
def test_pageout_and_back(design: str) -> None:
    """MADV_PAGEOUT writes a page of one process to swap; a read brings it back exclusive, its slot stays in the swap cache."""
    w = draw("1: AAA", design)
    outcome = w.apply(Madvise(pid=1, span=at(0, 2), advice="pageout"))
    assert (outcome.done, frames(w), len(w.swap)) == (2, "1: ssA", 2)
    touch(w, 1, read(0))
    assert (frames(w), w.counters["swap_ins"]) == ("1: AsB", 1)
    touch(w, 1, write(0))
    assert w.counters["copied_by_write"] == 0
    assert w.swap.count[w.swap.live()].tolist() == [0, 1]


@every_design
def test_pages_that_others_map_are_not_paged_out(design: str) -> None:
    """MADV_PAGEOUT leaves pages mapped more than once alone; memory.force_empty takes them."""
    w = draw("1: A", design)
    do(w, Fork(pid=1, child=2), Madvise(pid=1, span=at(0), advice="pageout"))
    assert frames(w) == "1: a\n2: a"
    do(w, Reclaim())
    assert (frames(w), len(w.page), int(w.swap.count[0])) == ("1: s\n2: s", 0, 2)


@every_design
def test_a_swapped_page_is_shared_again_through_the_swap_cache(design: str) -> None:
    """do_swap_page: the second process finds the page in the swap cache; a writer gets a copy while the other needs it."""
    w = draw("1: A", design)
    do(w, Fork(pid=1, child=2), Reclaim())
    touch(w, 1, read(0))
    assert frames(w) == "1: a\n2: s"
    touch(w, 2, write(0))
    assert (w.counters["swap_ins"], frames(w)) == (1, "1: a\n2: B")
    do(w, Exit(pid=1), Exit(pid=2))
    assert (len(w.page), len(w.swap)) == (0, 0)


@every_design
def test_swap_entries_are_forked_and_freed(design: str) -> None:
    """fork copies swap entries and counts them; munmap gives them back."""
    w = draw("1: AA", design)
    do(w, Reclaim(), Fork(pid=1, child=2))
    assert w.swap.count[w.swap.live()].tolist() == [2, 2]
    do(w, Munmap(pid=1, span=at(0)), Munmap(pid=2, span=at(0)))
    assert (len(w.swap), frames(w)) == (1, "1: .s\n2: .s")


@every_design
def test_locked_memory_is_not_reclaimed(design: str) -> None:
    """VM_LOCKED: the walk meets it and the page stays (SWAP_FAIL); the child of a fork is not locked, the shared page is."""
    w = draw("1: AA", design)
    do(w, Mlock(pid=1, span=at(0)), Reclaim())
    assert frames(w) == "1: As"
    do(w, Fork(pid=1, child=2), Reclaim())
    assert frames(w) == "1: as\n2: as"


@every_design
def test_reclaim_takes_the_longest_unused_first(design: str) -> None:
    """shrink_zone: whole batches of 32 from the tail; a page used since the last look gets another round."""
    w = draw(f"1: {'a' * 40}", design)
    touch(w, 1, write(0, 40))
    outcome = w.apply(Reclaim(pages=1))
    assert (outcome.done, frames(w)[3:]) == (32, "s" * 32 + "ABCDEFHI")
    assert outcome.deltas["walks"] == 40 + 40 + 32 + 32
    touch(w, 1, read(32, 36))
    outcome = w.apply(Reclaim(pages=1))
    assert (outcome.done, frames(w)[3:]) == (4, "s" * 32 + "ABCDssss")


@every_design
def test_what_a_lossy_walk_misses_stays_in_memory(design: str) -> None:
    """C1: pages whose pte the walk misses cannot be unmapped; only anonmm 4c has any."""
    w = draw("1: AA", design)
    do(w, Fork(pid=1, child=2), Mremap(pid=2, span=at(0, 2), new_pages=2, to=ORIGIN + 4), Reclaim())
    lossy = design == LOSSY
    assert frames(w) == ("1: ss\n2: ....ab" if lossy else "1: ss\n2: ....ss")
    assert w.counters["pages_unswappable"] == (2 if lossy else 0)


# -- files -------------------------------------------------------------------------------------------


def file_world(design: str, kind: str, size: int = 40, pages: int = 40, offset: int = 0) -> World:
    """Process 1 maps a file of ``size`` pages."""
    w = World(design_named(design), Machine(files={"f": size}))
    do(w, Spawn(pid=1), Mmap(pid=1, span=at(0, pages), kind=kind, file="f", offset=offset))
    return w


def mapped(w: World, pid: int = 1) -> list[int]:
    """Columns that hold a pte."""
    line = next(line for line in picture(w).splitlines() if line.startswith(f"{pid}: "))
    return [column for column, letter in enumerate(line.split(": ")[1]) if letter.isupper()]


@pytest.mark.parametrize(("column", "first", "end"), [(0, 0, 16), (5, 0, 16), (16, 16, 32), (39, 32, 40)])
@every_design
def test_fault_around(design: str, column: int, first: int, end: int) -> None:
    """A read fault of a file maps the cached pages of its aligned window of 16 as well (do_fault_around), clamped to the vma."""
    w = file_world(design, "file-shared")
    touch(w, 1, read(column))
    assert mapped(w) == list(range(first, end))
    assert w.counters["faults"] == 1


@every_design
def test_fault_around_stays_within_vma_and_file(design: str) -> None:
    """The window is cut at the edges of the vma and at the end of the file."""
    w = file_world(design, "file-private", size=12, pages=20, offset=3)
    touch(w, 1, read(4))
    assert mapped(w) == list(range(9))


@every_design
def test_beyond_the_end_of_a_file(design: str) -> None:
    """SIGBUS for a page beyond the end of the file, whatever the vma says."""
    w = file_world(design, "file-shared", size=2, pages=4)
    assert touch(w, 1, write(2)).error == "SIGBUS"
    outcome = touch(w, 1, read(0, 4))
    assert (outcome.error, outcome.done) == ("SIGBUS", 2)


@every_design
def test_a_private_write_copies_the_page_of_the_file(design: str) -> None:
    """MAP_PRIVATE: a write makes an anonymous copy; others go on seeing the file. MAP_SHARED: all see the write."""
    w = file_world(design, "file-private", size=1, pages=1)
    do(w, Fork(pid=1, child=2))
    touch(w, 1, read(0))
    touch(w, 2, read(0))
    assert frames(w) == "1: a\n2: a"
    touch(w, 2, write(0))
    assert frames(w) == "1: a\n2: B"
    assert w.counters["copied_by_write"] == 0


@every_design
def test_shared_anonymous_memory(design: str) -> None:
    """MAP_SHARED | MAP_ANONYMOUS: fork shares the frames writable; a page appears in the other at its first touch."""
    w = draw("1: .", design)
    do(w, Mmap(pid=1, span=at(0, 3), kind="anon-shared"))
    touch(w, 1, write(0))
    do(w, Fork(pid=1, child=2))
    touch(w, 2, write(0, 2))
    assert frames(w) == "1: A--\n2: AB-"
    touch(w, 1, write(1))
    assert frames(w) == "1: AB-\n2: AB-"
    do(w, Reclaim())
    assert (len(w.swap), len(w.page)) == (2, 0)
    touch(w, 2, read(1))
    assert frames(w) == "1: ---\n2: -A-"


@every_design
def test_truncation_takes_private_copies_along(design: str) -> None:
    """ftruncate: pages beyond the new end leave all mappings, private copies too; then they are a SIGBUS."""
    w = file_world(design, "file-private", size=4, pages=4)
    touch(w, 1, read(0, 4), write(1), write(3))
    do(w, Ftruncate(pid=1, file="f", pages=2))
    assert mapped(w) == [0, 1]
    assert touch(w, 1, read(3)).error == "SIGBUS"
    do(w, Ftruncate(pid=1, file="f", pages=4))
    assert touch(w, 1, read(3)).ok


@every_design
def test_punching_a_hole_leaves_private_copies(design: str) -> None:
    """FALLOC_FL_PUNCH_HOLE: pages of the file go from cache and page tables, private copies stay."""
    w = file_world(design, "file-private", size=4, pages=4)
    touch(w, 1, read(0, 4), write(1))
    do(w, Punch(pid=1, file="f", offset=0, pages=3))
    assert mapped(w) == [1, 3]


@every_design
def test_files_that_do_not_exist(design: str) -> None:
    """EBADF for a file nobody mapped, EINVAL for sizes and holes that cannot be."""
    w = file_world(design, "file-shared")
    assert fails(w, Ftruncate(pid=1, file="g", pages=1)) == "EBADF"
    assert fails(w, Ftruncate(pid=1, file="f", pages=-1)) == "EINVAL"
    assert fails(w, Punch(pid=1, file="f", offset=-1, pages=1)) == "EINVAL"
    assert fails(w, Punch(pid=1, file="g", offset=0, pages=1)) == "EBADF"


@every_design
def test_a_private_file_mapping_needs_both_walks(design: str) -> None:
    """A COW page of a private file mapping is anonymous, its neighbours are the file's: both are found by their own walk."""
    w = file_world(design, "file-private", size=6, pages=6)
    touch(w, 1, write(0, 2), read(2))
    do(w, Fork(pid=1, child=2), Munmap(pid=1, span=at(3)))
    touch(w, 2, read(2, 6))
    assert finds(w) == 0
