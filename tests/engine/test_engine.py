"""The engine's thread: commands from anywhere, messages latched, nothing lost, always stops."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rmapexplorer.core.operations import Reclaim
from rmapexplorer.engine.engine import Engine
from rmapexplorer.engine.frames import Frame, Notice, Progress

from .fake_world import BROKEN, GATED, Bench, session_of_numbers, state_after
from .listener import Listener

LIMIT = 20.0


class Rig:
    """An engine on fake worlds, and what its listener heard."""

    def __init__(self) -> None:
        self.bench = Bench(cost=0.001)
        self.engine = Engine(
            kinds=self.bench.kinds, lens=self.bench.lens, files=self.bench.files, clock=self.bench.clock
        )
        self.woken = threading.Event()
        self.calls = 0
        self.engine.on_message = self._wake
        self.messages: list[object] = []
        self.listener = Listener()

    def _wake(self) -> None:
        self.calls += 1
        self.woken.set()

    def take(self) -> list[object]:
        """Take and fold."""
        self.woken.clear()
        new = self.engine.take()
        self.messages += new
        self.listener.hear(new)
        return new

    def settle(self) -> None:
        """Until the engine has nothing left to do."""
        assert self.engine.wait_idle(LIMIT)
        self.take()


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    rig.engine.start()
    yield rig
    rig.bench.gate.set()
    assert rig.engine.stop(LIMIT)


def test_operations_run_and_are_told(rig: Rig):
    rig.engine.new(session_of_numbers())
    rig.engine.submit([Reclaim(pages=n) for n in (1, 2, 3)])
    rig.settle()
    assert rig.listener.frame.position == 3
    assert rig.listener.frame.tasks.comm == (state_after("a", [1, 2, 3]),)


def test_stop_joins_a_busy_thread(rig: Rig):
    rig.engine.new(session_of_numbers(*range(5000)))
    assert rig.woken.wait(LIMIT)
    assert rig.engine.stop(LIMIT)
    assert not [thread for thread in threading.enumerate() if thread.name == "engine" and thread.is_alive()]


def test_stop_says_where_an_operation_does_not_end(rig: Rig):
    rig.engine.new(session_of_numbers(GATED))
    assert rig.bench.gate.entered.wait(LIMIT)
    assert not rig.engine.stop(0.05)
    rig.bench.gate.set()
    assert rig.engine.stop(LIMIT)


def test_an_engine_that_never_started_stops():
    bench = Bench()
    assert Engine(kinds=bench.kinds, lens=bench.lens, files=bench.files).stop()


def test_the_wake_is_latched(rig: Rig):
    """However much is told, the listener is called once until it takes."""
    rig.engine.new(session_of_numbers(*range(300)))
    assert rig.engine.wait_idle(LIMIT)
    assert rig.calls == 1
    assert rig.take()
    rig.engine.submit([Reclaim(pages=1)])
    assert rig.woken.wait(LIMIT)
    assert rig.calls == 2


def test_no_outcome_is_lost_however_seldom_one_listens(rig: Rig):
    """Frames coalesce, history lines and curve rows do not: the listener ends with one of each per operation."""
    rig.engine.new(session_of_numbers(*range(400)))
    for number in range(100):
        rig.engine.submit([Reclaim(pages=1000 + number)])
        if number % 9 == 0:
            rig.take()
    rig.settle()
    assert len(rig.listener.history) == rig.listener.frame.head
    assert len(rig.listener.rows) == rig.listener.frame.head + 1
    assert sum(isinstance(message, Frame) for message in rig.take()) == 0


def test_frames_coalesce_to_the_newest(rig: Rig):
    rig.engine.new(session_of_numbers(*range(200), position=150))
    assert rig.engine.wait_idle(LIMIT)
    frames = [message for message in rig.take() if isinstance(message, Frame)]
    assert [frame.position for frame in frames] == [150]


def test_cancel_is_heard_while_a_job_runs(rig: Rig):
    rig.engine.new(session_of_numbers())
    job = rig.engine.submit([Reclaim(pages=1), Reclaim(pages=GATED), *[Reclaim(pages=n) for n in range(9000)]], "storm")
    assert rig.bench.gate.entered.wait(LIMIT)
    rig.engine.cancel(job)
    rig.bench.gate.set()
    rig.settle()
    assert rig.listener.frame.position < 5000
    assert rig.listener.frame.position == rig.listener.frame.head == len(rig.listener.history)
    last = [message for message in rig.messages if isinstance(message, Progress)][-1]
    assert (last.job, last.finished, last.cancelled) == (job, True, True)


def test_a_broken_world_leaves_the_engine_usable(rig: Rig):
    rig.engine.new(session_of_numbers(1, 2, position=2))
    rig.engine.submit([Reclaim(pages=3), Reclaim(pages=BROKEN), Reclaim(pages=4)])
    rig.settle()
    assert [m.level for m in rig.messages if isinstance(m, Notice)] == ["internal"]
    assert rig.listener.frame.position == 3
    rig.engine.submit([Reclaim(pages=5)])
    rig.settle()
    assert rig.listener.frame.tasks.comm == (state_after("a", [1, 2, 3, 5]),)


def test_commands_from_many_threads_are_all_done(rig: Rig):
    rig.engine.new(session_of_numbers())

    def push() -> None:
        for number in range(50):
            rig.engine.submit([Reclaim(pages=number)])

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    rig.settle()
    assert rig.listener.frame.head == 200


def test_open_says_what_is_wrong_and_keeps_the_session(rig: Rig):
    rig.engine.new(session_of_numbers(1, 2, position=1))
    rig.engine.open("nothing there")
    rig.settle()
    assert [m.text for m in rig.messages if isinstance(m, Notice)] == ["nothing there: is damaged."]
    assert rig.listener.frame.position == 1
