"""Merges and mremap as 2.6.7 had them, and where the later versions part: one row a rule, with its source."""

from __future__ import annotations

import pytest

from rmapexplorer.core.operations import Fork, Mmap, Mprotect, Mremap, Munmap, Operation, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named


def mapped(start: int, end: int, prot: str = "rw", pid: int = 1) -> Mmap:
    return Mmap(pid=pid, span=Span(start, end), prot=prot)


def written(start: int, end: int, pid: int = 1) -> Touch:
    return Touch(pid=pid, runs=((start, end, "w"),))


def protected(start: int, end: int, prot: str = "rw") -> Mprotect:
    return Mprotect(pid=1, span=Span(start, end), prot=prot)


def moved(start: int, end: int, to: int | None, pages: int = 0) -> Mremap:
    return Mremap(pid=1, span=Span(start, end), new_pages=pages or end - start, to=to)


FORK = Fork(pid=1, child=2, comm="c")
APART = (mapped(10, 14), written(10, 14), mapped(18, 22), written(18, 22))
CASES: dict[str, tuple[tuple[Operation, ...], str, str, str]] = {
    # name: (operations, vmas in 2.6.7, vmas in 6.18, source)
    "append": ((mapped(10, 14), written(10, 14), mapped(14, 18)), "10-18", "10-18", "vma_merge, anon_vma NULL"),
    "prepend": ((mapped(14, 18), written(14, 18), mapped(10, 14)), "10-18", "10-18", "vma_merge, anon_vma NULL"),
    "fill a gap": ((mapped(10, 14), mapped(18, 22), written(18, 22), mapped(14, 18)), "10-22", "10-22", "case 6"),
    "fill between two owners": ((*APART, mapped(14, 18)), "10-18 18-22", "10-18 18-22", "is_mergeable_anon_vma"),
    "refill": (
        (mapped(10, 22), written(10, 22), Munmap(pid=1, span=Span(14, 18)), mapped(14, 18)), "10-22", "10-22",
        "both halves share the anon_vma",
    ),
    "split and back": (
        (mapped(10, 22), written(10, 22), protected(14, 18, "r"), protected(14, 18)), "10-22", "10-22", "cases 4 to 8",
    ),
    "forked grows": ((mapped(10, 14), written(10, 14), FORK, mapped(14, 18, pid=2)), "2: 10-18", "2: 10-14 14-18",
                     "965f55dea0e3 in 3.0 forbids it"),
    "written into unwritten left": (
        (mapped(10, 14), mapped(14, 18, "rwx"), written(14, 18), protected(14, 18)), "10-18", "10-18",
        "the survivor inherits the anon_vma",
    ),
    "written into unwritten right": (
        (mapped(14, 18), mapped(10, 14, "rwx"), written(10, 14), protected(10, 14)), "10-18", "10-18",
        "the survivor inherits the anon_vma",
    ),
    "forked into unwritten": (
        (mapped(14, 18, "rwx"), written(14, 18), FORK, mapped(10, 14, pid=2),
         Mprotect(pid=2, span=Span(14, 18), prot="rw")), "2: 10-18", "2: 10-14 14-18", "vma_had_uncowed_parents, 6.16",
    ),
    "neighbours that differ in rwx": (
        (mapped(10, 14), mapped(14, 18, "rwx"), written(10, 14), written(14, 18), protected(14, 18)), "10-18", "10-18",
        "find_mergeable_anon_vma",
    ),
    "neighbours written apart": (
        (mapped(10, 14), written(10, 14), mapped(16, 18, "rwx"), written(16, 18), mapped(14, 16, "rwx"),
         protected(14, 18)), "10-14 14-18", "10-14 14-18", "their anon_vmas are two",
    ),
    "move written": ((mapped(10, 14), written(10, 14), moved(10, 14, 50)), "50-54@10", "50-54@10", "copy_vma"),
    "move unwritten": ((mapped(10, 14), moved(10, 14, 50)), "50-54", "50-54", "copy_vma: pgoff anew"),
    "move unwritten beside": ((mapped(10, 14), mapped(54, 58), moved(10, 14, 50)), "50-58", "50-58", "copy_vma"),
    "move written beside": (
        (mapped(10, 14), written(10, 14), mapped(54, 58), moved(10, 14, 50)), "50-54@10 54-58", "50-54@10 54-58",
        "pgoff does not go on",
    ),
    "move a part and back": (
        (mapped(10, 22), written(10, 22), moved(14, 18, 50), moved(50, 54, 14)), "10-22", "10-22", "copy_vma merges",
    ),
    "move and shrink": ((mapped(10, 18), written(10, 18), moved(10, 18, 50, 4)), "50-54@10", "50-54@10", "do_mremap"),
    "move and grow": ((mapped(10, 14), written(10, 14), moved(10, 14, 50, 8)), "50-58@10", "50-58@10", "move_vma"),
    "shrink": ((mapped(10, 18), moved(10, 18, None, 4)), "10-14", "10-14", "do_mremap"),
    "grow": ((mapped(10, 14), moved(10, 14, None, 6)), "10-16", "10-16", "do_mremap"),
    "grow up to the next": (
        (mapped(10, 14), mapped(18, 22), moved(10, 14, None, 8)), "10-18 18-22", "10-22",
        "vma_adjust of vm_end alone; merged since 6.0 (ca3d76b0aa80)",
    ),
    "grow over the next": ((mapped(10, 14), mapped(15, 22), moved(10, 14, None, 6)), "ENOMEM", "ENOMEM", "do_mremap"),
    "move over two vmas": (
        (mapped(10, 14), mapped(14, 18, "r"), moved(10, 18, 50)), "EFAULT", "50-54 54-58", "since 6.17 one after another",
    ),
    "move over two owners": ((*APART, mapped(14, 18), moved(10, 22, 50)), "EFAULT", "50-58@10 58-62@18",
                             "a merge that was blocked is seen by the user"),
}  # fmt: skip


def outcome(key: str, era: str, operations: tuple[Operation, ...], pid: int) -> str:
    """The vmas of a process, with their pgoff where it is not the address; or the errno of the last call."""
    w = World(design_named(key), Machine(calls=era, processes=((1, "P"),)))
    for op in operations[:-1]:
        assert w.apply(op).ok, op
    if error := w.apply(operations[-1]).error:
        return error
    words = []
    for row in w.mm_of(pid).vmas:
        start, end, pgoff = int(w.vma.start[row]), int(w.vma.end[row]), int(w.vma.pgoff[row])
        words.append(f"{start}-{end}" + (f"@{pgoff}" if pgoff != start else ""))
    return " ".join(words)


@pytest.mark.parametrize("name", CASES)
def test_2_6_7(name: str) -> None:
    operations, then, _, source = CASES[name]
    pid = 2 if then.startswith("2: ") else 1
    assert outcome("anon_vma", "2.6.7", operations, pid) == then.removeprefix("2: "), source


@pytest.mark.parametrize("name", CASES)
def test_6_18(name: str) -> None:
    operations, _, now, source = CASES[name]
    pid = 2 if now.startswith("2: ") else 1
    assert outcome("anon_vma_chain", "6.18", operations, pid) == now.removeprefix("2: "), source
