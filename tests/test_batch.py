"""Running whole sessions: figures, tasks, and where designs part."""

from __future__ import annotations

import pytest

from rmapexplorer import batch
from rmapexplorer.core.memory import image
from rmapexplorer.core.operations import Brk, Clone, Exec, Exit, Fork, Mmap, Mremap, Reclaim, Spawn, Touch
from rmapexplorer.core.units import KernelError, Machine, Span
from rmapexplorer.formats.session import Session

ALL = ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")

SPLIT_BY_DESIGN = (
    Spawn(pid=1, comm="init"),
    Mmap(pid=1, span=Span(10, 12)),
    Touch(pid=1, runs=((10, 12, "w"),)),
    Mmap(pid=1, span=Span(14, 16)),
    Touch(pid=1, runs=((14, 16, "w"),)),
    Mmap(pid=1, span=Span(12, 14)),
    Mremap(pid=1, span=Span(10, 16), new_pages=8, to=50),
    Touch(pid=1, runs=((50, 52, "w"),)),
    Fork(pid=1, child=2),
)
"""The two ends have anon_vmas of their own, so that the mremap over all of it meets two vmas there and one elsewhere."""


def quiet(done, total):
    pass


def runs_of(operations, names=ALL):
    return [batch.run(name, Machine(), operations, quiet) for name in names]


def compare(runs, operations):
    """Of what the runs came to."""
    return batch.compare(
        [
            batch.Result(name=done.name, refused=done.refused, figures=batch.figures(done), image=image(done.world))
            for done in runs
        ],
        operations,
    )


def test_names_are_those_of_the_session_once_each_and_all_designs_where_it_names_none():
    designs = (("anonmm", {"variant": "4e"}), ("anonmm", {"variant": "4c"}), ("anonmm", {}))
    assert batch.names_of(Session(title="", designs=designs)) == ["anonmm", "anonmm:variant=4c"]
    assert batch.names_of(Session(title="")) == list(ALL)


@pytest.mark.parametrize("design", [("nosuch", {}), ("anonmm", {"variant": "9"}), ("anon_vma", {"x": "y"})])
def test_a_design_nobody_knows_is_refused(design):
    with pytest.raises(KernelError, match=r"no design|no option"):
        batch.names_of(Session(title="", designs=(design,)))


def test_the_current_branch_is_run_to_its_end():
    ops = Spawn(pid=1), Fork(pid=1, child=2), Fork(pid=1, child=3)
    session = Session(
        title="", operations=ops, parents=(-1, 0, 0), branches={"main": 1, "b": 2}, branch="b", position=1
    )
    assert batch.operations_of(session) == (ops[0], ops[2])


def test_refused_operations_are_kept_with_their_outcome():
    done = batch.run("anon_vma", Machine(), (Spawn(pid=1), Exit(pid=7), Fork(pid=1, child=2)), quiet)
    assert {index: outcome.error for index, outcome in done.refused.items()} == {1: "ESRCH"}
    assert done.operations == 3 and done.seconds > 0


def test_progress_is_told_from_none_to_all():
    told = []
    batch.run("anonmm", Machine(), [Spawn(pid=pid) for pid in range(1, 200)], lambda *at: told.append(at))
    assert told[0] == (0, 199) and told[-1] == (199, 199) and told == sorted(told) and len(told) > 4


def test_figures_are_those_of_the_world():
    ops = Spawn(pid=1), Mmap(pid=1, span=Span(10, 20)), Touch(pid=1, runs=((10, 14, "w"),)), Fork(pid=1, child=2)
    (done,) = runs_of((*ops, Touch(pid=2, runs=((9, 10, "r"),))), ("pte_chain",))
    found = batch.figures(done)
    assert (found["operations"], found["refused"], found["figures"]["vmas"]) == (5, 1, 2)
    assert found["footprint"]["pte_chain"] == {"objects": 4, "bytes": 4 * 64}
    told = found["figures"] | found["counters"]
    assert {key: told[key] for key in ("vmas", "pages", "probe_ptes", "probe_missed", "walks")} == {
        "vmas": 2, "pages": 4, "probe_ptes": 8, "probe_missed": 0, "walks": 0,
    }  # fmt: skip
    (done,) = runs_of((*ops, Reclaim()), ("pte_chain",))
    told = batch.figures(done)["figures"] | batch.figures(done)["counters"]
    assert [told[key] for key in ("probe_nodes", "walks", "hits", "pte_probes")] == [0, 4, 8, 8]


