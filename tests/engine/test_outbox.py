"""What the engine tells is heard in the order in which it was told, of frames only the newest."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rmapexplorer.engine import outbox
from rmapexplorer.engine.frames import Progress
from rmapexplorer.engine.outbox import Outbox


class Shown(SimpleNamespace):
    """A frame, as far as the outbox looks at it."""


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    monkeypatch.setattr(outbox, "Frame", Shown)
    return Outbox()


def done(count: int, job: int = 1, finished: bool = False) -> Progress:
    return Progress(job=job, title="", done=count, total=9, finished=finished)


def test_a_frame_that_waited_is_heard_before_what_it_does_not_show(box: Outbox) -> None:
    """Else a view takes the rest before a job for the rest after it, as its end was told already."""
    shown, end = Shown(position=4), done(9, finished=True)
    box.post(shown)
    box.post(end)
    assert box.take() == [shown, end]


def test_of_frames_the_newest_is_heard_at_its_place(box: Outbox) -> None:
    first, second = done(1, 1), done(1, 2)
    box.post(Shown(position=1), first, Shown(position=2), second)
    assert box.take() == [first, Shown(position=2), second]
    assert box.take() == []


def test_of_the_progress_of_a_job_the_last_is_heard_where_no_frame_lies_between(box: Outbox) -> None:
    box.post(done(1), done(2))
    assert box.take() == [done(2)]
    box.post(done(1), Shown(position=1), done(2), done(3))
    assert box.take() == [done(1), Shown(position=1), done(3)]
