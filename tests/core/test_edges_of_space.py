"""Lengths of 0 and the end of the address space: what each call says. Every line was run on Linux 6.18."""

from __future__ import annotations

import pytest
from oracles import audit, finds, last_exit, new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core.rules import ERAS
from rmapexplorer.core.units import TASK_SIZE_PAGES, Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.designs.structure_sizes import forms

END = TASK_SIZE_PAGES
BEYOND = Span(END, END + 1)
ACROSS = Span(END - 1, END + 1)
"""The last page, which is mapped, and one more."""


def world(*ops: o.Operation, era: str = "6.18") -> World:
    w = new_world("anon_vma_chain", Machine(calls=era, processes=((1, "P"),)))
    for op in (o.Mmap(pid=1, span=Span(END - 1, END)), *ops):
        assert w.apply(op).ok, op
    return w


def spans(w: World) -> list[tuple[int, int]]:
    return [(int(w.vma.start[row]), int(w.vma.end[row])) for row in w.mm_of(1).vmas]


@pytest.mark.parametrize(
    ("op", "errno"),
    [
        (o.Mmap(pid=1, span=BEYOND), "ENOMEM"),
        (o.Mmap(pid=1, span=ACROSS), "ENOMEM"),
        (o.Munmap(pid=1, span=BEYOND), "EINVAL"),
        (o.Munmap(pid=1, span=ACROSS), "EINVAL"),
        (o.Mprotect(pid=1, span=ACROSS, prot="r"), "ENOMEM"),
        (o.Madvise(pid=1, span=ACROSS, advice="dontneed"), "ENOMEM"),
        (o.Madvise(pid=1, span=BEYOND, advice="willneed"), "ENOMEM"),
        (o.Mlock(pid=1, span=ACROSS), "ENOMEM"),
        (o.Munlock(pid=1, span=BEYOND), "ENOMEM"),
        (o.Mseal(pid=1, span=ACROSS), "ENOMEM"),
        (o.Mremap(pid=1, span=BEYOND, new_pages=1, to=64), "EFAULT"),
        (o.Mremap(pid=1, span=Span(END - 1, END), new_pages=2), "ENOMEM"),
        (o.Mremap(pid=1, span=Span(END - 1, END), new_pages=1, to=END), "EINVAL"),
        (o.Mremap(pid=1, span=ACROSS, new_pages=1), "EINVAL"),
        (o.RemapFilePages(pid=1, span=ACROSS, offset=0), "EINVAL"),
        (o.Touch(pid=1, runs=((END, END + 1, "r"),)), "SIGSEGV"),
    ],
    ids=str,
)
def test_beyond_the_end(op: o.Operation, errno: str) -> None:
    w = world()
    assert w.apply(op).error == errno
    assert spans(w) == [(END - 1, END)]


def test_what_lies_before_the_end_is_done_all_the_same() -> None:
    """Calls that go from vma to vma find none beyond the end, which is a hole like any other."""
    w = world()
    assert w.apply(o.Mprotect(pid=1, span=ACROSS, prot="r")).error == "ENOMEM"
    assert w.apply(o.Touch(pid=1, runs=((END - 1, END, "w"),))).error == "SIGSEGV"


def test_the_heap_keeps_its_end_where_it_may_not_grow() -> None:
    """check_brk_limits: not a page beyond the end, although nothing is in the way."""
    w = new_world("anon_vma_chain", Machine(processes=((1, "P"),)))
    assert w.apply(o.Brk(pid=1, start=16, end=20)).ok
    assert w.apply(o.Brk(pid=1, end=END + 1)).error == "ENOMEM"
    assert spans(w) == [(16, 20)]
    assert w.apply(o.Brk(pid=1, end=END)).ok


@pytest.mark.parametrize("era", [rules.era for rules in ERAS])
def test_an_old_size_of_0_maps_shared_memory_again_and_splits_nothing(era: str) -> None:
    """do_vmi_munmap refuses a length of 0 before it would split at the address."""
    shared = o.Mmap(pid=1, span=Span(100, 108), kind="anon-shared")
    w = world(shared, o.Mremap(pid=1, span=Span(102, 102), new_pages=3, to=300), era=era)
    assert spans(w) == [(100, 108), (300, 303), (END - 1, END)]
    assert [int(w.vma.pgoff[row]) for row in w.mm_of(1).vmas[:2]] == [0, 2]


@pytest.mark.parametrize("era", [rules.era for rules in ERAS])
def test_an_old_size_of_0_of_private_memory_is_refused_since_4_14(era: str) -> None:
    w = world(o.Mmap(pid=1, span=Span(100, 108)), o.Touch(pid=1, runs=((100, 108, "w"),)), era=era)
    outcome = w.apply(o.Mremap(pid=1, span=Span(102, 102), new_pages=3, to=300))
    if era in ("6.18", "6.0"):
        assert outcome.error == "EINVAL"
        assert spans(w)[0] == (100, 108)
    else:
        assert outcome.ok
        assert spans(w) == [(100, 108), (300, 303), (END - 1, END)]
        assert w.mm_of(1).rss == 8  # the copy is empty


@pytest.mark.parametrize("key", [key for kind in DESIGNS for key in forms(kind)])
def test_no_design_takes_an_old_size_of_0_for_a_move(key: str) -> None:
    """Nothing has moved, so that nothing is noted; the copy's pages are found like any others."""
    written = o.Touch(pid=1, runs=((100, 108, "w"),))
    double = o.Mremap(pid=1, span=Span(102, 102), new_pages=3, to=300)
    w = new_world(key, Machine(calls="3.0", processes=((1, "P"),)))
    for op in (
        o.Mmap(pid=1, span=Span(100, 108)),
        written,
        double,
        o.Touch(pid=1, runs=((300, 303, "w"),)),
        o.Fork(pid=1, child=2),
    ):
        assert w.apply(op).ok, op
        audit(w)
        finds(w)
    last_exit(w)


def test_an_empty_span_in_a_sealed_vma_asks_nobody() -> None:
    w = world(o.Mmap(pid=1, span=Span(100, 108)), o.Mseal(pid=1, span=Span(100, 108)))
    assert w.vmas_in(w.mm_of(1), 104, 104) == []
    for op in (o.Mprotect(pid=1, span=Span(104, 104), prot="r"), o.Mlock(pid=1, span=Span(104, 104))):
        assert w.apply(op).ok, op
    assert w.apply(o.Munmap(pid=1, span=Span(104, 104))).error == "EINVAL"


def test_a_size_below_0_is_refused() -> None:
    w = world(o.Mmap(pid=1, span=Span(100, 108)))
    assert w.apply(o.Mremap(pid=1, span=Span(104, 102), new_pages=1, to=300)).error == "EINVAL"
    assert spans(w)[0] == (100, 108)
