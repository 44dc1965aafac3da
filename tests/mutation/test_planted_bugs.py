"""Six planted bugs, each caught by the oracle that is there for it; without the bug no oracle says a word.

finds: every pte of every page is found once, and memory is what pte_chain shows. leaks: what is kept is what live vmas
reach, and nothing after the last exit. costs: figures that are known in closed form or were read out of a kernel.
A bug is planted by replacing one function of a design; the last three are seen by one oracle alone, so that none of
the three can be left out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest
from at_random import BUSY, operation
from golden import test_avc_topology as topology
from golden import test_closed_forms as forms
from oracles import finds, last_exit, memory, new_world

from rmapexplorer.core import audit
from rmapexplorer.core import operations as o
from rmapexplorer.core.design import Design
from rmapexplorer.core.table import Ints
from rmapexplorer.core.units import Corruption, Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.anon_vma import AnonVma
from rmapexplorer.designs.anon_vma_chain import AnonVmaChain

FINDS, LEAKS, COSTS = "finds", "leaks", "costs"
SEEDS, STEPS = range(12), 100
Caught = dict[str, str]
"""Oracle -> its first complaint."""


# -- oracles -----------------------------------------------------------------------------------------


def _ask(caught: Caught, oracle: str, question: Callable[[], object]) -> None:
    if oracle not in caught:
        try:
            question()
        except (AssertionError, Corruption) as complaint:
            caught[oracle] = str(complaint) or type(complaint).__name__


def _found_and_equal(w: World, reference: World) -> None:
    finds(w)
    assert memory(w) == memory(reference), "memory differs"


def _nothing_lost(w: World) -> None:
    audit.footprint(w)
    w.design.check()


def at_random(key: str, seed: int, caught: Caught) -> None:
    """Random operations beside pte_chain, ``finds`` and ``leaks`` after each; those that end differently are taken back."""
    dice = random.Random(seed)
    machine = Machine(files=dict(BUSY.files))
    worlds = [new_world(name, machine) for name in ("pte_chain", key)]
    births = 2
    for step in range(STEPS):
        pids = list(worlds[0].tasks)
        op = operation(dice, pids, births) if step >= len(BUSY.begin) else BUSY.begin[step]
        births += isinstance(op, o.Fork)
        before = [w.copy() for w in worlds]
        if len({w.apply(op).error for w in worlds}) > 1:
            worlds = before
            continue
        _ask(caught, FINDS, partial(_found_and_equal, worlds[1], worlds[0]))
        _ask(caught, LEAKS, partial(_nothing_lost, worlds[1]))
        if caught:
            return  # what a broken world does next proves nothing
    _ask(caught, LEAKS, partial(_empty_at_the_end, worlds[1]))


def _empty_at_the_end(w: World) -> None:
    last_exit(w)
    assert not any(row.objects for row in w.footprint() if "spare" not in row.kind)


def _ladder() -> None:
    """6.18: what a forked vma may take in. A child's mmap beside the vma it inherited makes a vma of its own (BPF trace)."""
    w = topology.run(topology.parent(), o.Fork(pid=1, child=2))
    topology.run(w, *(o.Mmap(pid=pid, span=Span(14, 16)) for pid in (1, 2)))
    assert [len(w.mms[w.tasks[pid].mm].vmas) for pid in (1, 2)] == [1, 2]


GOLDEN: dict[str, tuple[Callable[[], object], ...]] = {
    "anon_vma": (
        partial(forms.test_f3_bytes_of_a_forking_parent, forms.X86_64, 6, 5, 3),
        partial(forms.test_f4_private_page_of_each_child_in_an_inherited_vma, forms.X86_64, 10),
        partial(forms.test_f6_page_left_to_one_child, forms.X86_64, 9, "middle"),
        forms.test_c15_atomic_allocations_of_a_fork,
    ),
    "anon_vma_chain": (
        _ladder,
        partial(topology.test_a_line_of_descendants, 5),
        partial(topology.test_siblings, 10),
        topology.test_the_child_writes_first,
        topology.test_the_letters_scenario,
        partial(forms.test_f5_page_shared_by_all, forms.X86_64, 6),
        partial(forms.test_f4_a_thousand_children, "anon_vma_chain", 1_000),
    ),
}
"""Design -> figures it must give, each a golden test."""


def caught_by(key: str) -> Caught:
    """Which oracles complain about the design as it is now. Random runs end at their first complaint, figures do not."""
    caught: Caught = {}
    for seed in SEEDS:
        if not caught:
            at_random(key, seed, caught)
    for figure in GOLDEN[key]:
        _ask(caught, COSTS, figure)
    return caught


