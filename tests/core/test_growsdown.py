"""MAP_GROWSDOWN: what may have it and how far it grows. Run on Linux 6.18; older eras by their sources."""

from __future__ import annotations

import pytest
from oracles import finds, new_world

from rmapexplorer.batch import Result, compare, run
from rmapexplorer.core import operations as o
from rmapexplorer.core.audit import audit
from rmapexplorer.core.memory import image
from rmapexplorer.core.rules import ERAS
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.designs.structure_sizes import forms

KEYS = [key for kind in DESIGNS for key in forms(kind)]
NAMES = [rules.era for rules in ERAS]
OLD = ("2.6.7", "2.6.34", "3.0")


def world(key: str, era: str, *ops: o.Operation) -> World:
    w = new_world(key, Machine(calls=era, files={"f": 12}, processes=((1, "P"),)))
    for op in ops:
        assert w.apply(op).ok, op
    return w


def grows(start: int, end: int, **more: object) -> o.Mmap:
    return o.Mmap(pid=1, span=Span(start, end), flags=("growsdown",), **more)  # type: ignore[arg-type]


def touch(at: int, access: str = "w") -> o.Touch:
    return o.Touch(pid=1, runs=((at, at + 1, access),))


def spans(w: World) -> str:
    return " ".join(f"{int(w.vma.start[row])}-{int(w.vma.end[row])}" for row in w.mm_of(1).vmas)


@pytest.mark.parametrize("era", NAMES)
@pytest.mark.parametrize("kind", ["file-private", "file-shared", "anon-shared"])
def test_files_do_not_grow_and_shared_memory_does_in_old_kernels_only(kind: str, era: str) -> None:
    """Until 3.11 a refused one has unmapped what was there."""
    w = world("anon_vma_chain", era, o.Mmap(pid=1, span=Span(100, 104)))
    outcome = w.apply(grows(100, 104, kind=kind, file="f" if "file" in kind else ""))
    assert outcome.error == (None if kind == "anon-shared" and era in OLD else "EINVAL")
    assert spans(w) == ("" if outcome.error and era in OLD else "100-104")


def test_growing_areas_that_touch_merge() -> None:
    assert spans(world("anon_vma_chain", "6.18", grows(100, 104), grows(96, 100))) == "96-104"


@pytest.mark.parametrize("era", NAMES)
def test_a_moved_stack_grows_down_to_index_0_of_its_pages(era: str) -> None:
    """vm_pgoff 0x20 lets a stack grow by 0x20 pages and no further; until 2.6.38 vm_pgoff wrapped round."""
    moved = o.Mremap(pid=1, span=Span(0x20, 0x24), new_pages=4, to=0x4000)
    w = world("anon_vma_chain", era, grows(0x20, 0x24), touch(0x20), moved, touch(0x4000 - 0x20))
    outcome = w.apply(touch(0x4000 - 0x21))
    assert outcome.error == (None if era in ("2.6.7", "2.6.34") else "SIGSEGV")
    audit(w)
    finds(w)


@pytest.mark.parametrize("era", ["2.6.7", "2.6.34"])
@pytest.mark.parametrize("key", KEYS)
def test_a_vm_pgoff_that_wraps_loses_no_pte(key: str, era: str) -> None:
    moved = o.Mremap(pid=1, span=Span(0x20, 0x24), new_pages=4, to=0x4000)
    w = world(key, era, grows(0x20, 0x24), moved, touch(0x4003), touch(0x4000 - 0x30), o.Fork(pid=1, child=2))
    audit(w)
    finds(w)
    assert w.apply(o.Munmap(pid=1, span=Span(0x4000 - 0x28, 0x4000 - 0x20))).ok
    assert w.apply(o.Reclaim()).ok
    audit(w)
    finds(w)


def test_shared_memory_that_grew_shows_its_own_earlier_pages() -> None:
    """3.0: a part moved away, that begins at page 2 of the memory, grows by two pages and shows those."""
    moved = o.Mremap(pid=1, span=Span(102, 104), new_pages=2, to=200)
    w = world("anon_vma", "3.0", grows(100, 104, kind="anon-shared"), touch(101), moved, touch(199, "r"))
    tables = w.mm_of(1).tables
    assert w.pt.get(tables, 199) >> 12 == w.pt.get(tables, 101) >> 12
    assert w.apply(touch(197)).error == "SIGSEGV"
    audit(w)


def test_a_design_whose_stack_may_not_grow_differs_in_that_alone() -> None:
    """shared_space P1 gives the moved stack a low index: its touch is refused, and what pte_chain mapped there is apart."""
    ops = (
        o.Clone(pid=1, child=7), grows(17, 18), touch(16), o.Clone(pid=7, child=8),
        o.Mremap(pid=8, span=Span(16, 18), new_pages=2, to=48), o.Touch(pid=8, runs=((28, 30, "r"), (16, 20, "w"))), o.Reclaim(),
    )  # fmt: skip
    machine = Machine(ram_pages=48, swap_pages=0, calls="3.0", processes=((1, "P"),))
    runs = [run(key, machine, ops, lambda done, total: None) for key in ("pte_chain", "shared_space:policy=P1")]
    results = [Result(name=done.name, refused=done.refused, figures={}, image=image(done.world)) for done in runs]
    verdict = compare(results, ops)
    assert verdict.parting is not None and verdict.parting.index == 5
    assert verdict.difference is None
    assert finds(runs[1].world) == 0
