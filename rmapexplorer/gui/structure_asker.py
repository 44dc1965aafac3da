"""Asks the engine for the pictures: one question of a kind at a time, again where the answer was not ready or is stale."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtCore import QObject, Signal

from rmapexplorer.engine.incidence import Pending

Make = Callable[[], Any]
Take = Callable[[Any], None]


class Asker(QObject):
    """``asked`` carries a question and who wants the answer; somebody who knows the engine listens."""

    asked = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kinds: dict[str, tuple[Make, Take]] = {}
        self._out: set[str] = set()
        self._again: set[str] = set()

    def add(self, kind: str, make: Make, take: Take) -> None:
        """A kind of question: ``make`` gives the question as it is now (None: nothing to ask), ``take`` gets the answer."""
        self._kinds[kind] = (make, take)

    def ask(self, kind: str) -> None:
        """Ask now, or as soon as the one under way was answered."""
        if kind in self._out:
            self._again.add(kind)
            return
        question = self._kinds[kind][0]()
        if question is not None:
            self._send(kind, question)

    def _send(self, kind: str, question: Any) -> None:
        self._out.add(kind)
        me = weakref.ref(self)

        def reply(value: Any) -> None:
            asker = me()
            if asker is not None and shiboken6.isValid(asker):
                asker.answered(kind, question, value)

        self.asked.emit(question, reply)

    def answered(self, kind: str, question: Any, value: Any) -> None:
        """The engine answered; None: there is nothing to say."""
        self._out.discard(kind)
        if isinstance(value, Pending):
            again = self._kinds[kind][0]() if kind in self._again else question
            self._again.discard(kind)
            if again is not None:
                self._send(kind, again)
            return
        if value is not None:
            self._kinds[kind][1](value)
        if kind in self._again:
            self._again.discard(kind)
            self.ask(kind)

    def forget(self) -> None:
        """Another session: what is under way is not waited for."""
        self._out.clear()
        self._again.clear()