# -- bugs --------------------------------------------------------------------------------------------


def merge_ignores_pgoff(patch: pytest.MonkeyPatch) -> None:
    """vma_merge joins anonymous vmas whose pages do not lie in line."""
    patch.setattr(AnonVma, "CHECKS_PGOFF", False)


def fork_forgets_the_chain(patch: pytest.MonkeyPatch) -> None:
    """anon_vma_fork gives the child's vma a root of its own, without the links to its ancestors'."""

    def vmas_forked(self: AnonVmaChain, parents: Ints, children: Ints) -> None:
        self._reach()
        self.own[children] = self.chain[children] = -1
        for parent, child in zip(parents.tolist(), children.tolist(), strict=True):
            if self.own[parent] >= 0:
                self.own[child] = self._new_root()
                self._link(child, int(self.own[child]))
                self.av.active[self.own[child]] += 1

    patch.setattr(AnonVmaChain, "vmas_forked", vmas_forked)


def mremap_does_not_clone(patch: pytest.MonkeyPatch) -> None:
    """copy_vma leaves out anon_vma_clone; __split_vma has it still (there the new vma touches the old)."""
    honest = AnonVmaChain.vma_cloned

    def vma_cloned(self: AnonVmaChain, old: int, new: int) -> None:
        v = self.w.vma
        if v.end[old] == v.start[new] or v.end[new] == v.start[old]:
            honest(self, old, new)

    patch.setattr(AnonVmaChain, "vma_cloned", vma_cloned)


def unlink_forgets_the_anon_vma(patch: pytest.MonkeyPatch) -> None:
    """anon_vma_unlink takes the vma off the list and keeps the anon_vma although its list is empty."""

    def vmas_unlinked(self: AnonVma, vmas: Ints) -> None:
        self._reach()
        self.lists.remove_many(vmas)

    patch.setattr(AnonVma, "vmas_unlinked", vmas_unlinked)


def no_singular_chain_rule(patch: pytest.MonkeyPatch) -> None:
    """is_mergeable_anon_vma lets a forked vma take in new memory (list_is_singular dropped)."""

    def _fork_child(self: AnonVmaChain, vma: int) -> bool:
        return False

    patch.setattr(AnonVmaChain, "_fork_child", _fork_child)


def child_faults_into_its_parents(patch: pytest.MonkeyPatch) -> None:
    """__page_set_anon_rmap takes the root's anon_vma, as before 2010: pages of all descendants share one tree."""

    def ptes_set(self: AnonVmaChain, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        honest(self, pages, vmas, vpns, slots, cause)
        if cause in ("first_write", "cow"):
            self.w.page.mapping[pages] = self.av.root[self.own[vmas]]

    honest = AnonVmaChain.ptes_set
    patch.setattr(AnonVmaChain, "ptes_set", ptes_set)


BUGS: tuple[tuple[Callable[[pytest.MonkeyPatch], None], type[Design], str, bool], ...] = (
    (merge_ignores_pgoff, AnonVma, FINDS, False),
    (fork_forgets_the_chain, AnonVmaChain, FINDS, False),
    (mremap_does_not_clone, AnonVmaChain, FINDS, False),
    (unlink_forgets_the_anon_vma, AnonVma, LEAKS, True),
    (no_singular_chain_rule, AnonVmaChain, COSTS, True),
    (child_faults_into_its_parents, AnonVmaChain, COSTS, True),
)
"""(bug, design, oracle that must see it, no other does)."""


@pytest.fixture
def planted() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.mark.parametrize(("bug", "design", "oracle", "alone"), BUGS, ids=[bug[0].__name__ for bug in BUGS])
def test_a_planted_bug_is_caught(
    bug: Callable[[pytest.MonkeyPatch], None],
    design: type[Design],
    oracle: str,
    alone: bool,
    planted: pytest.MonkeyPatch,
) -> None:
    bug(planted)
    caught = caught_by(design.key)
    assert oracle in caught
    if alone:
        assert set(caught) == {oracle}, caught


@pytest.mark.parametrize("key", GOLDEN)
def test_without_a_bug_nothing_is_caught(key: str) -> None:
    assert caught_by(key) == {}


def test_a_bug_is_gone_with_its_test(planted: pytest.MonkeyPatch) -> None:
    """Planting is undone: the functions are those of the design again."""
    honest = AnonVmaChain.ptes_set
    with pytest.MonkeyPatch.context() as patch:
        child_faults_into_its_parents(patch)
        assert AnonVmaChain.ptes_set is not honest
    assert AnonVmaChain.ptes_set is honest
    assert np.array_equal(topology.visited(topology.parent(), 1), [(0, 10, True)])
