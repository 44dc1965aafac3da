"""Which hooks of a design are called for each operation, how often and in which order. Read this before writing a design.

Vmas are named by their ids in the world; ``x3`` is an array of three ids.
"""

from __future__ import annotations

import pytest
from picture import ORIGIN, at, do, read, write
from recording import ASKING, TELLING, Recorder

from rmapexplorer.core import operations as o
from rmapexplorer.core.design import Design
from rmapexplorer.core.units import Machine
from rmapexplorer.core.world import World


def world(*ops: o.Operation) -> World:
    """A world with process 1 after these operations, nothing logged so far."""
    w = World(Recorder(), Machine(files={"f": 8}))
    do(w, o.Spawn(pid=1), *ops)
    recorder(w).taken()
    return w


def recorder(w: World) -> Recorder:
    assert isinstance(w.design, Recorder)
    return w.design


def hooks(w: World, op: o.Operation) -> list[str]:
    """What the design is asked and told by one operation."""
    do(w, op)
    return recorder(w).taken()


def touch(*runs: tuple[int, int, str]) -> o.Touch:
    return o.Touch(pid=1, runs=runs)


MAPPED = o.Mmap(pid=1, span=at(0, 6))
WRITTEN = touch(write(0, 6))


def protect(first: int, end: int, prot: str = "r") -> o.Mprotect:
    return o.Mprotect(pid=1, span=at(first, end), prot=prot)


def test_every_hook_is_recorded() -> None:
    """The recorder knows every hook that is a past participle, or asks before a change."""
    passive = {
        name for name in vars(Design) if name.endswith(("ed", "ing", "set", "gone")) and not name.startswith("_")
    }
    assert passive - set(TELLING) == set()
    assert {name for name in vars(Design) if name.startswith(("may_", "must_"))} - set(ASKING) == set()


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (o.Mmap(pid=1, span=at(8, 9)), []),
        (o.Mmap(pid=1, span=at(6, 7)), ["may_merge 0 left", "vmas_resizing 0", "vmas_resized 0"]),
        (o.Brk(pid=1, start=ORIGIN + 9, end=ORIGIN + 10), []),
        (touch(read(0, 6)), []),
        (touch(write(2, 5)), ["prepare 0", "ptes_set x3 first_write"]),
        (protect(2, 6), ["vma_cloned 0 1", "vmas_resizing 0", "vmas_resized 0"]),
        (
            protect(2, 4),
            [
                *("vma_cloned 0 1", "vmas_resizing 0", "vmas_resized 0"),
                *("vma_cloned 0 2", "vmas_resizing 0", "vmas_resized 0"),
            ],
        ),
        (o.Munmap(pid=1, span=at(0, 6)), ["vmas_unlinked x1"]),
        (o.Madvise(pid=1, span=at(0, 6), advice="dontfork"), []),
        (o.Madvise(pid=1, span=at(0, 1), advice="guard_install"), ["prepare 0"]),
        (o.Fork(pid=1, child=2), ["mm_forked 1 0", "vmas_forked x1"]),
        (o.Clone(pid=1, child=2), []),
        (o.Exec(pid=1), ["mm_created 1", "vmas_unlinked x1", "mm_gone 0"]),
        (o.Exit(pid=1), ["vmas_unlinked x1", "mm_gone 0"]),
        (o.Reclaim(), []),
    ],
)
def test_untouched_memory(op: o.Operation, expected: list[str]) -> None:
    """Nothing was faulted in yet: no pages, so no page is spoken of."""
    assert hooks(world(MAPPED), op) == expected


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (touch(read(0, 6), write(0, 6)), []),
        (o.Munmap(pid=1, span=at(0, 6)), ["ptes_cleared x6 unmap", "page_gone x6", "vmas_unlinked x1"]),
        (
            o.Munmap(pid=1, span=at(4, 6)),
            [
                *("vma_cloned 0 1", "vmas_resizing 0", "vmas_resized 0"),
                *("ptes_cleared x2 unmap", "page_gone x2", "vmas_unlinked x1"),
            ],
        ),
        (o.Madvise(pid=1, span=at(1, 3), advice="dontneed"), ["ptes_cleared x2 unmap", "page_gone x2"]),
        (
            o.Madvise(pid=1, span=at(1, 3), advice="pageout"),
            ["ptes_cleared x2 reclaim", "walked x2 unmap", "page_gone x2"],
        ),
        (o.Reclaim(), ["ptes_cleared x6 reclaim", "walked x6 unmap", "page_gone x6"]),
        (o.Fork(pid=1, child=2), ["mm_forked 1 0", "vmas_forked x1", "fork_spares 1 6", "ptes_set x6 fork"]),
        (o.Exec(pid=1), ["mm_created 1", "ptes_cleared x6 unmap", "page_gone x6", "vmas_unlinked x1", "mm_gone 0"]),
        (o.Exit(pid=1), ["ptes_cleared x6 unmap", "page_gone x6", "vmas_unlinked x1", "mm_gone 0"]),
        (o.Mremap(pid=1, span=at(0, 6), new_pages=8), ["may_merge 0 left", "vmas_resizing 0", "vmas_resized 0"]),
        (
            o.Mremap(pid=1, span=at(0, 6), new_pages=6, to=ORIGIN + 20),
            ["vma_cloned 0 1", "must_copy x6 0 mremap", "ptes_moved x6 0 1", "span_moved 0 1 6", "vmas_unlinked x1"],
        ),
        (
            o.Mremap(pid=1, span=at(0, 6), new_pages=6, to=ORIGIN + 20, dontunmap=True),
            ["vma_cloned 0 1", "must_copy x6 0 mremap", "ptes_moved x6 0 1", "span_moved 0 1 6", "vmas_unlinked x1"],
        ),
        (
            o.Mremap(pid=1, span=at(0, 2), new_pages=2, to=ORIGIN + 20, dontunmap=True),
            ["vma_cloned 0 1", "must_copy x2 0 mremap", "ptes_moved x2 0 1", "span_moved 0 1 2"],
        ),
    ],
)
def test_written_memory(op: o.Operation, expected: list[str]) -> None:
    """Six written pages in one vma: ptes first, then vmas, then the mm."""
    assert hooks(world(MAPPED, WRITTEN), op) == expected


