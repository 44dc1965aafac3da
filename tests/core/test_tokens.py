"""Contents change by writes alone: calls that fault pages in for writing leave them, in every era and every state of a page."""

from __future__ import annotations

import pytest
from oracles import content, new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core.audit import audit
from rmapexplorer.core.rules import ERAS
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World

ERAS_KNOWN = [rules.era for rules in ERAS]
AT, END = 100, 104
SPAN = Span(AT, END)
MAP = o.Mmap(pid=1, span=SPAN)
WRITE = o.Touch(pid=1, runs=((AT, END, "w"),))
READ = o.Touch(pid=1, runs=((AT, END, "r"),))
OF_FILE = o.Mmap(pid=1, span=SPAN, kind="file-private", file="f")
SHARED_FILE = o.Mmap(pid=2, span=SPAN, kind="file-shared", file="f")
STATES: dict[str, tuple[o.Operation, ...]] = {
    "never touched": (MAP,),
    "the zero page": (MAP, READ),
    "written": (MAP, WRITE),
    "shared with a child": (MAP, WRITE, o.Fork(pid=1, child=3)),
    "the child has gone": (MAP, WRITE, o.Fork(pid=1, child=3), o.Exit(pid=3)),
    "on swap": (MAP, WRITE, o.Reclaim()),
    "on swap, shared": (MAP, WRITE, o.Fork(pid=1, child=3), o.Reclaim()),
    "a file never written": (OF_FILE,),
    "a file that somebody wrote": (SHARED_FILE, o.Touch(pid=2, runs=((AT, END, "w"),)), OF_FILE),
    "a file that somebody wrote, read": (SHARED_FILE, o.Touch(pid=2, runs=((AT, END, "w"),)), OF_FILE, READ),
    "a written file that was dropped": (
        SHARED_FILE, o.Touch(pid=2, runs=((AT, END, "w"),)), o.Exit(pid=2), o.Reclaim(pages=9), OF_FILE,
    ),
    "shared memory": (o.Mmap(pid=1, span=SPAN, kind="anon-shared"), WRITE),
    "no access, written before": (MAP, WRITE, o.Mprotect(pid=1, span=SPAN, prot="r"), o.Mprotect(pid=1, span=SPAN, prot="rw")),
}  # fmt: skip
MODERN: dict[str, tuple[o.Operation, ...]] = {
    "given up": (MAP, WRITE, o.Madvise(pid=1, span=SPAN, advice="free")),
    "given up, shared": (MAP, WRITE, o.Madvise(pid=1, span=SPAN, advice="free"), o.Fork(pid=1, child=3)),
}


def contents(w: World) -> list[tuple[str, int]]:
    row = w.vma_at(w.mm_of(1), AT)
    return [content(w, w.mm_of(1).id, row, vpn) for vpn in range(AT, END)]


def check(era: str, state: tuple[o.Operation, ...], op: o.Operation) -> None:
    w = new_world("anon_vma_chain", Machine(calls=era, files={"f": 8}, processes=((1, "P"), (2, "Q"))))
    for before in state:
        assert w.apply(before).ok, before
    seen = contents(w)
    assert w.apply(op).ok
    audit(w)
    assert contents(w) == seen
    assert w.apply(WRITE).ok
    assert {token for _, token in contents(w)} == {w.serial}


@pytest.mark.parametrize("era", ERAS_KNOWN)
@pytest.mark.parametrize("state", STATES)
def test_mlock_writes_nothing(state: str, era: str) -> None:
    check(era, STATES[state], o.Mlock(pid=1, span=SPAN))


@pytest.mark.parametrize("state", {**STATES, **MODERN})
def test_populate_write_writes_nothing(state: str) -> None:
    check("6.18", (STATES | MODERN)[state], o.Madvise(pid=1, span=SPAN, advice="populate_write"))


@pytest.mark.parametrize("state", MODERN)
def test_mlock_of_what_was_given_up(state: str) -> None:
    check("6.0", MODERN[state], o.Mlock(pid=1, span=SPAN))


@pytest.mark.parametrize("flags", [("populate",), ("locked",)])
def test_mmap_that_populates_copies_the_file(flags: tuple[str, ...]) -> None:
    w = new_world("anon_vma_chain", Machine(files={"f": 8}, processes=((1, "P"), (2, "Q"))))
    for op in (
        SHARED_FILE,
        o.Touch(pid=2, runs=((AT, END, "w"),)),
        o.Mmap(pid=1, span=SPAN, kind="file-private", file="f", flags=flags),
    ):
        assert w.apply(op).ok
    assert {token for _, token in contents(w)} == {2}
    assert w.mm_of(1).rss == 4


def test_mprotect_of_locked_memory_and_growth_of_it_write_nothing() -> None:
    w = new_world("anon_vma_chain", Machine(processes=((1, "P"),)))
    for op in (MAP, WRITE, o.Mlock(pid=1, span=SPAN), o.Mprotect(pid=1, span=SPAN, prot="r"),
               o.Mprotect(pid=1, span=SPAN, prot="rw"), o.Mremap(pid=1, span=SPAN, new_pages=6)):  # fmt: skip
        assert w.apply(op).ok
    row = w.vma_at(w.mm_of(1), AT)
    assert [content(w, w.mm_of(1).id, row, vpn)[1] for vpn in range(AT, END + 2)] == [2, 2, 2, 2, 0, 0]
