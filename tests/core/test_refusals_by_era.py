"""A refused merge names the rule of the chosen era and the file it stood in."""

from __future__ import annotations

import pytest

from rmapexplorer.core import merge
from rmapexplorer.core import operations as o
from rmapexplorer.core.outcome import Refusal
from rmapexplorer.core.rules import ERAS
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named, name_in_era

FILES = {"2.6.7": "mm/mmap.c 2.6.7", "2.6.34": "mm/mmap.c 2.6.34", "3.0": "mm/mmap.c 3.0", "4.0": "mm/mmap.c 4.0",
         "6.0": "mm/mmap.c 6.0", "6.18": "mm/vma.c 6.18"}  # fmt: skip
"""Calls -> where merging lies: mm/vma.c since 49b1b8d6f683 in 6.12."""
DESIGN_FILES = {**FILES, "2.6.7": "mm/mmap.c 2.6.34"}
"""The same for anon_vma_chain, which 2.6.7 does not have."""


def _world(era: str, *ops: o.Operation, design: str = "anon_vma_chain") -> World:
    w = World(design_named(name_in_era(design, era)), Machine(calls=era, processes=((1, "P"),)))
    for op in ops:
        assert w.apply(op).error is None, op
    return w


def _map(start: int, end: int, prot: str = "rw", **more: object) -> o.Mmap:
    return o.Mmap(pid=1, span=Span(start, end), **{"prot": prot, "kind": "anon", **more})  # type: ignore[arg-type]


def _write(start: int, end: int, pid: int = 1) -> o.Touch:
    return o.Touch(pid=pid, runs=((start, end, "w"),))


def _protect(start: int, end: int, prot: str, pid: int = 1) -> o.Mprotect:
    return o.Mprotect(pid=pid, span=Span(start, end), prot=prot)


def _verdict(w: World, page: int, side: str = "right", pid: int = 1) -> Refusal | None:
    row = w.vma_at(w.mm_of(pid), page)
    return {where: why for where, _, why in merge.verdicts(w, row)}[side]


def test_every_era_has_a_line_here() -> None:
    assert list(FILES) == [rules.era for rules in reversed(ERAS)]


@pytest.mark.parametrize("era", FILES)
def test_flags_file_and_pgoff(era: str) -> None:
    w = _world(era, _map(16, 20), _map(20, 24, "r"), _map(24, 28, kind="file-private", file="f", prot="r"))
    found = _verdict(w, 16), _verdict(w, 20)
    assert [(why.rule, why.source) for why in found if why] == [
        ("flags", f"is_mergeable_vma, {FILES[era]}"), ("file", f"is_mergeable_vma, {FILES[era]}"),
    ]  # fmt: skip
    w = _world(era, _map(16, 20), _map(64, 68), _write(16, 20), _write(64, 68),
               o.Mremap(pid=1, span=Span(64, 68), new_pages=4, to=20))  # fmt: skip
    for page, side, function in ((16, "right", "can_vma_merge_before"), (20, "left", "can_vma_merge_after")):
        why = _verdict(w, page, side)
        assert why and (why.rule, why.source) == ("pgoff", f"{function}, {FILES[era]}")


@pytest.mark.parametrize("era", FILES)
def test_a_fork_child_and_new_memory(era: str) -> None:
    """Since 965f55dea0e3 in 3.0; 879bca0a2c4f in 6.16 writes the rule anew."""
    w = _world(era, _map(16, 20), _write(16, 20), o.Fork(pid=1, child=2, comm="c"))
    w.apply(o.Mmap(pid=2, span=Span(20, 24), prot="rw", kind="anon"))
    spans = [(int(w.vma.start[row]), int(w.vma.end[row])) for row in w.mm_of(2).vmas]
    if era in ("2.6.7", "2.6.34"):
        assert spans == [(16, 24)]
        return
    why = _verdict(w, 20, "left", 2)
    assert spans == [(16, 20), (20, 24)] and why is not None and why.rule == "fork child"
    test = "vma_had_uncowed_parents" if era == "6.18" else "list_is_singular"
    commit = "879bca0a2c4f" if era == "6.18" else "965f55dea0e3"
    assert why.source == f"{test} in is_mergeable_anon_vma, {FILES[era]} ({commit})"


@pytest.mark.parametrize("era", FILES)
def test_faulted_memory_and_an_unfaulted_neighbour_that_would_grow(era: str) -> None:
    """965f55dea0e3 in 3.0 refuses it unmeant, 879bca0a2c4f in 6.16 allows it again."""
    w = _world(era, _map(16, 24, "r", flags=("noreserve",)), _protect(20, 24, "rw"), _write(20, 24))
    refused = w.apply(_protect(20, 24, "r")).refusals
    spans = [(int(w.vma.start[row]), int(w.vma.end[row])) for row in w.mm_of(1).vmas]
    if era in ("2.6.7", "2.6.34", "6.18"):
        assert spans == [(16, 24)] and not refused
        return
    assert spans == [(16, 20), (20, 24)] and [why.rule for why in refused] == ["unfaulted"]
    assert refused[0].source == f"list_is_singular in is_mergeable_anon_vma, {FILES[era]} (965f55dea0e3)"
    assert w.apply(_protect(16, 24, "rw")).error is None and w.apply(_write(16, 17)).error is None
    assert len(w.mm_of(1).vmas) == 2 and _verdict(w, 16) is None, "what the remedy says: a write shares the anon_vma"


@pytest.mark.parametrize("era", FILES)
def test_different_anon_vmas(era: str) -> None:
    w = _world(era, _map(16, 20), _map(24, 28), _write(16, 20), _write(24, 28))
    refused = w.apply(_map(20, 24)).refusals
    assert [why.rule for why in refused] == ["anon_vma"]
    where = f"are_anon_vmas_compatible, {FILES[era]}"
    if era != "6.18":
        where = f"is_mergeable_anon_vma of prev and next in vma_merge, {DESIGN_FILES[era]}"
    assert refused[0].source == where
    why = _verdict(w, 16)
    assert why is not None and why.source == f"is_mergeable_anon_vma, {DESIGN_FILES[era]}"


def test_the_design_of_2004_keeps_its_own_file() -> None:
    w = _world("2.6.7", _map(16, 20), _map(24, 28), _write(16, 20), _write(24, 28), _map(20, 24), design="anon_vma")
    why = _verdict(w, 16)
    assert why is not None and why.source == "is_mergeable_anon_vma, mm/mmap.c 2.6.7"
