"""remap_file_pages, swapoff, and what happens when RAM and swap run out."""

from __future__ import annotations

import pytest

from rmapexplorer.core.audit import audit
from rmapexplorer.core.operations import Fork, Mmap, Munmap, Reclaim, RemapFilePages, Swapoff, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.walk import price
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named

DESIGNS = ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")


def _world(design: str, **machine: object) -> World:
    return World(design_named(design), Machine(processes=((1, "a"),), **machine))  # type: ignore[arg-type]


def _do(w: World, *ops: object) -> None:
    for op in ops:
        outcome = w.apply(op)  # type: ignore[arg-type]
        assert outcome.ok, (op, outcome)
        audit(w)


def _found(w: World) -> None:
    pages = w.page.live()
    for walk in w.candidates(pages[w.page.mapcount[pages] > 0]):
        assert not price(w, walk).missed.any()


@pytest.mark.parametrize("design", DESIGNS)
def test_a_nonlinear_vma_stays_one_and_its_pages_are_found(design: str) -> None:
    """2.6: remap_file_pages sets ptes inside the vma (VM_NONLINEAR); a sweep or the chain finds the pages."""
    w = _world(design, calls="2.6.7", files={"f": 64})
    _do(
        w,
        Mmap(pid=1, span=Span(0, 32), kind="file-shared", file="f"),
        RemapFilePages(pid=1, span=Span(4, 8), offset=40),
    )
    _do(w, Fork(pid=1, child=2), Touch(pid=1, runs=((0, 32, "w"),)))
    assert len(w.mm_of(1).vmas) == 1
    _found(w)


@pytest.mark.parametrize("design", DESIGNS)
def test_reclaimed_nonlinear_ptes_keep_their_file_offset(design: str) -> None:
    """2.6: the pte of a page that its address does not tell keeps the file offset, and faults back to the same page."""
    w = _world(design, calls="2.6.7", files={"f": 64})
    _do(
        w, Mmap(pid=1, span=Span(0, 8), kind="file-shared", file="f"), RemapFilePages(pid=1, span=Span(2, 4), offset=50)
    )
    _do(w, Touch(pid=1, runs=((0, 8, "r"),)), Reclaim(pages=8), Touch(pid=1, runs=((0, 8, "r"),)))
    mm = w.mm_of(1)
    indexes = [int(w.page.index[w.pt.get(mm.tables, vpn) >> 12]) for vpn in range(8)]
    assert indexes == [0, 1, 50, 51, 4, 5, 6, 7]


def test_today_it_is_a_mapping_of_its_own() -> None:
    """Since 4.0: the span becomes a vma with another pgoff."""
    w = _world("anon_vma_chain", files={"f": 64})
    _do(
        w, Mmap(pid=1, span=Span(0, 8), kind="file-shared", file="f"), RemapFilePages(pid=1, span=Span(2, 4), offset=50)
    )
    assert [int(w.vma.pgoff[row]) for row in w.mm_of(1).vmas] == [0, 50, 4]


@pytest.mark.parametrize(
    ("op", "rule"),
    [
        (RemapFilePages(pid=1, span=Span(90, 92), offset=0), "no shared mapping"),
        (RemapFilePages(pid=1, span=Span(4, 12), offset=0), "reaches beyond"),
        (RemapFilePages(pid=1, span=Span(0, 2), offset=63), "has 64 pages"),
    ],
)
def test_what_remap_file_pages_refuses(op: RemapFilePages, rule: str) -> None:
    """EINVAL: not shared, beyond the vma, beyond the file."""
    w = _world("anon_vma", calls="2.6.7", files={"f": 64})
    _do(w, Mmap(pid=1, span=Span(0, 8), kind="file-shared", file="f"))
    outcome = w.apply(op)
    assert outcome.error == "EINVAL" and rule in outcome.rule


@pytest.mark.parametrize("design", DESIGNS)
def test_swapoff_brings_everything_back_and_nothing_goes_out_again(design: str) -> None:
    """swapoff: every swap entry gets its page; later reclaim frees no anonymous page."""
    w = _world(design)
    _do(w, Mmap(pid=1, span=Span(0, 8)), Touch(pid=1, runs=((0, 8, "w"),)), Fork(pid=1, child=2), Reclaim())
    assert len(w.swap) == 8 and len(w.page) == 0
    _do(w, Swapoff())
    assert len(w.swap) == 0 and len(w.page) == 8
    _do(w, Reclaim())
    assert len(w.swap) == 0 and len(w.page) == 8
    _found(w)


@pytest.mark.parametrize("design", DESIGNS)
def test_reclaim_runs_by_itself_when_ram_is_full(design: str) -> None:
    """A machine of 64 frames holds 200 written pages: the rest is in swap, and every page keeps its content."""
    w = _world(design, ram_pages=64, swap_pages=400)
    _do(w, Mmap(pid=1, span=Span(0, 200)), Touch(pid=1, runs=((0, 200, "w"),)))
    assert len(w.page) <= 64 and len(w.page) + len(w.swap) >= 200
    assert w.counters["swap_outs"] >= 136
    _do(w, Touch(pid=1, runs=((0, 200, "r"),)), Munmap(pid=1, span=Span(0, 200)))
    assert len(w.page) == len(w.swap) == 0


@pytest.mark.parametrize("design", DESIGNS)
def test_without_ram_and_swap_the_operation_ends_with_enomem(design: str) -> None:
    """Neither RAM nor swap: ENOMEM with the pages done before it, and the world is whole."""
    w = _world(design, ram_pages=64, swap_pages=32)
    _do(w, Mmap(pid=1, span=Span(0, 200)))
    outcome = w.apply(Touch(pid=1, runs=((0, 200, "w"),)))
    assert outcome.error == "ENOMEM" and "neither RAM nor swap" in outcome.rule
    assert outcome.done == 96
    audit(w)


def test_a_touch_beyond_what_the_simulation_holds_is_refused_at_once() -> None:
    """A span of 2^31 pages is refused in one sentence instead of filling the real memory."""
    w = _world("anon_vma_chain")
    _do(w, Mmap(pid=1, span=Span(0, 1 << 31)))
    outcome = w.apply(Touch(pid=1, runs=((0, 1 << 31, "w"),)))
    assert outcome.error == "ENOMEM" and "the simulation holds no more" in outcome.rule and len(w.page) == 0
