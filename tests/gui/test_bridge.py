"""The bridge: typed signals, batches at a bounded rate, old sessions' messages dropped, the engine stopped once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from attrs import evolve
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Exit, Spawn
from rmapexplorer.engine.frames import Frame, Notice, PathChanged, SessionOpened
from rmapexplorer.gui.bridge import Bridge
from tests.gui import frame_factory
from tests.gui.fake_engine import DESIGNS, FakeEngine


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def bridge(engine: FakeEngine, qapp: object) -> Iterator[Bridge]:
    made = Bridge(engine, DESIGNS)
    made.start()
    yield made
    made.stop()


def test_messages_arrive_as_typed_signals_the_frame_last(bridge: Bridge, engine: FakeEngine, qtbot: QtBot) -> None:
    seen: list[str] = []
    bridge.opened.connect(lambda m: seen.append("opened"))
    bridge.path.connect(lambda m: seen.append("path"))
    bridge.metrics.connect(lambda m: seen.append("metrics"))
    with qtbot.waitSignal(bridge.frame, timeout=2000) as caught:
        bridge.open("x.rmap")
    assert isinstance(caught.args[0], Frame)
    assert seen == ["opened", "path", "metrics"]


def test_messages_from_another_thread_arrive_in_the_gui_thread(
    bridge: Bridge, engine: FakeEngine, qtbot: QtBot
) -> None:
    here: list[bool] = []
    bridge.notice.connect(lambda m: here.append(threading.current_thread() is threading.main_thread()))
    worker = threading.Thread(target=lambda: engine.post(Notice(level="info", text="hello")))
    worker.start()
    worker.join()
    qtbot.waitUntil(lambda: here == [True], timeout=2000)


def test_many_wakes_are_one_drain(bridge: Bridge, engine: FakeEngine, qtbot: QtBot) -> None:
    taken: list[int] = []
    real = engine.take
    engine.take = lambda: taken.append(1) or real()  # type: ignore[method-assign, func-returns-value]
    for number in range(50):
        engine.post(Notice(level="info", text=str(number)))
    qtbot.waitUntil(lambda: not engine.queue, timeout=2000)
    qtbot.wait(50)
    assert len(taken) <= 2


def test_what_an_older_session_still_says_is_dropped(bridge: Bridge, engine: FakeEngine, qtbot: QtBot) -> None:
    got: list[int] = []
    bridge.frame.connect(lambda frame: got.append(frame.generation))
    engine.post(
        SessionOpened(generation=7, title="new", path=None, operations=0),
        evolve(frame_factory.letter(), generation=6),
        PathChanged(generation=6, keep=0, entries=()),
        evolve(frame_factory.letter(), generation=7),
    )
    qtbot.waitUntil(lambda: got == [7], timeout=2000)


def test_only_what_changes_the_session_counts_as_an_edit(bridge: Bridge, engine: FakeEngine) -> None:
    edits: list[int] = []
    bridge.edited.connect(lambda: edits.append(1))
    bridge.seek(3)
    bridge.undo()
    bridge.redo()
    bridge.view("anonmm")
    bridge.select(2, 5)
    assert edits == []
    bridge.submit([Exit(pid=1)], "exit")
    bridge.set_designs([("anonmm", {})])
    assert edits == [1, 1]
    names = [call[0] for call in engine.calls]
    assert names == ["seek", "undo", "redo", "view", "select", "submit", "set_designs"]


def test_a_blank_session_has_one_process_under_every_design(bridge: Bridge, engine: FakeEngine) -> None:
    bridge.new_blank()
    session = engine.named("new")[0][1]
    assert [key for key, _ in session.designs] == [design.key for design in DESIGNS]
    assert session.operations == (Spawn(pid=1, comm="init"),)
    assert session.position == 1


def test_the_engine_is_stopped_once(engine: FakeEngine, qapp: object) -> None:
    bridge = Bridge(engine, DESIGNS)
    assert bridge.stop()
    assert engine.named("stop") == []
    bridge.start()
    assert bridge.stop()
    assert bridge.stop()
    assert engine.named("stop") == [("stop",)]
    assert engine.on_message is None


def test_a_reply_or_a_view_that_fails_costs_nobody_else_a_message(
    bridge: Bridge, engine: FakeEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[BaseException] = []
    monkeypatch.setattr("sys.excepthook", lambda kind, error, trace: faults.append(error))

    def fail(value: object) -> None:
        raise RuntimeError("a bug of a view")

    got: list[object] = []
    bridge.notice.connect(lambda notice: got.append(notice.text))
    for _ in range(3):
        bridge.ask(_Question(), fail)
    bridge.ask(_Question(), got.append)
    engine.post(Notice(level="info", text="last"))
    qtbot.waitUntil(lambda: not engine.queue, timeout=2000)
    assert got == [None, "last"]
    assert len(faults) == 1, "the same fault is told once"


class _Question:
    key = "anything"


def test_another_file_is_opened_where_the_first_one_cannot_be(bridge: Bridge, engine: FakeEngine, qtbot: QtBot) -> None:
    told: list[str] = []
    bridge.notice.connect(lambda notice: told.append(notice.text))
    engine.trouble = "mine.rmap is damaged."
    bridge.open_first("mine.rmap", "letter.rmap")
    engine.post(Notice(level="error", text="Something else went wrong."))
    engine.trouble = ""
    with qtbot.waitSignal(bridge.opened, timeout=2000) as caught:
        pass
    assert caught.args[0].path == "letter.rmap"
    qtbot.waitUntil(lambda: len(told) == 3, timeout=2000)
    assert told[-1] == "mine.rmap is damaged.", "said again: the window takes what came before for the old session's"
