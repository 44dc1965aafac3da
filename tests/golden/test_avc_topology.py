"""anon_vma_chain against what Linux 6.18.44 was measured to do: links, anon_vmas, reuse, whose pages are whose.

The figures were read out of the running kernel with BPF; no vma here is made in a way the kernel was not asked.
"""

from __future__ import annotations

import numpy as np
import pytest
from oracles import new_world

from rmapexplorer.core.operations import Exit, Fork, Mmap, Mprotect, Mremap, Munmap, Operation, Spawn, Touch
from rmapexplorer.core.table import EXCLUSIVE
from rmapexplorer.core.units import Span
from rmapexplorer.core.walk import steps_of
from rmapexplorer.core.world import World

AT = Span(10, 14)
WRITE = ((10, 14, "w"),)


def run(w: World, *ops: Operation) -> World:
    for op in ops:
        outcome = w.apply(op)
        assert outcome.ok, (op, outcome)
    return w


def parent() -> World:
    """Process 1 with four written pages at 10."""
    return run(new_world("anon_vma_chain"), Spawn(pid=1), Mmap(pid=1, span=AT), Touch(pid=1, runs=WRITE))


def counts(w: World) -> tuple[int, int]:
    """(avcs, anon_vmas)."""
    kept = {row.kind: row.objects for row in w.footprint()}
    return kept["anon_vma_chain"], kept["anon_vma"]


def vma(w: World, pid: int, vpn: int = 10) -> int:
    return w.vma_at(w.mms[w.tasks[pid].mm], vpn)


def chain(w: World, pid: int, vpn: int = 10) -> list[int]:
    """anon_vmas of the vma, the newest first, the root last."""
    design = w.design
    return [int(design.avc.anon_vma[avc]) for avc in design.links(vma(w, pid, vpn))]  # type: ignore[attr-defined]


def own(w: World, pid: int, vpn: int = 10) -> int:
    return int(w.design.vma_owner(np.array([vma(w, pid, vpn)]))[0])


def page(w: World, pid: int, vpn: int = 10) -> int:
    return w.pt.get(w.mms[w.tasks[pid].mm].tables, vpn) >> 12


def owner(w: World, pid: int, vpn: int = 10) -> tuple[int, int]:
    """(mapping, index) of the page."""
    at = page(w, pid, vpn)
    return int(w.page.mapping[at]), int(w.page.index[at])


def visited(w: World, pid: int, vpn: int = 10) -> list[tuple[int, int, bool]]:
    """(mm, page number, hit) of the walk from a page, mapcount aside: every vma its tree offers."""
    steps, _ = steps_of(w, page(w, pid, vpn))
    return [(step.mm, step.vpn, step.hit) for step in steps]


