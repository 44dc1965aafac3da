"""Sessions, jobs, branches, seeks and trouble, driven turn by turn without a thread: everything is repeatable."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rmapexplorer.core.metrics import KEYS
from rmapexplorer.core.operations import Fork, Reclaim, Spawn
from rmapexplorer.engine.frames import Answer, Frame, Notice, Progress, Saved, SessionOpened
from rmapexplorer.engine.steps import Steps

from .fake_world import BROKEN, ODD, REFUSED, Bench, session_of_numbers, state_after
from .listener import Listener
from .real_driver import Hand

DONE, PROBED = KEYS.index("objects"), KEYS.index("probe_nodes")


def opened(*numbers: int, **more: Any) -> Bench:
    bench = Bench()
    bench.give("new", session_of_numbers(*numbers, **more))
    bench.run()
    return bench


def numbers_at(bench: Bench) -> list[int]:
    """Operations from the start to the cursor."""
    line = bench.conductor.stage.line
    return [line.operations[node].pages for node in line.path[: line.cursor]]


def assert_consistent(bench: Bench) -> Listener:
    """Worlds are what their operations make of them, and the listener knows all of the current path."""
    done = numbers_at(bench)
    assert bench.digests() == {key: state_after(key, done) for key in bench.conductor.stage.worlds}
    heard = Listener().hear(bench.told)
    line = bench.conductor.stage.line
    assert [entry.text for entry in heard.history] == [f"reclaim({line.operations[n].pages})" for n in line.path]
    assert heard.frame.position == line.cursor
    assert heard.frame.tasks.comm == (state_after(heard.frame.view, done),)
    assert not heard.frame.busy
    assert len(heard.rows) == line.head + 1
    return heard


def test_a_session_runs_to_its_end_and_goes_to_its_position():
    bench = opened(1, 2, 3, 4, 5, position=2)
    heard = assert_consistent(bench)
    assert heard.frame.position == 2
    assert heard.rows[:, 0, DONE].tolist() == [0, 1, 2, 3, 4, 5]
    assert bench.of(SessionOpened)[0].operations == 5
    assert bench.of(Progress)[-1].finished


def test_an_empty_session_is_shown_at_once():
    heard = assert_consistent(opened())
    assert heard.frame.position == heard.frame.head == 0
    assert heard.frame.designs[0].outcome is None


def test_states_on_the_way_are_shown_while_loading():
    bench = Bench(cost=0.05)
    bench.give("new", session_of_numbers(*range(20)))
    bench.run()
    positions = [frame.position for frame in bench.of(Frame)]
    assert len(set(positions)) > 5
    assert positions[-1] == 0
    Listener().hear(bench.told)  # asserts that head and history agree in every frame


def test_outcomes_and_differences_reach_the_history():
    bench = opened(1, REFUSED, ODD)
    heard = assert_consistent(bench)
    assert [entry.error for entry in heard.history] == [None, "EINVAL", None]
    assert [entry.differs for entry in heard.history] == [False, False, True]
    bench.give("view", "b")
    bench.run()
    heard = assert_consistent(bench)
    assert [entry.error for entry in heard.history] == [None, "EINVAL", "EINVAL"]
    assert heard.frame.view == "b"


def test_a_refused_operation_is_kept_and_told():
    bench = opened(1, position=1)
    bench.do(REFUSED)
    heard = assert_consistent(bench)
    assert len(heard.history) == 2
    notice = bench.of(Notice)[-1]
    assert (notice.level, notice.errno, notice.field) == ("refused", "EINVAL", "pages")
    assert heard.frame.designs[0].outcome.error == "EINVAL"


def test_refusals_within_a_batch_are_data_not_notices():
    bench = opened()
    bench.do(1, REFUSED, 2)
    assert len(assert_consistent(bench).history) == 3
    assert not bench.of(Notice)


def test_a_random_walk_of_seeks_shows_what_stopping_there_shows():
    """Seek, undo, redo, act in the past, switch branches: always the state of the operations before the cursor."""
    bench = opened(*range(100, 160), position=60)
    dice = random.Random(1)
    for step in range(250):
        match dice.randrange(12):
            case 0:
                bench.do(1000 + step)
            case 1:
                bench.give("branch", dice.choice(list(bench.conductor.stage.line.branches)))
            case 2:
                bench.give("seek", dice.choice((-1, 1)), True)
            case _:
                bench.give("seek", dice.randrange(-3, 70), False)
        bench.run()
        assert_consistent(bench)


def test_seeking_uses_checkpoints():
    """Going one back costs less than a tenth of a second of work and a copy, not the whole log."""
    bench = opened(*range(200), position=200)
    before = bench.clock.now
    bench.give("seek", -1, True)
    bench.run()
    assert_consistent(bench)
    assert bench.clock.now - before < 2 * (0.1 + 2 * bench.cost)


def test_seeking_measures_nothing_twice():
    bench = opened(*range(50), position=50)
    told = len(bench.told)
    for position in (3, 40, 17):
        bench.give("seek", position, False)
        bench.run()
    rows = [m for m in bench.told[told:] if type(m).__name__ in ("MetricRows", "PathChanged")]
    assert rows == []


def test_a_newer_seek_supersedes_one_that_replays():
    bench = opened(*range(60), position=60)
    bench.conductor.stage.lanes[0].checkpoints.kept.clear()
    bench.conductor.stage.lanes[1].checkpoints.kept.clear()
    bench.give("seek", 50, False)
    for _ in range(5):
        bench.turn()
    assert bench.conductor.busy
    bench.give("seek", 5, False)
    bench.give("seek", 1, True)
    assert len(bench.conductor.jobs) == 1
    bench.run()
    assert assert_consistent(bench).frame.position == 6
    assert 50 not in [frame.position for frame in bench.of(Frame)[-1:]]


def test_a_progress_bar_that_came_up_goes_away_also_where_the_aim_changed():
    bench = opened(*range(60), position=60)
    for lane in bench.conductor.stage.lanes:
        lane.checkpoints.kept.clear()
    job = bench.give("seek", 50, False)
    while bench.of(Progress)[-1].job != job:
        bench.turn()
    bench.give("seek", 1, False)
    bench.run()
    assert bench.of(Progress)[-1].job == job and bench.of(Progress)[-1].finished


def test_a_position_sought_after_a_cancelled_one_is_reached():
    bench = opened(*range(60), position=60)
    for lane in bench.conductor.stage.lanes:
        lane.checkpoints.kept.clear()
    job = bench.give("seek", 50, False)
    for _ in range(5):
        bench.turn()
    bench.conductor.cancelled.add(job)
    bench.give("seek", 7, False)
    bench.run()
    assert assert_consistent(bench).frame.position == 7


def test_another_design_viewed_before_it_followed_is_shown_where_it_is_then():
    bench = opened(*range(60), position=60)
    bench.give("seek", 20, False)
    bench.give("seek", 21, False)
    while bench.conductor.stage.shown.node != 20:
        bench.turn()
    bench.give("seek", 22, False)
    while bench.conductor.stage.shown.node != 21:
        bench.turn()
    assert not bench.conductor.stage.aligned
    heard = len(bench.told)
    bench.give("view", "b")
    bench.run()
    for frame in bench.told[heard:]:
        if isinstance(frame, Frame) and frame.view == "b":
            assert frame.tasks.comm == (state_after("b", list(range(frame.position))),)
    assert assert_consistent(bench).frame.position == 22


def test_who_waits_for_a_job_of_an_old_session_is_told():
    class Asked(Steps):
        result = 7

    def work(stage: Any) -> Iterator[None]:
        for _ in range(1000):
            bench.clock.now += 0.01
            yield

    bench = opened(*range(6), position=6)
    bench.conductor.job(Asked(number=99, title="asked", work=work, quiet=True))
    for _ in range(40):
        bench.turn()
    assert bench.of(Progress)[-1].job == 99
    bench.give("new", session_of_numbers(1))
    bench.run()
    assert [m.value for m in bench.of(Answer) if m.ticket == 99] == [None]
    assert [m.finished for m in bench.of(Progress) if m.job == 99][-1]


def test_undo_follows_what_was_submitted_before_it():
    bench = opened()
    bench.give("submit", [Reclaim(pages=n) for n in (1, 2, 3)], "three")
    bench.give("seek", -1, True)
    bench.give("seek", -1, True)
    bench.run()
    assert assert_consistent(bench).frame.position == 1


def test_acting_in_the_past_starts_a_branch():
    bench = opened(1, 2, 3, 4, position=2)
    bench.do(9)
    heard = assert_consistent(bench)
    assert heard.frame.branch == "branch 2"
    assert heard.frame.branches == ("main", "branch 2")
    assert [entry.text for entry in heard.history] == ["reclaim(1)", "reclaim(2)", "reclaim(9)"]
    bench.give("branch", "main")
    bench.run()
    heard = assert_consistent(bench)
    assert heard.frame.position == 4
    assert heard.rows[:, 0, DONE].tolist() == [0, 1, 2, 3, 4]


def test_a_branch_waits_for_what_was_submitted_before_it():
    bench = opened(1, 2, 3, position=1)
    bench.give("submit", [Reclaim(pages=8), Reclaim(pages=9)], "")
    bench.give("branch", "main")
    bench.give("seek", -1, True)
    bench.give("branch", "branch 2")
    bench.give("seek", -1, True)
    bench.run()
    heard = assert_consistent(bench)
    assert (heard.frame.branch, heard.frame.position) == ("branch 2", 2)
    assert [entry.text for entry in heard.history] == ["reclaim(1)", "reclaim(8)", "reclaim(9)"]


def test_a_branch_that_ends_inside_another_is_cut_off():
    bench = opened(1, 2, 3, branches={"main": 2, "early": 0}, position=3)
    bench.give("branch", "early")
    bench.run()
    assert len(assert_consistent(bench).history) == 1
    bench.give("branch", "none such")
    bench.run()
    assert "none such" in bench.of(Notice)[-1].text


def test_cancel_leaves_a_whole_number_of_operations():
    bench = opened(1, position=1)
    job = bench.give("submit", [Reclaim(pages=n) for n in range(200)], "many")
    for _ in range(20):
        bench.turn()
    bench.conductor.cancelled.add(job)
    bench.run()
    heard = assert_consistent(bench)
    assert 1 < heard.frame.position < 201
    assert heard.frame.position == heard.frame.head
    last = bench.of(Progress)[-1]
    assert (last.job, last.finished, last.cancelled) == (job, True, True)


def test_a_job_cancelled_before_it_began_does_nothing():
    bench = opened(1, 2, position=1)
    job = bench.give("submit", [Reclaim(pages=7)], "")
    bench.conductor.cancelled.add(job)
    bench.run()
    heard = assert_consistent(bench)
    assert (heard.frame.branch, heard.frame.head) == ("main", 2)


def test_a_cancelled_load_keeps_the_log_and_goes_on_when_sought():
    bench = Bench()
    job = bench.give("new", session_of_numbers(*range(100), position=3))
    for _ in range(10):
        bench.turn()
    bench.conductor.cancelled.add(job)
    bench.run()
    heard = assert_consistent(bench)
    stopped = heard.frame.position
    assert 0 < stopped < 100
    assert heard.frame.head == 100
    assert np.isnan(heard.rows[stopped + 1 :, :, DONE]).all()
    bench.give("seek", 100, False)
    bench.run()
    heard = assert_consistent(bench)
    assert heard.rows[:, 1, DONE].tolist() == list(range(101))


def test_progress_comes_at_most_twenty_times_a_second():
    bench = Bench(cost=0.002)
    bench.give("new", session_of_numbers(*range(500), designs="a"))
    bench.run()
    assert 5 < len(bench.of(Progress)) <= 500 * 0.002 * 20 * 2


def test_short_sessions_have_a_probe_everywhere_and_long_ones_at_rest():
    heard = assert_consistent(opened(*range(30), position=30))
    assert not np.isnan(heard.rows[:, :, PROBED]).any()
    bench = Bench(cost=0.001, probe_cost=0.1)
    bench.give("new", session_of_numbers(*range(301), position=301))
    bench.run()
    every_other = [2 * k if k % 2 == 0 or k == 301 else None for k in range(302)]
    assert probes(assert_consistent(bench)) == [every_other, every_other]
    bench.give("seek", 151, False)
    bench.run()
    assert probes(assert_consistent(bench)) == [every_other, every_other], "where the cursor is makes no difference"


def probes(heard: Listener) -> list[list[float | None]]:
    """The probes that the listener knows of, by design and position."""
    return [[None if v != v else v for v in column] for column in heard.rows[:, :, PROBED].T.tolist()]


def test_the_same_log_has_the_same_probes_however_it_came_about():
    """Opened whole, done one by one, branched, and with dear or cheap probes: the curves do not know."""
    once = Bench(cost=0.001, probe_cost=1.0)
    once.give("new", session_of_numbers(*range(300), position=0))
    once.run()
    told = probes(assert_consistent(once))
    bench = Bench(cost=0.01, probe_cost=0.001)
    bench.give("new", session_of_numbers(*range(290), position=290))
    for number in range(290, 297):
        bench.do(number)
    bench.do(7, 8, 9, 10)
    bench.give("seek", 297, False)
    bench.run()
    bench.do(297, 298, 299)
    heard = assert_consistent(bench)
    assert heard.frame.branch == "branch 2" and probes(heard) == told
    bench.give("branch", "main")
    bench.run()
    assert len(probes(assert_consistent(bench))[0]) == 302


def test_a_log_that_shrinks_below_the_stride_has_every_probe_again():
    bench = Bench(cost=0.001)
    bench.give("new", session_of_numbers(*range(258), position=250))
    bench.run()
    assert probes(assert_consistent(bench))[0][249] is None
    bench.do(1)
    assert probes(assert_consistent(bench)) == [[2 * k for k in range(252)]] * 2


def test_what_a_busy_machine_left_unprobed_in_a_short_session_is_probed_at_rest():
    """Every probe exceeds what may be spent while the session runs, and each is the one of its position all the same."""
    bench = Bench(cost=0.001, probe_cost=1.0)
    bench.give("new", session_of_numbers(*range(40), designs="abcd", position=25))
    bench.run()
    heard = assert_consistent(bench)
    assert heard.rows[:, :, PROBED].tolist() == [[2 * k] * 4 for k in range(41)]
    bench.do(7, 8)
    heard = assert_consistent(bench)
    assert heard.frame.branch == "branch 2"
    assert heard.rows[:, :, PROBED].tolist() == [[2 * k] * 4 for k in range(28)]


def test_a_command_need_not_wait_for_probes_at_rest():
    bench = Bench(cost=0.001, probe_cost=0.1)
    bench.give("new", session_of_numbers(*range(150), designs="abcd", position=150))
    while bench.conductor.busy:
        bench.turn()
    before = bench.clock.now
    bench.give("seek", 3, False)
    while bench.conductor.busy:
        bench.turn()
    assert bench.clock.now - before < 0.5
    assert not bench.conductor.idle


def test_dear_probes_wait_for_each_other():
    """Of four designs whose probes are slow only one probes after an operation, so that Cancel is heard."""
    bench = Bench(cost=0.001, probe_cost=0.1)
    bench.give("new", session_of_numbers(designs="abcd"))
    bench.run()
    before = bench.clock.now
    bench.give("submit", [Reclaim(pages=1)], "")
    bench.turn()
    assert bench.clock.now - before < 0.15


def test_a_broken_invariant_stops_at_the_last_good_position():
    bench = opened(1, 2, position=2)
    bench.do(3, 4, BROKEN, 5)
    heard = assert_consistent(bench)
    assert heard.frame.position == 4
    assert [entry.text for entry in heard.history][-1] == "reclaim(4)"
    notice = bench.of(Notice)[-1]
    assert notice.level == "internal"
    assert "a planted one" in notice.details
    assert f"Reclaim(pages={BROKEN})" in notice.details
    assert bench.of(Progress)[-1].cancelled
    bench.do(6)
    assert assert_consistent(bench).frame.position == 5


def test_a_session_that_breaks_while_it_loads_stays_open_before_the_break():
    bench = opened(1, 2, BROKEN, 4, position=4)
    heard = assert_consistent(bench)
    assert (heard.frame.position, heard.frame.head) == (2, 4)
    assert len(bench.of(Notice)) == 1
    bench.give("seek", 3, False)
    bench.run()
    assert assert_consistent(bench).frame.position == 2
    bench.give("save", "report")
    bench.run()
    assert len(bench.stored["report"].operations) == 4


def test_details_that_break_are_told_and_left_out():
    bench = opened(1, 2, position=2)
    bench.give("select", 13, 5)
    bench.run()
    notice = bench.of(Notice)[-1]
    assert (notice.level, "the detail broke" in notice.details) == ("internal", True)
    assert assert_consistent(bench).frame.detail is None
    bench.give("select", 1, 5)
    bench.run()
    assert assert_consistent(bench).frame.detail.vpn == 5
    assert len(bench.of(Notice)) == 1


def test_other_designs_replay_the_log_and_the_rest_is_left_alone():
    bench = opened(1, 2, 3, 4, position=2)
    kept = bench.conductor.stage.lanes[1]
    bench.give("set_designs", [("b", {}), ("c", {})])
    bench.run()
    heard = assert_consistent(bench)
    assert bench.conductor.stage.lanes[0] is kept
    assert heard.designs == ("b", "c")
    assert heard.frame.view == "b"
    assert heard.frame.position == 2
    assert heard.rows[:, 1, DONE].tolist() == [0, 1, 2, 3, 4]


def test_a_design_that_breaks_in_the_replay_is_not_taken():
    bench = opened(1, 2, BROKEN, designs="b", position=3)
    bench.give("set_designs", [("b", {}), ("a", {})])
    bench.run()
    heard = assert_consistent(bench)
    assert heard.designs == ("b",)
    assert bench.of(Notice)[-1].level == "internal"
    bench.give("set_designs", [("x", {})])
    bench.run()
    assert bench.of(Notice)[-1].text == "There is no design 'x'."


@pytest.mark.parametrize("name", ["missing", "odd design", "bad branches"])
def test_a_file_that_cannot_be_opened_leaves_the_session_alone(name):
    bench = opened(1, 2, 3, position=3)
    bench.stored["odd design"] = session_of_numbers(1, designs="x")
    bench.stored["bad branches"] = session_of_numbers(1, branches={"main": 7})
    told = len(bench.told)
    bench.conductor.open(name, 77, lambda: False)
    bench.run()
    assert [m.level for m in bench.told[told:] if isinstance(m, Notice)] == ["error"]
    assert not [m for m in bench.told[told:] if isinstance(m, SessionOpened)]
    bench.do(4)
    assert assert_consistent(bench).frame.position == 4


def test_saved_and_opened_again_is_the_same():
    bench = opened(1, 2, 3, 4, position=3)
    bench.do(9)
    bench.give("select", 4, 77)
    bench.give("save", "here")
    bench.run()
    assert bench.of(Saved)[-1].operations == 5
    digests = bench.digests()
    other = Bench()
    other.stored = bench.stored
    other.conductor.open("here", 1, lambda: False)
    other.run()
    heard = assert_consistent(other)
    assert other.digests() == digests
    assert (heard.frame.branch, heard.frame.position, heard.frame.branches) == ("branch 2", 4, ("main", "branch 2"))
    assert other.conductor.stage.selection == (4, 77)


def test_a_full_disk_is_one_sentence():
    bench = opened(1)
    bench.give("save", "full")
    bench.run()
    assert bench.of(Notice)[-1].text == "full could not be written: No space left on device."
    assert not bench.of(Saved)


def test_a_new_session_drops_the_jobs_of_the_old():
    bench = opened(1)
    bench.give("submit", [Reclaim(pages=n) for n in range(100)], "many")
    for _ in range(5):
        bench.turn()
    bench.give("new", session_of_numbers(7, 8, position=1))
    bench.run()
    heard = assert_consistent(bench)
    assert heard.frame.generation == 2
    assert heard.frame.head == 2


def test_commands_without_a_session_are_one_sentence():
    bench = Bench()
    bench.do(1)
    for name, *args in (("seek", 3, False), ("view", "a"), ("select", 1, 1), ("save", "x"), ("branch", "main")):
        bench.give(name, *args)
    bench.run()
    assert {(m.level, m.text) for m in bench.of(Notice)} == {("error", "No session is open.")}


def test_designs_chosen_before_a_change_of_era_was_cancelled_all_run_on_one_machine():
    hand = Hand([Spawn(pid=1, comm="init"), Fork(pid=1, child=2)], 2)
    era = next(era for era in ("2.6.7", "2.6.0", "2.4.18") if era != hand.stage.machine.calls)
    hand.conductor.set_calls(era, 7)
    hand.conductor.set_designs([("objrmap", {}), ("anon_vma", {})], 8)
    hand.conductor.cancelled.add(7)
    hand.run()
    stage = hand.stage
    assert all(lane.world.machine == stage.machine for lane in stage.lanes)
