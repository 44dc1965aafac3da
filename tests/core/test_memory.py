"""What a process sees of its memory, and what counts as a difference between two worlds."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import memory

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.memory import GUARD, difference, living, memory_of, resident_anonymous
from rmapexplorer.core.operations import (
    Brk,
    Clone,
    Exit,
    Fork,
    Madvise,
    Mmap,
    Mprotect,
    Mremap,
    Munmap,
    Punch,
    Reclaim,
    RemapFilePages,
    Spawn,
    Touch,
)
from rmapexplorer.core.units import KernelError, Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS, design_named

ALL = tuple(kind.key for kind in DESIGNS)


def world(*operations, design="anon_vma_chain"):
    """A world in which process 1 did these, each with success; operation 1 is its spawn."""
    w = World(design_named(design), Machine())
    for op in (Spawn(pid=1), *operations):
        outcome = w.apply(op)
        assert outcome.ok, outcome
    return w


def mmap(start, end, **more):
    return Mmap(pid=more.pop("pid", 1), span=Span(start, end), **more)


def write(start, end, pid=1):
    return Touch(pid=pid, runs=((start, end, "w"),))


def read(start, end, pid=1):
    return Touch(pid=pid, runs=((start, end, "r"),))


def spans(w, pid=1):
    m = memory_of(w, pid)
    return [(s, e, vm.perms(a)) for s, e, a in zip(m.start.tolist(), m.end.tolist(), m.access.tolist(), strict=True)]


def contents(w, pid=1):
    m = memory_of(w, pid)
    return dict(zip(m.page.tolist(), m.token.tolist(), strict=True))


# -- spans --------------------------------------------------------------------------------------------


def test_vma_boundaries_are_not_seen():
    ops = mmap(10, 12), write(10, 12), mmap(14, 16), write(14, 16), mmap(12, 14)
    w = world(
        *ops, Mprotect(pid=1, span=Span(11, 12), prot="r"), write(10, 11), Mprotect(pid=1, span=Span(11, 12), prot="rw")
    )
    assert spans(w) == [(10, 16, "rw-p")]
    assert len(w.vma) > 1


def test_permissions_and_holes_part_spans():
    w = world(mmap(10, 20), Munmap(pid=1, span=Span(14, 15)), Mprotect(pid=1, span=Span(17, 20), prot="rx"))
    assert spans(w) == [(10, 14, "rw-p"), (15, 17, "rw-p"), (17, 20, "r-xp")]


def test_pieces_of_a_file_are_one_span_where_the_file_goes_on():
    w = world(
        mmap(10, 14, kind="file-private", file="f", offset=0), mmap(14, 16, kind="file-private", file="f", offset=9)
    )
    assert spans(w) == [(10, 14, "rw-p"), (14, 16, "rw-p")]
    w = world(
        mmap(10, 14, kind="file-private", file="f", offset=5), mmap(14, 16, kind="file-private", file="f", offset=9)
    )
    assert spans(w) == [(10, 16, "rw-p")]
    assert memory_of(w, 1).delta.tolist() == [-5]


def test_empty_memory_has_no_spans_and_a_stranger_none_at_all():
    assert spans(world()) == [] and contents(world()) == {}
    with pytest.raises(KernelError, match="ESRCH"):
        memory_of(world(), 7)


# -- contents -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("design", ALL)
def test_contents_are_the_last_write_wherever_the_page_went(design):
    ops = mmap(10, 14), write(10, 12), Fork(pid=1, child=2), write(11, 12, pid=2)
    w = world(*ops, read(12, 13), Mremap(pid=2, span=Span(10, 14), new_pages=4, to=50), design=design)
    assert contents(w, 1) == {10: 3, 11: 3}
    assert contents(w, 2) == {50: 3, 51: 5}
    w.apply(Reclaim())
    assert not len(w.anonymous_pages())
    assert contents(w, 1) == {10: 3, 11: 3}
    assert contents(w, 2) == {50: 3, 51: 5}
    w.apply(read(10, 11))
    assert contents(w, 1) == {10: 3, 11: 3}


def test_dropped_pages_and_the_zero_page_have_no_contents():
    w = world(mmap(10, 14), write(10, 12), read(12, 14), Madvise(pid=1, span=Span(10, 11), advice="dontneed"))
    assert contents(w) == {11: 3}


def test_pages_without_access_keep_their_contents():
    w = world(mmap(10, 12), write(10, 12), Mprotect(pid=1, span=Span(10, 11), prot=""))
    assert contents(w) == {10: 3, 11: 3}
    assert resident_anonymous(w, 1) == 2


def test_a_guard_page_has_contents_of_its_own():
    w = world(mmap(10, 14), write(10, 11), Madvise(pid=1, span=Span(12, 13), advice="guard_install"))
    assert contents(w) == {10: 3, 12: GUARD}


def test_a_write_to_a_shared_file_is_seen_where_nothing_was_touched():
    share = {"kind": "file-shared", "file": "f"}
    ops = mmap(10, 14, offset=2, **share), Spawn(pid=2), mmap(50, 60, pid=2, offset=0, **share), write(11, 13)
    w = world(*ops)
    assert contents(w, 1) == {11: 5, 12: 5}
    assert contents(w, 2) == {53: 5, 54: 5}


def test_a_private_copy_hides_what_others_write_to_the_file():
    ops = (
        mmap(10, 12, kind="file-private", file="f"),
        write(10, 11),
        mmap(20, 22, kind="file-shared", file="f"),
        write(20, 22),
    )
    assert contents(world(*ops)) == {10: 3, 11: 5, 20: 5, 21: 5}


def test_shared_anonymous_memory_keeps_its_contents_in_swap():
    w = world(mmap(10, 14, kind="anon-shared"), write(11, 13), Fork(pid=1, child=2), Reclaim())
    assert w.counters["swap_outs"] == 2
    assert contents(w, 1) == contents(w, 2) == {11: 3, 12: 3}


def test_a_written_file_page_keeps_its_contents_when_it_is_dropped():
    w = world(mmap(10, 14, kind="file-shared", file="f"), write(11, 13), Fork(pid=1, child=2), Reclaim(pages=9))
    assert w.cache.get(w.files[0].cache, 1) == 0
    assert contents(w, 1) == contents(w, 2) == {11: 3, 12: 3}
    w.apply(write(11, 12, pid=2))
    assert contents(w, 1) == contents(w, 2) == {11: 6, 12: 3}


def test_a_punched_hole_has_no_contents():
    ops = mmap(10, 14, kind="file-shared", file="f"), write(10, 14), Punch(pid=1, file="f", offset=1, pages=2)
    assert contents(world(*ops)) == {10: 3, 13: 3}


def test_resident_anonymous_pages_are_copies_and_no_swap_and_no_zero_page():
    ops = (
        mmap(10, 20),
        write(10, 13),
        read(13, 16),
        mmap(30, 34, kind="file-private", file="f"),
        write(30, 31),
        read(31, 33),
    )
    w = world(*ops)
    assert resident_anonymous(w, 1) == 4
    w.apply(Madvise(pid=1, span=Span(10, 12), advice="pageout"))
    assert resident_anonymous(w, 1) == 2


# -- differences --------------------------------------------------------------------------------------

BASE = (mmap(10, 20), write(10, 15), mmap(30, 34, kind="file-private", file="f"), Fork(pid=1, child=2))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ((mmap(40, 41),), "page 28 is not mapped in pte_chain and rw-p in anonmm"),
        ((Munmap(pid=2, span=Span(16, 17)),), "Process 2, page 10 is rw-p in pte_chain and not mapped in anonmm"),
        ((Mprotect(pid=1, span=Span(12, 13), prot="r"),), "page c is rw-p in pte_chain and r--p in anonmm"),
        (
            (mmap(30, 34, kind="file-private", file="g"),),
            "page 1e is rw-p of f from file page 0 in pte_chain and rw-p of g",
        ),
        (
            (mmap(30, 34, kind="file-private", file="f", offset=1),),
            "from file page 0 in pte_chain and rw-p of f from file page 1",
        ),
        (
            (write(12, 13),),
            "page c was last written by operation 3 in pte_chain and was last written by operation 6 in anonmm",
        ),
        (
            (write(18, 19, pid=2),),
            "Process 2, page 12 was never written in pte_chain and was last written by operation 6",
        ),
        ((Madvise(pid=1, span=Span(10, 12), advice="guard_install"),), "and is a guard page in anonmm"),
        ((Exit(pid=2),), "Process 2 is alive in pte_chain only"),
        ((Fork(pid=2, child=3),), "Process 3 is alive in anonmm only"),
    ],
)
def test_differences_are_named(more, sentence):
    one, other = world(*BASE, design="pte_chain"), world(*BASE, *more, design="anonmm")
    assert difference(one, world(*BASE, design="anonmm")) is None
    assert sentence in difference(one, other)
    assert difference(one, other, {1: [Span(0, 100)], 2: [Span(0, 100)], 3: []}) is None


@pytest.mark.parametrize("more", [mmap(40, 44), Mprotect(pid=1, span=Span(12, 16), prot="r"), write(12, 16)])
def test_only_what_is_apart_is_left_out(more):
    one, other = world(*BASE), world(*BASE, more)
    span = getattr(more, "span", Span(12, 16))
    assert difference(one, other, {1: [Span(span.start, span.start + 2), Span(span.start + 2, span.end)]}) is None
    assert f"page {span.end - 1:x} " in difference(one, other, {1: [Span(span.start, span.end - 1)]})
    assert difference(one, other, {2: [span]}) is not None


def test_residency_and_threads_are_no_difference():
    more = Reclaim(), Clone(pid=1, child=9)
    assert difference(world(*BASE), world(*BASE, *more)) is None


def test_options_are_part_of_the_name():
    one, other = world(*BASE, design="anonmm:variant=4c"), world(*BASE, write(10, 11), design="anonmm")
    assert "operation 3 in anonmm:variant=4c and was last written by operation 6 in anonmm." in difference(one, other)


def test_a_zombie_is_not_alive():
    w = world(Clone(pid=1, child=9), Fork(pid=1, child=2), Exit(pid=1))
    assert [task.pid for task in living(w)] == [2]


# -- nonlinear vmas: a pte may say which page of the file it means ------------------------------------

OLD = Machine(calls="2.6.7", files={"f": 16})
GONE = Reclaim(pages=40)


def nonlinear(*more):
    """Pages 10 to 14 of process 1 show page 0, 1, 9, 8 of a file; each was written through its place by operation 5 to 8."""
    w = World(design_named("objrmap"), OLD)
    turned = [RemapFilePages(pid=1, span=Span(12 + n, 13 + n), offset=9 - n) for n in range(2)]
    for op in (Spawn(pid=1), mmap(10, 14, kind="file-shared", file="f"), *turned,
               *(write(page, page + 1) for page in range(10, 14)), *more):  # fmt: skip
        assert w.apply(op).ok
    return w


SHOWN = {10: 5, 11: 6, 12: 7, 13: 8}


def offsets(w):
    _, slots = w.pt.span(w.mm_of(1).tables, 10, 14)
    entries = w.pt.flat[slots]
    return (entries[(entries & radix.OFFSET) != 0] >> radix.ENTRY_SHIFT).tolist()


def test_a_nonlinear_pte_without_a_page_shows_its_page_of_the_file():
    """Reclaim leaves the offset in the pte; what is read there later is page 9 and 8 of the file, not 2 and 3."""
    w = nonlinear(GONE)
    assert offsets(w)[-2:] == [9, 8]
    assert contents(w) == SHOWN == contents(nonlinear())
    assert [token for (_, vpn), (*_, token) in sorted(memory(w).items())] == list(SHOWN.values())
    assert difference(nonlinear(), w) is None
    w.apply(read(10, 14))
    assert (offsets(w), contents(w)) == ([], SHOWN)


def test_another_page_in_a_nonlinear_pte_is_a_difference():
    """The pte for page 9 is turned to page 1 of the file in one world; both worlds have no page there."""
    turn = RemapFilePages(pid=1, span=Span(12, 13), offset=1)
    one, other = nonlinear(GONE), nonlinear(turn, GONE)
    assert difference(one, other) == (
        "Process 1, page c was last written by operation 7 in objrmap and was last written by operation 6 in objrmap."
    )


def test_nonlinear_ptes_go_with_their_span():
    w = nonlinear(GONE, Munmap(pid=1, span=Span(12, 13)))
    assert contents(w) == {page: token for page, token in SHOWN.items() if page != 12}


# -- against a plain reading, page by page ------------------------------------------------------------


def plain(w, pid):
    """(page number -> permissions), (page number -> token), read pte by pte."""
    mm, access, tokens = w.mm_of(pid), {}, {}
    for row in mm.vmas:
        file, start = int(w.vma.file[row]), int(w.vma.start[row])
        for vpn in range(start, int(w.vma.end[row])):
            access[vpn] = vm.perms(int(w.vma.flags[row]))
            entry = w.pt.get(mm.tables, vpn)
            if not entry and file >= 0:
                index = int(w.vma.pgoff[row]) + vpn - start
                entry = w.cache.get(w.files[file].cache, index)
                tokens[vpn] = w.files[file].saved.get(index, 0)
            if entry & radix.SWAP:
                tokens[vpn] = int(w.swap.token[entry >> radix.ENTRY_SHIFT])
            elif entry and not entry & radix.ZERO:
                tokens[vpn] = int(w.page.token[entry >> radix.ENTRY_SHIFT])
    return access, {vpn: token for vpn, token in tokens.items() if token}


def random_operation(dice, top):
    """One call over few processes and few pages."""
    start, pid = int(dice.integers(16, 100)), int(dice.integers(1, top + 1))
    span, kind = Span(start, start + int(dice.integers(1, 20))), int(dice.integers(0, 12))
    if kind < 3:
        what = ("anon", "anon", "file-private", "file-shared", "anon-shared")[dice.integers(0, 5)]
        return Mmap(
            pid=pid,
            span=span,
            kind=what,
            file="f" if what.startswith("file") else "",
            offset=start % 7 * what.startswith("file"),
        )
    if kind == 3:
        return Munmap(pid=pid, span=span)
    if kind == 4:
        return Mprotect(pid=pid, span=span, prot=("r", "rw", "")[dice.integers(0, 3)])
    if kind == 5:
        return Madvise(pid=pid, span=span, advice=("dontneed", "pageout", "dontfork")[dice.integers(0, 3)])
    if kind == 6:
        return Reclaim(pages=int(dice.integers(1, 12)))
    if kind == 7:
        return Brk(pid=pid, start=200, end=int(dice.integers(200, 220)))
    return Touch(pid=pid, runs=((span.start, span.end, "rww"[dice.integers(0, 3)]),))


@pytest.mark.parametrize("seed", range(12))
def test_random_logs_read_as_page_by_page_and_equal_in_all_worlds(seed):
    worlds = [World(design_named(key), Machine()) for key in ALL]
    dice = np.random.default_rng(seed)
    log, top = [Spawn(pid=1), mmap(16, 100), Brk(pid=1, start=200, end=210)], 1
    for _ in range(150):
        if top < 5 and dice.random() < 0.06:
            top += 1
            log.append(Fork(pid=int(dice.integers(1, top)), child=top))
        log.append(random_operation(dice, top))
    for op in log:
        assert len({w.apply(op).error for w in worlds}) == 1
    for w in worlds:
        for pid in range(1, top + 1):
            access, tokens = plain(w, pid)
            assert contents(w, pid) == tokens
            assert {vpn: perms for start, end, perms in spans(w, pid) for vpn in range(start, end)} == access
    assert {difference(worlds[0], w) for w in worlds[1:]} == {None}
