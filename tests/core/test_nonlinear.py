"""Nonlinear vmas (remap_file_pages until 3.16): no list orders their pages, so truncation, advice and fork look at every pte.

Kernel: unmap_mapping_range with i_mmap_nonlinear, zap_pte_range with details->nonlinear_vma, copy_page_range (mm/memory.c
2.6.7 to 3.0), madvise_dontneed, madvise_remove (mm/madvise.c).
"""

from __future__ import annotations

import pytest
from oracles import finds, last_exit, memory, new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core.audit import audit
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.designs.structure_sizes import forms

ERAS = ("2.6.7", "2.6.34", "3.0")
KEYS = [key for kind in DESIGNS for key in forms(kind)]
FIRST = 36
MAPPED = (
    o.Spawn(pid=1),
    o.Mmap(pid=1, span=Span(FIRST, FIRST + 12), kind="file-shared", file="f"),
    o.RemapFilePages(pid=1, span=Span(FIRST + 2, FIRST + 5), offset=5),
)
"""Pages 2 to 4 of the mapping show pages 5 to 7 of the file."""


def run(key: str, era: str, *ops: o.Operation) -> World:
    w = new_world(key, Machine(calls=era, files={"f": 12}))
    for op in MAPPED + ops:
        assert w.apply(op).ok, op
        audit(w)
        finds(w)
    return w


def shown(w: World, pid: int = 1) -> str:
    """What reads of the twelve pages find: the page of the file in hexadecimal, x beyond its end."""
    out = ""
    for page in range(FIRST, FIRST + 12):
        outcome = w.apply(o.Touch(pid=pid, runs=((page, page + 1, "r"),)))
        assert outcome.error in (None, "SIGBUS")
        entry = w.pt.get(w.mm_of(pid).tables, page)
        out += "x" if outcome.error else f"{int(w.page.index[entry >> 12]):x}"
    return out


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("cut", [o.Ftruncate(pid=1, file="f", pages=4), o.Punch(pid=1, file="f", offset=5, pages=3)])
@pytest.mark.parametrize("key", KEYS)
def test_a_frame_that_is_used_again_is_mapped_by_its_new_owner_alone(key: str, cut: o.Operation, era: str) -> None:
    mapped = o.Mmap(pid=2, span=Span(100, 110))
    w = run(key, era, cut, o.Spawn(pid=2), mapped, o.Touch(pid=2, runs=((100, 110, "w"),)))
    written = w.serial
    assert written not in {contents[-1] for (pid, _), contents in memory(w).items() if pid == 1}
    last_exit(w)


@pytest.mark.parametrize("era", ERAS)
def test_ptes_keep_what_their_address_does_not_tell(era: str) -> None:
    """Beyond a new end every access is SIGBUS; once the file is long again each address shows the page it showed before."""
    w = run("anon_vma", era)
    assert shown(w) == "0156756789ab"
    assert w.apply(o.Ftruncate(pid=1, file="f", pages=6)).ok
    assert shown(w) == "015xx5xxxxxx"
    assert w.apply(o.Ftruncate(pid=1, file="f", pages=12)).ok
    assert shown(w) == "0156756789ab"


@pytest.mark.parametrize("era", ERAS)
def test_a_page_within_the_file_is_there_although_its_address_lies_beyond(era: str) -> None:
    w = run("anon_vma", era, o.RemapFilePages(pid=1, span=Span(FIRST + 10, FIRST + 11), offset=0))
    assert w.apply(o.Ftruncate(pid=1, file="f", pages=6)).ok
    assert shown(w) == "015xx5xxxx0x"
    audit(w)


@pytest.mark.parametrize("era", ERAS)
def test_dontneed_keeps_the_offsets(era: str) -> None:
    w = run("anon_vma", era, o.Madvise(pid=1, span=Span(FIRST, FIRST + 12), advice="dontneed"))
    assert w.mm_of(1).rss == 0
    assert shown(w) == "0156756789ab"


@pytest.mark.parametrize("era", ERAS)
def test_a_child_sees_the_same_pages(era: str) -> None:
    """copy_page_range leaves out file ptes since 2.6.14, not those that no fault could fill."""
    assert shown(run("anon_vma", era, o.Fork(pid=1, child=2)), pid=2) == "0156756789ab"


@pytest.mark.parametrize("era", ERAS[1:])
def test_remove_refuses_nonlinear_vmas(era: str) -> None:
    w = run("anon_vma", era)
    assert w.apply(o.Madvise(pid=1, span=Span(FIRST, FIRST + 4), advice="remove")).error == "EINVAL"
