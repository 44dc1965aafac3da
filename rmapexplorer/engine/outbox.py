"""The queue between the engine and whoever listens: nothing queued is lost, only the newest frame is kept."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from rmapexplorer.engine.frames import Frame, Message, Progress


class Outbox:
    """Messages waiting to be taken. ``post`` runs on the engine thread, ``take`` anywhere.

    ``on_message`` is called from the engine thread, outside every lock, once when messages become
    available after a ``take``.
    """

    def __init__(self) -> None:
        self.on_message: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self._queue: deque[Message] = deque()
        self._frame: Frame | None = None
        self._before_frame = 0
        self._told = False

    def post(self, *messages: Message) -> None:
        """Queue messages; a Frame replaces the one that waits, a Progress the last of the same job."""
        with self._lock:
            for message in messages:
                self._put(message)
            tell, self._told = not self._told and bool(messages), self._told or bool(messages)
        if tell and self.on_message is not None:
            self.on_message()

    def _put(self, message: Message) -> None:
        if isinstance(message, Frame):
            self._frame, self._before_frame = message, len(self._queue)
            return
        if (
            isinstance(message, Progress)
            and self._queue
            and (self._frame is None or self._before_frame < len(self._queue))
        ):
            last = self._queue[-1]
            if isinstance(last, Progress) and last.job == message.job:
                self._queue.pop()
        self._queue.append(message)

    def drop_frame(self) -> None:
        """Forget the frame that waits: its session is gone."""
        with self._lock:
            self._frame = None

    @property
    def frame_waits(self) -> bool:
        """True while the last frame was not taken."""
        return self._frame is not None

    def take(self) -> list[Message]:
        """All queued messages and the newest frame, in the order in which they were posted."""
        with self._lock:
            messages = list(self._queue)
            self._queue.clear()
            if self._frame is not None:  # what came after it tells of things that it does not show yet
                messages.insert(self._before_frame, self._frame)
            self._frame, self._told = None, False
        return messages
