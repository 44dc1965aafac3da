"""What core asks of a design's class: how merges check pgoff, how far page_referenced walks, which index files get."""

from __future__ import annotations

from rmapexplorer.core import operations as o
from rmapexplorer.core.index.files import FileIndex, IntervalIndex, ListIndex
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.anon_vma import AnonVma


class Told(AnonVma):
    """Writes down which vmas found no neighbour to merge with."""

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        self.told: list[tuple[int, int]] = []

    def share_with_neighbours(self, vma: int, flags: int) -> None:
        self.told.append((int(self.w.vma.start[vma]), int(self.w.vma.end[vma])))


class Unchecked(AnonVma):
    CHECKS_PGOFF = False


class ToTheEnd(AnonVma):
    REFERENCED_STOPS = False


class Chosen(AnonVma):
    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        self.FILE_INDEX: type[FileIndex] = IntervalIndex


def run(w: World, *ops: o.Operation) -> World:
    for op in ops:
        assert w.apply(op).ok, op
    return w


def started(design: AnonVma) -> World:
    return run(World(design, Machine(files={"f": 8})), o.Spawn(pid=1), o.Mmap(pid=1, span=Span(10, 20)))


def test_a_vma_that_nobody_takes_in_is_told_of() -> None:
    """New memory, a part with new flags, a copy at a new place: told where they stay vmas of their own, else not."""
    design = Told()
    w = started(design)
    run(w, o.Mmap(pid=1, span=Span(20, 22)), o.Mprotect(pid=1, span=Span(12, 14), prot="r"))
    run(w, o.Mprotect(pid=1, span=Span(12, 14), prot="rw"))
    run(w, o.Mremap(pid=1, span=Span(10, 12), new_pages=2, to=40))
    assert design.told == [(10, 20), (12, 14), (40, 42)]


def test_pgoff_may_be_left_unchecked() -> None:
    """Pages 30-32 keep pgoff 10 after a move; new memory beside them merges only where nobody looks at it."""
    for design, vmas in ((AnonVma(), 3), (Unchecked(), 2)):
        w = started(design)
        run(w, o.Touch(pid=1, runs=((10, 20, "w"),)), o.Mremap(pid=1, span=Span(10, 12), new_pages=2, to=30))
        run(w, o.Mmap(pid=1, span=Span(32, 34)))
        assert len(w.vma) == vmas


def test_page_referenced_may_go_to_the_end() -> None:
    """9 processes with a page each on one list: 1 + 2 + ... + 9 probes a round, or 9 x 9; try_to_unmap always stops."""
    probes = []
    for design in (AnonVma(), ToTheEnd()):
        w = started(design)
        run(w, o.Touch(pid=1, runs=((10, 11, "w"),)), *(o.Fork(pid=1, child=2 + i) for i in range(8)))
        run(w, *(o.Touch(pid=1 + i, runs=((10, 11, "w"),)) for i in range(9)))
        walks = w.apply(o.Reclaim(pages=1)).deltas
        assert walks["walks"] == 9 * 4
        probes.append(walks["pte_probes"])
    assert probes == [4 * 45, 3 * 81 + 45]


def test_each_instance_may_choose_its_index() -> None:
    """FILE_INDEX of the instance counts, not of the class."""
    assert isinstance(World(Chosen(), Machine()).imap, IntervalIndex)
    assert isinstance(World(AnonVma(files="list"), Machine()).imap, ListIndex)
