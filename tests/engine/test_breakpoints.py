"""Running to where a condition holds: forward, back, without doing again what is recorded, as if nothing had run fast."""

from __future__ import annotations

import pytest
from at_random import random_log
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rmapexplorer.core.operations import Fork
from rmapexplorer.core.world import World
from rmapexplorer.engine.breakpoints import RunUntil, Stopped, find
from rmapexplorer.engine.conditions import parse
from rmapexplorer.engine.frames import Frame

from .real_driver import Hand
from .worlds import letter

LOG = random_log(5, 60)
CONDITIONS = (
    "operation fork",
    "walks > 0",
    "vmas > 20",
    "call refused",
    "merges refused > 0 in anon_vma_chain",
    "faults > 3",
)


def until(hand: Hand, *conditions: str, **more: bool) -> Stopped:
    job = hand.job(lambda number: RunUntil(number=number, conditions=[parse(c) for c in conditions], **more))
    assert job.result is not None
    return job.result


def holds(hand: Hand, condition: str) -> list[int]:
    line = hand.stage.line
    return [p for p in range(1, line.head + 1) if find(hand.stage, parse(condition), line.node_at(p)) is not None]


@pytest.fixture(scope="module")
def done() -> Hand:
    """The log, done under every design."""
    hand = Hand(LOG)
    hand.seek(len(LOG))
    return hand


def test_it_stops_after_the_operation_and_says_which_condition_and_design() -> None:
    hand = Hand(letter())
    stopped = until(hand, "operation mremap", "operation fork")
    assert (stopped.position, stopped.start, stopped.met) == (4, 0, (1,))
    assert stopped.designs[0] == hand.stage.lanes[0].kind.key
    assert hand.frame.position == 4
    assert until(hand, "operation mremap", "operation fork").position == 6


def test_a_design_is_named_only_where_it_is_meant() -> None:
    hand = Hand(letter())
    assert until(hand, "operation fork in anon_vma_chain").designs == ("anon_vma_chain",)
    hand.seek(0)
    missed = until(hand, "operation fork in virtual_scan")
    assert (missed.position, missed.met) == (6, ())


def test_without_conditions_it_runs_to_the_end() -> None:
    hand = Hand(letter())
    stopped = until(hand)
    assert (stopped.position, stopped.met) == (6, ())
    assert hand.frame.position == 6


def test_a_state_stops_where_it_becomes_true_and_not_again() -> None:
    hand = Hand(letter())
    assert until(hand, "processes >= 2").position == 4
    assert until(hand, "processes >= 2").met == ()
    assert hand.frame.position == 6


def test_backward_finds_one_after_the_other_and_then_stays(done: Hand) -> None:
    done.seek(len(LOG))
    before = [p for p in holds(done, "operation fork") if p < len(LOG)][::-1]
    assert len(before) >= 2
    assert [until(done, "operation fork", backward=True).position for _ in before] == before
    stayed = until(done, "operation fork", backward=True)
    assert (stayed.position, stayed.met) == (before[-1], ())
    assert done.frame.position == before[-1]


def test_only_looking_leaves_the_position(done: Hand) -> None:
    done.seek(1)
    before = done.digests()
    first = next(p for p in holds(done, "operation fork") if p > 1)
    assert until(done, "operation fork", goes=False).position == first
    assert done.frame.position == 1
    assert done.digests() == before


def test_recorded_positions_are_read_and_not_done_again(done: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    done.seek(0)
    outcomes = {lane.kind.key: dict(lane.outcomes) for lane in done.stage.lanes}
    count: list[object] = []
    apply = World.apply
    monkeypatch.setattr(World, "apply", lambda world, op: (count.append(op), apply(world, op))[1])
    for condition in CONDITIONS:
        until(done, condition, goes=False)
    assert count == []
    assert until(done, "pages > 1000000000", goes=False).met == ()
    assert count == []
    assert {lane.kind.key: dict(lane.outcomes) for lane in done.stage.lanes} == outcomes


def test_nothing_is_shown_on_the_way() -> None:
    hand = Hand(LOG)
    hand.seek(0)
    before = len(hand.told)
    until(hand)
    frames = [m for m in hand.told[before:] if isinstance(m, Frame) and not m.busy]
    assert {frame.position for frame in frames} == {len(LOG)}


def test_what_never_ran_is_run_on_the_way() -> None:
    hand = Hand(letter()[:3])
    hand.seek(3)
    hand.submit(Fork(pid=1, child=2), letter()[4], letter()[5])
    hand.seek(3)
    assert until(hand, "operation mremap").position == 6


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(CONDITIONS), st.integers(0, len(LOG) - 1), st.booleans())
def test_run_fast_ends_where_step_by_step_does(done: Hand, condition: str, start: int, backward: bool) -> None:
    places = holds(done, condition)
    wanted = [p for p in places if (p < start if backward else p > start)]
    done.seek(start)
    stopped = until(done, condition, backward=backward)
    end = (max(wanted) if backward else min(wanted)) if wanted else (start if backward else len(LOG))
    assert stopped.position == end
    fast = done.digests()
    for position in range(start, end + (1 if end >= start else -1), 1 if end >= start else -1):
        done.seek(position)
    assert done.digests() == fast
    assert done.frame.position == end
