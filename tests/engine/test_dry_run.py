"""Dry runs: the verdict is what happens when the operations are submitted, and asking changes nothing."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest
from at_random import random_log

from rmapexplorer.core.operations import Fork, Madvise, Mmap, Mprotect, Mremap, Munmap, Operation, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.designs.registry import USUAL
from rmapexplorer.engine import dry_run
from rmapexplorer.engine.dry_run import DryRun, Verdict, judge, plan, vmas_of
from rmapexplorer.engine.lanes import make_lane
from rmapexplorer.engine.real import REAL_LENS, real_kinds
from rmapexplorer.engine.stage import Stage
from rmapexplorer.engine.timeline import Timeline

from .worlds import letter, world_of

DESIGNS = {design.key: design for design in USUAL}


def fork_and_moves(seed: int) -> list[Operation]:
    """Calls as the map makes them: moves, new lengths, spans unmapped and protected, forks and writes between."""
    dice = random.Random(seed)
    log: list[Operation] = []
    top = 1
    for _ in range(60):
        start = dice.randrange(16, 100)
        span, pid = Span(start, start + dice.randrange(1, 12)), dice.randrange(1, top + 1)
        match dice.randrange(9):
            case 0 | 1 | 2:
                log.append(Mremap(pid=pid, span=span, new_pages=len(span), to=dice.randrange(16, 110)))
            case 3:
                log.append(Mremap(pid=pid, span=span, new_pages=dice.randrange(1, 16)))
            case 4:
                log.append(Munmap(pid=pid, span=span))
            case 5:
                log.append(Mprotect(pid=pid, span=span, prot=dice.choice(("r", "rw", ""))))
            case 6:
                log.append(Madvise(pid=pid, span=span, advice=dice.choice(("dontneed", "dontfork", "dofork"))))
            case 7 if top < 4:
                top += 1
                log.append(Fork(pid=pid, child=top))
            case _:
                log.append(Touch(pid=pid, runs=((span.start, span.end, "w"),)))
    return log


@pytest.mark.parametrize("key", DESIGNS)
def test_a_verdict_is_what_happens_afterwards(key: str) -> None:
    refused = moved = 0
    for seed in range(3):
        world = world_of(DESIGNS[key], random_log(seed, 20))
        for op in fork_and_moves(seed):
            before = world.digest()
            verdict = judge(world, (op,))
            assert world.digest() == before
            kept = {row.kind: row.objects for row in world.footprint()}
            np.testing.assert_array_equal(verdict.before, vmas_of(world, op.pid))
            assert verdict.outcomes == (world.apply(op),)
            np.testing.assert_array_equal(verdict.after, vmas_of(world, op.pid))
            now = {row.kind: row.objects - kept.get(row.kind, 0) for row in world.footprint()}
            assert verdict.objects == {kind: n for kind, n in now.items() if n}
            assert (verdict.tone == "bad") == (not verdict.outcomes[0].ok)
            refused += not verdict.outcomes[0].ok
            moved += bool(verdict.outcomes[0].ok and verdict.split)
    assert refused > 10 and moved > 5, "the calls must meet both"


def verdict_of(key: str, log: list[Operation], *ops: Operation) -> Verdict:
    return judge(world_of(DESIGNS[key], log), ops)


def test_a_move_out_of_the_middle_says_what_it_splits_and_makes() -> None:
    verdict = verdict_of("anon_vma_chain", letter(), Mremap(pid=1, span=Span(20, 24), new_pages=4, to=96))
    assert (verdict.split, verdict.made, verdict.gone) == ((Span(16, 32),), (Span(96, 100),), ())
    assert verdict.text.startswith("moves 4 pages to page 60 – would split 10-20")
    assert verdict.tone == "good" and verdict.objects["anon_vma_chain"] == 2


def test_the_neighbour_that_stays_apart_is_named_with_its_reason() -> None:
    log = [*letter(), Mmap(pid=2, span=Span(96, 100)), Touch(pid=2, runs=((96, 100, "w"),))]
    verdict = verdict_of("anon_vma_chain", log, Mremap(pid=2, span=Span(64, 65), new_pages=1, to=100))
    assert [(one.side, one.theirs, one.refusal.rule) for one in verdict.neighbours] == [
        ("left", Span(96, 100), "pgoff")
    ]
    assert "cannot merge left: pgoff is not linear" in verdict.text
    assert verdict.tone == "warn"
    home = verdict_of("anon_vma_chain", log, Mremap(pid=2, span=Span(64, 65), new_pages=1, to=17))
    assert home.merged == (Span(16, 32),) and home.neighbours == () and "merges into 10-20" in home.text


def test_copies_that_a_design_makes_are_counted() -> None:
    op = Mremap(pid=2, span=Span(17, 18), new_pages=1, to=64)
    texts = {key: verdict_of(key, letter()[:-1], op).text for key in DESIGNS}
    assert "copies 1 page" in texts["anonmm"] and "copies" not in texts["anon_vma_chain"]


def test_a_refused_call_gives_errno_and_rule() -> None:
    verdict = verdict_of("anon_vma", letter(), Mremap(pid=1, span=Span(16, 20), new_pages=4, to=18))
    assert verdict.tone == "bad"
    assert verdict.text == "EINVAL: the new place 12-16 overlaps the old one 10-14"
    half = verdict_of("anon_vma", letter(), Mprotect(pid=2, span=Span(16, 24), prot="r"))
    assert half.text.startswith("ENOMEM")


def test_several_operations_are_tried_one_after_the_other() -> None:
    ops = (Munmap(pid=1, span=Span(16, 20)), Mremap(pid=1, span=Span(20, 24), new_pages=4, to=16))
    verdict = verdict_of("anon_vma", letter(), *ops)
    assert [outcome.ok for outcome in verdict.outcomes] == [True, True]
    assert verdict.text.startswith("unmaps 4 pages of 10-14; moves 4 pages to page 10")


def test_what_a_move_would_bury_is_said() -> None:
    log = [*letter(), Mmap(pid=1, span=Span(96, 104))]
    verdict = verdict_of("anon_vma_chain", log, Mremap(pid=1, span=Span(16, 20), new_pages=4, to=98))
    assert "unmaps 4 pages that lie there" in verdict.text and verdict.tone == "warn"
    assert verdict.merged == () and "merges" not in verdict.text


def test_a_vma_that_only_gets_shorter_is_not_called_split() -> None:
    shrunk = verdict_of("anon_vma_chain", letter(), Mremap(pid=1, span=Span(16, 32), new_pages=8))
    assert shrunk.split == (Span(16, 32),) and shrunk.text == "shrinks 10-20 to 8 pages, up to page 18"
    inner = verdict_of("anon_vma_chain", letter(), Munmap(pid=1, span=Span(20, 24)))
    assert inner.text.startswith("unmaps 4 pages of 14-18 – would split 10-20")


def stage_of(log: list[Operation]) -> Stage:
    """A stage of the usual designs after these operations."""
    machine = Machine()
    lanes = [make_lane(kind, REAL_LENS, time.perf_counter, 1 << 24) for kind in real_kinds((), machine)]
    stage = Stage(line=Timeline(), lanes=lanes, machine=machine, view="anon_vma_chain")
    for op in log:
        stage.perform(op)
    return stage


def test_the_question_leaves_the_session_alone_and_resolves_what_the_kernel_chooses() -> None:
    stage = stage_of(letter())
    before = {key: world.digest() for key, world in stage.worlds.items()}
    verdict = DryRun((Mremap(pid=2, span=Span(64, 65), new_pages=1, to=-1),)).answer(stage)
    assert verdict is not None and stage.line.head == 6
    assert {key: world.digest() for key, world in stage.worlds.items()} == before
    assert isinstance(verdict.operations[0], Mremap) and verdict.operations[0].to not in (-1, None)
    outcome = stage.perform(verdict.operations[0])[stage.view]
    assert verdict.outcomes == (outcome,)
    nobody = DryRun((Mmap(pid=9, span=Span(-1, 3)),)).answer(stage)
    assert nobody is not None and nobody.text.startswith("ESRCH")


def test_a_world_that_is_too_large_is_planned_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_of(letter())
    monkeypatch.setattr(dry_run, "LIMIT_BYTES", 10)
    for op, words in (
        (Munmap(pid=1, span=Span(20, 24)), "unmaps 4 pages of 14-18 – would split 10-20"),
        (Mremap(pid=1, span=Span(20, 24), new_pages=4, to=32), "moves 4 pages to page 20 – would split 10-20; cannot merge left: "
         "pgoff is not linear"),
        (Mprotect(pid=1, span=Span(16, 32), prot="r"), "makes 10-20 r--"),
    ):  # fmt: skip
        before = stage.shown.world.digest()
        verdict = DryRun((op,)).answer(stage)
        assert verdict is not None and not verdict.tried and verdict.tone == "warn" and verdict.refused is None
        assert verdict.text == f"{dry_run.TOO_LARGE} {words}"
        assert stage.shown.world.digest() == before


@pytest.mark.parametrize("key", DESIGNS)
def test_plans_agree_with_what_happens_where_a_move_succeeds(key: str) -> None:
    agreed = 0
    for seed in range(3):
        world = world_of(DESIGNS[key], random_log(seed, 40))
        for op in fork_and_moves(seed):
            if isinstance(op, Mremap) and op.to is not None:
                guess, verdict = plan(world, (op,)), judge(world, (op,))
                inside = [row for row in verdict.before.tolist() if row[0] <= op.span.start and op.span.end <= row[1]]
                if verdict.refused is None and inside:
                    cut = {span for span in verdict.split if not span.overlaps(Span(op.to, op.to + 1))}
                    assert cut <= set(guess.split), op
                    agreed += 1
            world.apply(op)
    assert agreed >= 3
