"""The difference of two positions: every kind, both directions, and the session is as it was before."""

from __future__ import annotations

import pytest
from at_random import random_log

from rmapexplorer.core.metrics import METRICS
from rmapexplorer.core.operations import Exit, Fork, Mmap, Mprotect, Munmap, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.engine.state_diff import ADDED, CHANGED, REMOVED, CompareStates, DiffRow, StateDiff

from .real_driver import Hand
from .worlds import letter


def compare(hand: Hand, one: int, other: int) -> StateDiff:
    found = hand.job(lambda number: CompareStates(number=number, one=one, other=other)).result
    assert isinstance(found, StateDiff)
    return found


def of(found: StateDiff, kind: str, sign: str = "") -> list[DiffRow]:
    return [row for row in found.rows if row.kind == kind and sign in ("", row.sign)]


@pytest.fixture(scope="module")
def hand() -> Hand:
    """The letter, at its end."""
    made = Hand(letter(), 6)
    made.seek(6)
    return made


def test_a_fork_adds_a_process_with_its_vmas_and_structures(hand: Hand) -> None:
    found = compare(hand, 3, 4)
    assert found.texts[1].startswith("fork")
    (child,) = of(found, "process")
    assert (child.sign, child.spot, child.delta, child.unit) == (ADDED, (2, -1), 2.0, "pages")
    assert child.after == "1 vma, 2 pages"
    assert [row.sign for row in of(found, "vma", ADDED)] == [ADDED]
    assert of(found, "vma", ADDED)[0].spot == (2, 16)
    assert found.counts["process"] == (1, 0, 0)
    grown = {(row.design, row.what) for row in of(found, "structure") if row.delta is not None and row.delta > 0}
    assert {design for design, _ in grown} >= {"anon_vma", "anon_vma_chain"}
    processes = next(m.title for m in METRICS if m.key == "processes")
    assert {row.after for row in of(found, "curve") if row.what == processes} == {"2"}


def test_the_other_direction_is_the_mirror_image(hand: Hand) -> None:
    there, back = compare(hand, 3, 6), compare(hand, 6, 3)
    mirror = {ADDED: REMOVED, REMOVED: ADDED, CHANGED: CHANGED}
    one = {(r.kind, mirror[r.sign], r.what, r.design, -r.delta) for r in there.rows if r.kind != "vma" and r.delta}
    other = {(r.kind, r.sign, r.what, r.design, r.delta) for r in back.rows if r.kind != "vma" and r.delta}
    assert one == other
    for kind, (added, removed, changed) in there.counts.items():
        assert back.counts[kind] == (removed, added, changed)


def test_a_position_and_itself_do_not_differ(hand: Hand) -> None:
    found = compare(hand, 4, 4)
    assert found.rows == ()
    assert set(found.counts.values()) == {(0, 0, 0)}


def test_positions_beyond_the_ends_are_the_ends(hand: Hand) -> None:
    found = compare(hand, -5, 99)
    assert (found.one, found.other, found.texts[0]) == (0, 6, "start")
    assert found.counts["process"] == (2, 0, 0)


def test_only_what_changed_of_a_vma_is_named() -> None:
    base = [Spawn(pid=1, comm="init"), Mmap(pid=1, span=Span(16, 32)), Touch(pid=1, runs=((16, 18, "w"),))]
    hand = Hand([*base, Mprotect(pid=1, span=Span(16, 32), prot="r"), Munmap(pid=1, span=Span(16, 32))])
    (row,) = of(compare(hand, 3, 4), "vma")
    assert (row.sign, row.what) == (CHANGED, "init 1  10-20")
    assert row.before.startswith("flags rw-p")
    assert row.after.startswith("flags r--p")
    assert "pgoff" not in row.before
    (gone,) = of(compare(hand, 4, 5), "vma")
    assert (gone.sign, gone.spot, gone.delta) == (REMOVED, None, -2.0)
    (touched,) = of(compare(hand, 2, 3), "vma")
    assert (touched.delta, touched.after.endswith("pages 2")) == (2.0, True)


def test_a_pid_used_again_is_another_process() -> None:
    log = [Spawn(pid=1, comm="init"), Fork(pid=1, child=2), Exit(pid=2), Fork(pid=1, child=2)]
    found = compare(Hand(log), 2, 4)
    assert sorted(row.sign for row in of(found, "process")) == sorted([ADDED, REMOVED])


def test_the_session_stays_where_it_was_and_as_it_was() -> None:
    log = random_log(7, 50)
    hand = Hand(log)
    hand.seek(20)
    frame, digests = hand.frame, hand.digests()
    rows = [lane.rows.values.copy() for lane in hand.stage.lanes]
    before = len(hand.told)
    compare(hand, 5, 45)
    assert hand.digests() == digests
    assert hand.frame.position == frame.position == 20
    assert all(
        (a == b).sum() == (a == a).sum() for a, b in zip(rows, (n.rows.values for n in hand.stage.lanes), strict=True)
    )
    assert not [m for m in hand.told[before:] if getattr(m, "position", 20) != 20]


def test_the_difference_does_not_depend_on_where_one_stands() -> None:
    log = random_log(9, 40)
    hand = Hand(log)
    found = []
    for place in (0, 17, 40):
        hand.seek(place)
        found.append(compare(hand, 8, 33))
    assert found[0].rows == found[1].rows == found[2].rows
    assert found[0].counts == found[1].counts == found[2].counts
