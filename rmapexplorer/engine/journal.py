"""Keeps what is not saved in a journal: the engine shows it the session, a thread of its own writes what is new.

The engine's thread only notes where the session stands; operations are read from the log, which only grows, when they
are written. The first change is on disk within WAIT and the time that writing takes.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from attrs import define, field, frozen

from rmapexplorer.engine.files import head_of
from rmapexplorer.engine.stage import Stage
from rmapexplorer.engine.timeline import Timeline
from rmapexplorer.formats import journal
from rmapexplorer.formats.journal import PIECE, Base, Head
from rmapexplorer.formats.stamp import stamp_of

WAIT = 0.4
"""Seconds in which changes are gathered before they are written."""
WHOLE = 5_000
"""Sessions with up to so many operations are written whole; of longer ones the journal names the file they came from."""
BREATH = 0.002
"""Seconds between two pieces, so that writing does not take the interpreter from the window."""


class Keeper(Protocol):
    """Who is shown the session after every turn of the engine, on its thread."""

    def look(self, stage: Stage, generation: int) -> None:
        """``stage`` may be kept for its log, which only grows; everything else is to be noted now."""
        ...


@frozen(kw_only=True, eq=False)
class Mark:
    """Where a session stood."""

    generation: int
    line: Timeline
    operations: int
    head: Head
    session: Any
    base: Base | None


class Place(Protocol):
    """Where the journal of a window lies, and nobody else's."""

    @property
    def path(self) -> Path:
        """The journal's file."""
        ...

    def hold(self) -> None:
        """Make the folder and take the place. :raises OSError:"""
        ...

    def drop(self) -> None:
        """Remove the journal and what belongs to it."""
        ...


@define(eq=False)
class _Open:
    # the journal being written
    generation: int
    file: int
    base: Base | None
    operations: int = 0
    size: int = 0
    head: dict[str, Any] = field(factory=dict)
    copied: bool = True


