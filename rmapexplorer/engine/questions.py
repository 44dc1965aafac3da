"""Questions: what a view wants to know of the worlds now and then, too much for every frame.

A question is answered on the engine thread between two slices of work; answering changes nothing in the session.
"""

from __future__ import annotations

from typing import Any, Protocol

from attrs import define, field

from rmapexplorer.engine.frames import Answer
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.stage import Stage


class Question(Protocol):
    """Anything that can be answered from the stage. Shorter than 50 ms, else it must be a job."""

    @property
    def key(self) -> str:
        """Of several that wait with the same key only the newest is answered."""
        ...

    def answer(self, stage: Stage) -> Any:
        """Read-only arrays and plain values; None where the stage has nothing to say."""
        ...


@define(eq=False)
class Questions:
    """Those that wait, and the way their answers go."""

    outbox: Outbox
    _waiting: dict[str, tuple[int, Question]] = field(factory=dict)

    def __bool__(self) -> bool:
        """Whether any waits."""
        return bool(self._waiting)

    def __contains__(self, ticket: int) -> bool:
        """Whether the question of that ticket waits."""
        return any(ticket == one for one, _ in self._waiting.values())

    def ask(self, question: Question, ticket: int) -> None:
        """Remember a question; one with the same key that waits is answered with None."""
        dropped = self._waiting.pop(question.key, None)
        if dropped is not None:
            self.outbox.post(Answer(ticket=dropped[0], value=None))
        self._waiting[question.key] = (ticket, question)

    def answer(self, stage: Stage | None) -> None:
        """Answer all that wait; while the worlds are apart (a job is under way) they wait on."""
        if stage is not None and not stage.aligned:
            return
        while self._waiting:
            ticket, question = self._waiting.pop(next(iter(self._waiting)))
            value: Any = None
            try:
                value = question.answer(stage) if stage is not None else None
            finally:  # whoever asked is told, also where this raises: it is then reported by who called
                self.outbox.post(Answer(ticket=ticket, value=value))

    def give_up(self) -> None:
        """Answer all that wait with None: the stage cannot be asked."""
        waiting, self._waiting = self._waiting, {}
        for ticket, _ in waiting.values():
            self.outbox.post(Answer(ticket=ticket, value=None))