def test_splits_come_together() -> None:
    """mprotect back: both sides are asked, then whether they agree; who has no anon_vma adopts, bounds change, the others go."""
    w = world(MAPPED, WRITTEN, protect(2, 4))
    assert hooks(w, protect(2, 4, "rw")) == [
        *("may_merge 1 left", "may_merge 2 right", "may_join 1 2", "anon_vma_adopted 1 2"),
        *("vmas_resizing 1", "vmas_resized 1", "vma_merged 1 0", "vma_merged 1 2"),
    ]


def test_a_boundary_moves() -> None:
    """A part that goes to its neighbour: the vma that loses it and the one that grows change in one step, lower first."""
    w = world(MAPPED, WRITTEN, protect(2, 4))
    assert hooks(w, protect(2, 3, "rw")) == [
        "may_merge 1 left",
        "anon_vma_adopted 1 0",
        "vmas_resizing 1,0",
        "vmas_resized 1,0",
    ]
    assert hooks(w, protect(4, 5)) == [
        "may_merge 0 left",
        "anon_vma_adopted 0 2",
        "vmas_resizing 0,2",
        "vmas_resized 0,2",
    ]


def test_a_hole_is_filled() -> None:
    """New memory between two parts: prev grows over both, next goes."""
    w = world(MAPPED, WRITTEN, o.Munmap(pid=1, span=at(2, 4)))
    left, right = w.mms[0].vmas
    assert hooks(w, o.Mmap(pid=1, span=at(2, 4))) == [
        *(
            f"may_merge {left} left",
            f"may_merge {right} right",
            f"may_join {left} {right}",
            f"anon_vma_adopted {left} {right}",
        ),
        *(f"vmas_resizing {left}", f"vmas_resized {left}", f"vma_merged {left} {right}"),
    ]


