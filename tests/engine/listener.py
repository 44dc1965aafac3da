"""What a view of the engine would know: the messages folded into one picture, as the GUI folds them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rmapexplorer.engine.frames import Frame, HistoryEntry, MetricRows, PathChanged, SessionOpened


class Listener:
    """History and curves of the current path as told so far."""

    def __init__(self) -> None:
        self.history: list[HistoryEntry] = []
        self.rows: np.ndarray | None = None
        self.designs: tuple[str, ...] = ()
        self.frame: Frame | None = None
        self.generation = 0

    def hear(self, messages: Iterable[Any]) -> Listener:
        """Fold messages in, in order."""
        for message in messages:
            if isinstance(message, SessionOpened):
                self.__init__()  # type: ignore[misc]
                self.generation = message.generation
            elif isinstance(message, PathChanged):
                assert message.generation == self.generation
                assert message.keep <= len(self.history), "a gap in the history"
                self.history[message.keep :] = message.entries
            elif isinstance(message, MetricRows):
                self._metrics(message)
            elif isinstance(message, Frame):
                assert message.generation == self.generation
                assert message.head == len(self.history)
                self.frame = message
        return self

    def _metrics(self, message: MetricRows) -> None:
        assert message.generation == self.generation
        if self.rows is None or message.designs != self.designs:
            assert message.start == 0
            self.designs, self.rows = message.designs, message.values[:0]
        stop = message.start + len(message.values)
        assert message.start <= len(self.rows), "a gap in the curves"
        rest = self.rows[stop:] if not message.truncate else self.rows[:0]
        self.rows = np.concatenate([self.rows[: message.start], message.values, rest])