class Journal:
    """Of one window. Written only between ``arm`` and ``clear``; every method may be called from any thread."""

    def __init__(self, place: Place, told: Callable[[], None] = lambda: None) -> None:
        self._place, self._told = place, told
        self.trouble = ""
        """Why the last writing failed, in one sentence."""
        self._turn = threading.Condition()
        self._armed = -1
        self._own = ""
        self._seen: tuple[int, int, Head] | None = None
        self._mark: Mark | None = None
        self._open: _Open | None = None
        self._hurry = self._clear = self._closed = self._busy = False
        self._thread: threading.Thread | None = None

    @property
    def written(self) -> bool:
        """Whether there is a journal with all that was shown so far."""
        return self._open is not None and self._open.operations > 0 and self._mark is None and not self._busy

    @property
    def base(self) -> str:
        """The file that the journal goes on from; "" where it is whole, or there is none."""
        now = self._open
        return now.base.path if now is not None and now.base is not None else ""

    def arm(self, generation: int, own: str) -> None:
        """The session of that number has changes: keep them. ``own``: the user's file, "" where there is none."""
        with self._turn:
            if self._closed or self._armed == generation:
                return
            self._armed, self._own, self._seen = generation, own, None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
                self._thread.start()

    def look(self, stage: Stage, generation: int) -> None:
        """The session as it is after a turn of the engine."""
        if generation != self._armed:
            return
        seen = (generation, len(stage.line.operations), head_of(stage))
        if seen == self._seen:
            return
        with self._turn:
            if generation == self._armed:
                self._seen = seen
                self._mark = Mark(
                    generation=generation, line=stage.line, operations=seen[1], head=seen[2],
                    session=stage.session, base=stage.base,
                )  # fmt: skip
                self._turn.notify_all()

    def clear(self) -> None:
        """All is saved, or not wanted: the journal goes away."""
        with self._turn:
            self._armed, self._mark, self._clear = -1, None, True
            self._turn.notify_all()

    def flush(self, seconds: float) -> bool:
        """Write what was shown so far now; False where it takes longer than so many seconds."""
        with self._turn:
            self._hurry = True
            self._turn.notify_all()
            done = self._turn.wait_for(lambda: self._mark is None and not self._busy, seconds)
            self._hurry = False
        return done

    def close(self, seconds: float, keep: bool) -> bool:
        """Write no more. ``keep``: what is not saved stays for the next start; else nothing does. False: it takes longer."""
        self.flush(seconds) if keep else self.clear()
        with self._turn:
            self._closed = True
            self._turn.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    # -- the thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._turn:
                self._busy = False
                self._turn.notify_all()
                self._turn.wait_for(lambda: self._mark or self._clear or self._closed)
                if self._mark is not None and not self._clear:
                    self._turn.wait_for(lambda: self._hurry or self._clear or self._closed, WAIT)
                clear, self._clear = self._clear, False
                mark, self._mark = self._mark, None
                self._busy = True
            if clear:
                self._remove()
            if mark is not None:
                self._write_or_say(mark)
                with self._turn:
                    self._busy = False
                    self._turn.notify_all()
                self._told()
            if self._closed and self._mark is None and not self._clear:
                self._finish()
                return

    def _finish(self) -> None:
        if self._open is not None:
            os.close(self._open.file)
        with self._turn:
            self._busy = False
            self._turn.notify_all()

    def _remove(self) -> None:
        if self._open is not None:
            os.close(self._open.file)
            self._open = None
        self._place.drop()

    def _write_or_say(self, mark: Mark) -> None:
        try:
            self._write(mark)
            self.trouble = ""
        except Exception as error:  # whatever it is, the window goes on and its user knows
            words = (error.strerror or str(error)) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            folder = self._place.path.parent
            self.trouble = f"No copy of the unsaved session can be kept in {folder} ({words}); save it yourself."
            self._cut_back()

    def _cut_back(self) -> None:
        # half a line would hide all that comes after it; and what could not be written is tried again with the next change
        with self._turn:
            self._seen = None
        if self._open is None:
            return
        try:
            os.ftruncate(self._open.file, self._open.size)
            usable = self._open.size > 0
        except OSError:
            usable = False
        if not usable:
            os.close(self._open.file)
            self._open = None

    def _write(self, mark: Mark) -> None:
        if self._open is not None and self._open.generation != mark.generation:
            self._remove()
        now = self._open or self._begin(mark)
        line, at = mark.line, now.operations
        while at < mark.operations:
            stop = min(at + PIECE, mark.operations)
            pairs = zip(line.operations[at:stop], line.parents[at:stop], strict=True)
            self._append(now, journal.operation_lines(pairs, at))
            now.operations = at = stop
            if not self._hurry and at < mark.operations:
                time.sleep(BREATH)
            if self._clear:
                return
        values = mark.head.json()
        changed = {key: value for key, value in values.items() if now.head.get(key, self) != value}
        if changed:
            self._append(now, journal.head_line(changed))
            now.head = values
        os.fsync(now.file)
        if not now.copied:
            self._copy(now)

    def _begin(self, mark: Mark) -> _Open:
        self._place.hold()
        base = mark.base if mark.base is not None and mark.base.operations > WHOLE else None
        if base is not None and stamp_of(base.path) != base.stamp:
            base = None  # it is another file now
        path = self._place.path
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        now = _Open(mark.generation, file, base, operations=base.operations if base is not None else 0)
        now.copied = base is None or Path(base.path).parent == path.parent  # what lies there is ours
        self._open = now
        fixed = journal.fixed_values(mark.session) if base is None else {}
        self._append(
            now, journal.first_line(mark.head.title, self._own, base) + (journal.head_line(fixed) if fixed else b"")
        )
        return now

    def _append(self, now: _Open, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(now.file, left) :]
        now.size += len(data)

    def _copy(self, now: _Open) -> None:
        # the user may move or replace the file that the journal goes on from
        assert now.base is not None
        name = f"{self._place.path.stem}.base-{Path(now.base.path).name[-60:]}"
        now.copied = True
        try:
            shutil.copyfile(now.base.path, self._place.path.with_name(name))
            if stamp_of(now.base.path) == now.base.stamp:
                self._append(now, journal.copy_line(name))
                os.fsync(now.file)
        except OSError:
            self._cut_back()  # without the copy it is good for as long as the file stays as it is