def test_the_lossy_variant_misses_ptes():
    ops = Spawn(pid=1), Mmap(pid=1, span=Span(10, 20)), Touch(pid=1, runs=((10, 14, "w"),)), Fork(pid=1, child=2)
    moved = (*ops, Mremap(pid=2, span=Span(10, 12), new_pages=2, to=50))
    assert [batch.figures(d)["figures"]["probe_missed"] for d in runs_of(moved, ("anonmm:variant=4c", "anonmm"))] == [
        2,
        0,
    ]


def test_tasks_are_processes_alive_without_threads():
    ops = Spawn(pid=1, comm="init"), Mmap(pid=1, span=Span(10, 20), kind="file-private", file="f", offset=3)
    more = Touch(pid=1, runs=((10, 11, "w"), (12, 13, "r"))), Clone(pid=1, child=5), Fork(pid=1, child=2, comm="kid")
    (done,) = runs_of((*ops, *more, Fork(pid=1, child=3), Exit(pid=3)), ("anon_vma",))
    vmas = [{"start": 10, "end": 20, "perms": "rw-p", "pgoff": 3}]
    assert batch.tasks(done.world) == [
        {"pid": 1, "ppid": 0, "comm": "init", "vmas": vmas, "anonymous_pages": 1},
        {"pid": 2, "ppid": 1, "comm": "kid", "vmas": vmas, "anonymous_pages": 1},
    ]


def test_worlds_with_equal_outcomes_have_equal_memory():
    assert compare(runs_of(SPLIT_BY_DESIGN[:6]), SPLIT_BY_DESIGN[:6]) == batch.Verdict(None, None)


def test_the_first_unequal_outcome_is_a_finding_and_its_spans_are_left_out():
    runs = runs_of(SPLIT_BY_DESIGN)
    verdict = compare(runs, SPLIT_BY_DESIGN)
    assert verdict.parting.index == 6 and verdict.parting.operation is SPLIT_BY_DESIGN[6]
    words = verdict.parting.outcomes
    assert words["pte_chain"] == words["anonmm"] == "done"
    assert words["anon_vma"].startswith("EFAULT (") and words["anon_vma_chain"].startswith("EFAULT (")
    assert verdict.difference is None


def test_memory_elsewhere_is_still_compared():
    extra = Mmap(pid=2, span=Span(90, 91))
    one, other = runs_of(SPLIT_BY_DESIGN, ("pte_chain", "anon_vma"))
    other.world.apply(extra)
    assert "Process 2, page 5a is not mapped in pte_chain" in compare([one, other], SPLIT_BY_DESIGN).difference


def test_later_unequal_outcomes_are_left_out_too():
    ops = (*SPLIT_BY_DESIGN[:8], Touch(pid=1, runs=((10, 17, "w"),)))
    parted = compare(runs_of(ops, ("anon_vma", "anonmm")), ops)
    assert parted.parting.index == 6 and parted.difference is None


@pytest.mark.parametrize(
    ("ops", "apart"),
    [
        ((Mmap(pid=1, span=Span(1, 2)),), {1: [Span(1, 2)]}),
        ((Touch(pid=1, runs=((1, 2, "r"), (4, 6, "w"))),), {1: [Span(1, 2), Span(4, 6)]}),
        ((Brk(pid=1, end=9),), {1: [batch.EVERYTHING]}),
        ((Fork(pid=1, child=2),), {1: [batch.EVERYTHING], 2: [batch.EVERYTHING]}),
        ((Mmap(pid=1, span=Span(1, 2)), Fork(pid=1, child=2)), {1: [Span(1, 2)], 2: [Span(1, 2)]}),
        ((Mmap(pid=1, span=Span(1, 2)), Exec(pid=1)), {}),
        ((Mmap(pid=1, span=Span(1, 2)), Exit(pid=1)), {}),
        ((Mremap(pid=1, span=Span(1, 3), new_pages=2, to=8), Mremap(pid=1, span=Span(9, 10), new_pages=1, to=20)),
         {1: [Span(1, 3), Span(8, 10), Span(20, 21)]}),
        ((Mmap(pid=1, span=Span(1, 2)), Mremap(pid=1, span=Span(5, 6), new_pages=1, to=20)), {1: [Span(1, 2)]}),
        ((Reclaim(),), {}),
    ],
)  # fmt: skip
def test_what_is_apart_spreads_with_fork_and_mremap(ops, apart):
    assert batch.apart_of(ops, {0}, set()) == apart


def test_threads_are_apart_together_and_what_all_refused_spreads_nothing():
    ops = Clone(pid=1, child=5), Mmap(pid=5, span=Span(1, 2)), Fork(pid=1, child=2)
    assert batch.apart_of(ops, {1}, {1, 2}) == {1: [Span(1, 2)], 5: [Span(1, 2)]}
