"""Questions: answered from the stage between two slices, the newest of a key only."""

from __future__ import annotations

import time
from typing import Any

from attrs import frozen

from rmapexplorer.engine.frames import Answer, Frame, Notice
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.questions import Questions

from .fake_world import session_of_numbers
from .test_engine import Rig, rig

__all__ = ["rig"]


@frozen
class Position:
    """Asks how many operations are done."""

    key: str = "position"
    wrong: bool = False

    def answer(self, stage: Any) -> int:
        """The cursor."""
        if self.wrong:
            raise RuntimeError("a bug of the question")
        return int(stage.line.cursor)


def answers(rig: Rig) -> dict[int, Any]:
    """Ticket -> value of all answers so far."""
    return {message.ticket: message.value for message in rig.messages if isinstance(message, Answer)}


def test_a_question_is_answered_at_the_present_position(rig: Rig) -> None:
    rig.engine.new(session_of_numbers(1, 2, 3, position=2))
    rig.settle()
    ticket = rig.engine.ask(Position())
    rig.settle()
    assert answers(rig)[ticket] == 2


def test_without_a_session_there_is_nothing_to_say(rig: Rig) -> None:
    ticket = rig.engine.ask(Position())
    rig.settle()
    assert answers(rig) == {ticket: None}


def test_of_the_same_key_only_the_newest_is_answered() -> None:
    outbox = Outbox()
    questions = Questions(outbox)
    for ticket, key in ((1, "a"), (2, "b"), (3, "a")):
        questions.ask(Position(key=key), ticket)
    assert questions
    questions.answer(None)
    assert not questions
    assert [message.ticket for message in outbox.take() if isinstance(message, Answer)] == [1, 2, 3]


def test_a_question_that_fails_is_told_and_the_session_is_untouched(rig: Rig) -> None:
    rig.engine.new(session_of_numbers(1, 2, position=2))
    rig.settle()
    rig.engine.ask(Position(wrong=True))
    deadline = time.monotonic() + 10
    while not any(isinstance(message, Notice) for message in rig.messages):
        assert time.monotonic() < deadline
        rig.settle()
    notice = next(message for message in rig.messages if isinstance(message, Notice))
    assert notice.level == "internal" and "question" in notice.text
    ticket = rig.engine.ask(Position())
    rig.settle()
    assert answers(rig)[ticket] == 2
    frames = [message for message in rig.messages if isinstance(message, Frame)]
    assert frames[-1].position == 2