def test_other_flags_are_not_the_designs_affair() -> None:
    """may_merge is asked last: never where flags, file or pgoff forbid the merge already."""
    w = world(MAPPED)
    assert hooks(w, o.Mmap(pid=1, span=at(6, 8), prot="r")) == []


def test_copy_on_write() -> None:
    """Copy: the old pte is cleared, then the new page set. The last one reuses the page; the third time nothing is told."""
    w = world(MAPPED, touch(write(0)), o.Fork(pid=1, child=2))
    child = w.mms[1].vmas[0]
    assert hooks(w, o.Touch(pid=2, runs=(write(0),))) == [f"prepare {child}", "ptes_cleared x1 cow", "ptes_set x1 cow"]
    assert hooks(w, touch(write(0))) == ["prepare 0", "pages_reused x1 0"]
    assert hooks(w, touch(write(0))) == []


def test_swap() -> None:
    """Out: the ptes of all processes go at once. In: only the pte that faulted appears; the other finds the swap cache."""
    w = world(MAPPED, touch(write(0, 2)), o.Fork(pid=1, child=2))
    assert hooks(w, o.Reclaim()) == ["ptes_cleared x4 reclaim", "walked x2 unmap", "page_gone x2"]
    assert hooks(w, touch(read(0))) == ["ptes_set x1 swap_in"]
    assert hooks(w, o.Touch(pid=2, runs=(read(0),))) == ["must_copy x1 1 swap_in", "ptes_set x1 swap_in"]
    assert hooks(w, o.Exit(pid=2)) == ["ptes_cleared x1 unmap", "vmas_unlinked x1", "mm_gone 1"]


def test_wiped_and_left_out_vmas_do_not_fork() -> None:
    """MADV_DONTFORK and MADV_WIPEONFORK: the design hears of the other vmas only."""
    w = world(MAPPED, WRITTEN, o.Madvise(pid=1, span=at(0, 2), advice="dontfork"))
    do(w, o.Madvise(pid=1, span=at(2, 4), advice="wipeonfork"))
    recorder(w).taken()
    assert hooks(w, o.Fork(pid=1, child=2)) == [
        "mm_forked 1 0",
        "vmas_forked x1",
        "fork_spares 1 2",
        "ptes_set x2 fork",
    ]


def test_pages_of_files() -> None:
    """A file's pages are told of too (a pte_chain needs them); fork leaves them out unless the vma has private copies."""
    w = world(o.Mmap(pid=1, span=at(0, 4), kind="file-private", file="f"))
    assert hooks(w, touch(read(0))) == ["ptes_set x4 file"]
    assert hooks(w, o.Fork(pid=1, child=2)) == ["mm_forked 1 0", "vmas_forked x1"]
    assert hooks(w, touch(write(0))) == ["prepare 0", "ptes_cleared x1 cow", "ptes_set x1 cow"]
    assert hooks(w, o.Fork(pid=1, child=3)) == [
        "mm_forked 2 0",
        "vmas_forked x1",
        "fork_spares 1 4",
        "ptes_set x4 fork",
    ]
    assert hooks(w, o.Punch(pid=1, file="f", offset=1, pages=3)) == ["ptes_cleared x3 unmap"] * 2


def test_refused_calls_tell_nothing() -> None:
    """Errors found by up-front checks change nothing."""
    w = world(MAPPED, WRITTEN)
    for op in (
        o.Munmap(pid=9, span=at(0)),
        o.Mremap(pid=1, span=at(0, 2), new_pages=2, to=ORIGIN + 1),
        o.Mmap(pid=1, span=at(0), flags=("noreplace",)),
        o.Fork(pid=1, child=1),
    ):
        assert not w.apply(op).ok
    assert recorder(w).taken() == []


def test_looking_is_not_walking() -> None:
    """``walked`` is never called by a probe, a picture or a digest."""
    w = world(MAPPED, WRITTEN)
    w.probe()
    w.digest()
    w.copy()
    assert recorder(w).taken() == []
