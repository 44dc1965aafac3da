"""Playing the log: a timer that asks for one position after the other and never runs ahead of what is shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

SLOWEST, FASTEST = 0.25, 64.0
"""Operations a second."""

PATIENCE = 20
"""Ticks to wait for the position asked for, before asking again: somebody else may have gone elsewhere."""


class Player(QObject):
    """``wanted`` asks for a position; ``playing_changed`` tells buttons."""

    wanted = Signal(int)
    playing_changed = Signal(bool)
    speed_changed = Signal(float)
    stopped = Signal()
    """It paused at ``stop_at``."""

    def __init__(self, speed: float, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.speed = speed
        self._position = self._head = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._asked = -1
        self._waited = 0
        self._held = False
        self._pace: Callable[[], float] | None = None
        self.stop_at = -1
        """Position where playing pauses, a breakpoint; -1: none."""

    @property
    def playing(self) -> bool:
        """True while it runs."""
        return self._timer.isActive()

    @property
    def telling(self) -> bool:
        """True while it runs at the pace of a story."""
        return self.playing and self._pace is not None

    def shown(self, position: int, head: int) -> None:
        """A frame was shown: positions ``0 .. head`` exist. At the end it stops by itself."""
        self._position, self._head = position, head
        if position == self._asked:
            self._asked = -1
            if self.telling:
                self._timer.start(self._interval())
        if self.playing and position == self.stop_at:
            self.pause()
            self.stopped.emit()
        elif self.playing and position >= head and self._asked < 0:
            self.pause()

    def toggle(self) -> None:
        """Play or pause; at the end it starts over."""
        if self.playing:
            self.pause()
        elif self._head:
            if self._position >= self._head:
                self._ask(0)
            self._timer.start(self._interval())
            self.playing_changed.emit(True)

    def tell(self, pace: Callable[[], float]) -> None:
        """From the beginning, each position shown for ``pace()`` seconds, asked when it is there."""
        self.pause()
        if not self._head:
            return
        self._pace = pace
        if self._position:
            self._ask(0)
        self._timer.start(self._interval())
        self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stop where it is."""
        if self.playing:
            self._timer.stop()
            self._asked = -1
            self._held, self.stop_at, self._pace = False, -1, None
            self.playing_changed.emit(False)

    def set_speed(self, per_second: float) -> None:
        """Operations a second, kept between SLOWEST and FASTEST."""
        self.speed = min(FASTEST, max(SLOWEST, per_second))
        self._pace = None
        if self.playing:
            self._timer.start(self._interval())
        self.speed_changed.emit(self.speed)

    def hold(self, held: bool) -> None:
        """Ask for nothing while it is not known yet where to stop."""
        self._held = held

    def _interval(self) -> int:
        return max(15, round(1000 * self._pace() if self._pace is not None else 1000 / self.speed))

    def _ask(self, position: int) -> None:
        self._asked, self._waited = position, 0
        self.wanted.emit(position)

    def _tick(self) -> None:
        if self._held:
            return
        self._waited += 1
        if self._waited > PATIENCE:
            self._asked = -1
        if self._asked < 0 and self._position < self._head:
            self._ask(self._position + 1)