# -- counts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 5, 24])
def test_a_line_of_descendants(n: int) -> None:
    """Depth n, all alive: the vma at depth k has k + 1 avcs, (n + 1)(n + 2) / 2 in all; n = 24 gives 325 and 25."""
    w = run(parent(), *(Fork(pid=1 + i, child=2 + i) for i in range(n)))
    assert counts(w) == ((n + 1) * (n + 2) // 2, n + 1)
    assert [len(chain(w, 1 + k)) for k in range(n + 1)] == list(range(1, n + 2))


@pytest.mark.parametrize("n", [1, 2, 10, 100])
def test_siblings(n: int) -> None:
    """n children of one parent: 2n + 1 avcs, n + 1 anon_vmas."""
    w = run(parent(), *(Fork(pid=1, child=2 + i) for i in range(n)))
    assert counts(w) == (2 * n + 1, n + 1)


def test_a_binary_tree_of_31() -> None:
    """A binary tree of 31 processes: 129 avcs."""
    w = run(parent(), *(Fork(pid=i // 2, child=i) for i in range(2, 32)))
    assert counts(w) == (129, 31)


@pytest.mark.parametrize("writes", [False, True])
def test_an_endless_chain_of_forks_stays_constant(writes: bool) -> None:
    """The parent forks and exits, 24 generations: 3 avcs and 3 anon_vmas, where kernels before 4.0 grew (7a3ef208e662)."""
    w = parent()
    seen = []
    for generation in range(1, 25):
        run(w, Fork(pid=generation, child=generation + 1))
        if writes:
            run(w, Touch(pid=generation + 1, runs=WRITE))
        run(w, Exit(pid=generation))
        seen.append(counts(w))
    assert seen[3:] == [(3, 3)] * 21
    assert max(seen) == (3, 3)


@pytest.mark.parametrize("n", [1, 30])
def test_everything_goes_with_the_last_vma(n: int) -> None:
    """unlink_anon_vmas: a root outlives its own vma as long as a descendant refers to it, and goes with the last."""
    w = run(parent(), *(Fork(pid=1, child=2 + i) for i in range(n)), Exit(pid=1))
    assert counts(w) == (2 * n, n + 1)
    run(w, *(Exit(pid=2 + i) for i in range(n)))
    assert counts(w) == (0, 0)


# -- reuse -------------------------------------------------------------------------------------------


def test_reuse_picks_the_oldest_that_nobody_uses() -> None:
    """P -> C -> D, C unmaps, D forks E: E takes C's anon_vma and no new one is made; D's pages stay D's."""
    w = run(parent(), Fork(pid=1, child=2), Fork(pid=2, child=3), Touch(pid=3, runs=WRITE), Munmap(pid=2, span=AT))
    a0, a1, a2 = chain(w, 3)[::-1]
    before = counts(w)
    run(w, Fork(pid=3, child=4))
    assert own(w, 4) == a1
    assert chain(w, 4) == [a2, a1, a0]
    assert counts(w) == (before[0] + 3, before[1])
    assert owner(w, 3) == (a2, 10)
    assert [step[0] for step in visited(w, 3)] == [w.tasks[3].mm, w.tasks[4].mm]


def test_nothing_is_reused_while_it_has_two_children() -> None:
    """num_children < 2: with two live children of C nothing is reused when C is gone."""
    ops = (Fork(pid=1, child=2), Fork(pid=2, child=3), Fork(pid=2, child=4), Munmap(pid=2, span=AT))
    w = run(parent(), *ops)
    before = counts(w)
    run(w, Fork(pid=3, child=5))
    assert counts(w) == (before[0] + 4, before[1] + 1)


def test_a_root_is_never_reused() -> None:
    """A root counts itself as a child, so that with its first child it has two."""
    w = run(parent(), Fork(pid=1, child=2), Munmap(pid=1, span=AT))
    root = chain(w, 2)[-1]
    run(w, Fork(pid=2, child=3))
    assert own(w, 3) not in (root, own(w, 2))


def test_fork_parts_what_the_parent_shares() -> None:
    """Two vmas of the parent that share A0 get different anon_vmas in the child, so that it can never merge them again."""
    w = run(parent(), Mprotect(pid=1, span=Span(10, 12), prot="r"), Fork(pid=1, child=2))
    assert own(w, 1, 10) == own(w, 1, 12)
    assert len({own(w, 1, 10), own(w, 2, 10), own(w, 2, 12)}) == 3
    run(w, Mprotect(pid=1, span=Span(10, 12), prot="rw"), Mprotect(pid=2, span=Span(10, 12), prot="rw"))
    assert (vma(w, 1, 10) == vma(w, 1, 12), vma(w, 2, 10) == vma(w, 2, 12)) == (True, False)


def test_a_split_after_the_fork_comes_together_again() -> None:
    """All pieces of a child's split share A1 and the chain A1, A0; a piece that moves away and home re-merges."""
    w = run(parent(), Fork(pid=1, child=2), Touch(pid=2, runs=WRITE))
    run(w, Mremap(pid=2, span=Span(11, 12), new_pages=1, to=100))
    assert own(w, 2, 100) == own(w, 2, 10) == own(w, 2, 12)
    assert chain(w, 2, 100) == chain(w, 2, 10)
    run(w, Mremap(pid=2, span=Span(100, 101), new_pages=1, to=11))
    assert vma(w, 2, 10) == vma(w, 2, 13)


# -- pages -------------------------------------------------------------------------------------------


def test_the_child_writes_first() -> None:
    """The copy is the child's (A1); the parent then reuses the old page, whose walk still visits the child in vain."""
    w = run(parent(), Fork(pid=1, child=2))
    old = page(w, 1)
    run(w, Touch(pid=2, runs=((10, 11, "w"),)), Touch(pid=1, runs=((10, 11, "w"),)))
    assert (page(w, 1), owner(w, 1)[0], owner(w, 2)[0]) == (old, own(w, 1), own(w, 2))
    assert w.page.state[old] & EXCLUSIVE
    trees = [len(w.design.tree(own(w, pid))) for pid in (1, 2)]  # type: ignore[attr-defined]
    assert trees == [2, 1]


def test_the_parent_writes_first() -> None:
    """The parent gets the copy, under A0; the child then reuses the old page, which moves from A0 to A1."""
    w = run(parent(), Fork(pid=1, child=2))
    old = page(w, 1)
    run(w, Touch(pid=1, runs=((10, 11, "w"),)))
    assert (page(w, 2), owner(w, 2)[0]) == (old, own(w, 1))
    run(w, Touch(pid=2, runs=((10, 11, "w"),)))
    assert (page(w, 2), owner(w, 2)[0], owner(w, 1)[0]) == (old, own(w, 2), own(w, 1))


def test_the_letters_scenario() -> None:
    """fork, the child moves: the page keeps index 10, the walk computes page 10 in the parent and 100 in the child."""
    w = run(parent(), Fork(pid=1, child=2), Mremap(pid=2, span=AT, new_pages=4, to=100))
    assert owner(w, 1) == (own(w, 1), 10)
    assert int(w.vma.pgoff[vma(w, 2, 100)]) == 10
    assert visited(w, 1) == [(0, 10, True), (1, 100, True)]


def test_dontunmap_of_a_whole_vma() -> None:
    """The source stays mapped without an anon_vma; the next write makes a new root."""
    w = run(parent(), Mremap(pid=1, span=AT, new_pages=4, to=100, dontunmap=True))
    assert (own(w, 1, 10), own(w, 1, 100) >= 0, owner(w, 1, 100)[1]) == (-1, True, 10)
    run(w, Touch(pid=1, runs=((10, 11, "w"),)))
    assert own(w, 1, 10) not in (-1, own(w, 1, 100))


def test_dontunmap_of_a_part() -> None:
    """Both vmas keep A0: two pages share (A0, 12), and the walk of each visits both vmas, one in vain."""
    part = Span(12, 13)
    w = run(
        parent(), Mremap(pid=1, span=part, new_pages=1, to=100, dontunmap=True), Touch(pid=1, runs=((12, 13, "w"),))
    )
    assert page(w, 1, 12) != page(w, 1, 100)
    assert owner(w, 1, 12) == owner(w, 1, 100) == (own(w, 1, 12), 12)
    walk = w.candidates(np.array([page(w, 1, 12)]))[0]
    assert sorted(walk.vpn.tolist()) == [12, 100]


def test_a_private_file_mapping() -> None:
    """A read fault attaches nothing; a write fault an anon_vma, and the page's index is the offset in the file."""
    w = run(new_world("anon_vma_chain"), Spawn(pid=1))
    run(w, Mmap(pid=1, span=AT, kind="file-private", file="f0", offset=3), Touch(pid=1, runs=((10, 14, "r"),)))
    assert own(w, 1) == -1
    run(w, Touch(pid=1, runs=((11, 12, "w"),)))
    assert owner(w, 1, 11) == (own(w, 1), 4)
