"""The one file that knows both Qt and the engine: commands go in as calls, messages come out as typed signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal, Slot

from rmapexplorer.core.operations import Operation, Spawn
from rmapexplorer.core.units import Machine
from rmapexplorer.engine.frames import (
    Answer,
    Frame,
    MetricRows,
    Notice,
    PathChanged,
    Progress,
    Saved,
    SessionOpened,
)

if TYPE_CHECKING:
    from rmapexplorer.engine.frames import Message
    from rmapexplorer.engine.jobs import Job
    from rmapexplorer.engine.questions import Question
    from rmapexplorer.formats.session import Session

BATCH = 1000
"""More operations than these at once are a batch: what was there before it is kept first."""

DRAIN_MS = 16
"""Messages are taken at most once in this many milliseconds."""


class EngineLike(Protocol):
    """What the bridge needs of rmapexplorer.engine.engine.Engine."""

    on_message: Callable[[], None] | None

    def start(self) -> None: ...
    def stop(self, timeout: float = 5.0) -> bool: ...
    def take(self) -> list[Message]: ...
    def new(self, session: Any) -> None: ...
    def open(self, path: str) -> None: ...
    def save(self, path: str) -> None: ...
    def submit(self, ops: Sequence[Operation], title: str = "") -> int: ...
    def cancel(self, job: int) -> None: ...
    def seek(self, position: int) -> None: ...
    def undo(self) -> None: ...
    def redo(self) -> None: ...
    def branch(self, name: str) -> None: ...
    def select(self, pid: int, vpn: int = -1) -> None: ...
    def view(self, design: str) -> None: ...
    def set_designs(self, designs: Sequence[tuple[str, dict[str, str]]]) -> None: ...
    def set_calls(self, era: str) -> None: ...
    def ask(self, question: Question) -> int: ...
    def job(self, make: Callable[[int], Job]) -> int: ...


class Bridge(QObject):
    """Owns the engine. Signals carry the records of engine.frames; of one batch the frame comes last."""

    frame = Signal(object)
    path = Signal(object)
    metrics = Signal(object)
    progress = Signal(object)
    notice = Signal(object)
    opened = Signal(object)
    saved = Signal(object)
    edited = Signal()
    """The session is about to differ from what was saved."""
    batch_coming = Signal()
    """A batch is about to be submitted: a job queued now is done before it."""
    answered = Signal(object)
    """An Answer; whoever asked through ``ask`` was told before."""
    _woken = Signal()

    def __init__(self, engine: EngineLike, designs: tuple[Any, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self.designs = designs
        """The Design classes there are, oldest first: key, title, era, story, OPTIONS."""
        self._generation = -1
        self._instead = ""
        self._trouble: Notice | None = None
        self._running = False
        self._replies: dict[int, Callable[[Any], None]] = {}
        self._since = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.drain)
        self._woken.connect(self._schedule, Qt.ConnectionType.QueuedConnection)
        self._signals = {
            Frame: self.frame, PathChanged: self.path, MetricRows: self.metrics, Progress: self.progress,
            Notice: self.notice, SessionOpened: self.opened, Saved: self.saved, Answer: self.answered,
        }  # fmt: skip

    def start(self) -> None:
        """Start the engine thread."""
        self._engine.on_message = self._woken.emit
        self._engine.start()
        self._running = True

    def stop(self) -> bool:
        """Stop the engine thread; False where it did not end in time. Calls after the first do nothing."""
        if not self._running:
            return True
        self._running = False
        self._engine.on_message = None
        self._timer.stop()
        return self._engine.stop()

    @Slot()
    def _schedule(self) -> None:
        if not self._running or self._timer.isActive():
            return
        waited = self._since.elapsed() if self._since.isValid() else DRAIN_MS
        self._timer.start(max(0, DRAIN_MS - waited))

    @Slot()
    def drain(self) -> None:
        """Take what the engine has for us and tell it to the views."""
        self._since.restart()
        for message in self._engine.take():
            if isinstance(message, SessionOpened):
                self._generation = message.generation
                self._instead = ""
            if isinstance(message, Answer) and (reply := self._replies.pop(message.ticket, None)) is not None:
                reply(message.value)
            if getattr(message, "generation", self._generation) >= self._generation:
                self._signals[type(message)].emit(message)
            if isinstance(message, SessionOpened) and self._trouble is not None:
                trouble, self._trouble = self._trouble, None
                self.notice.emit(trouble)  # again: the window took it for the old session's
            self._fall_back(message)

    def _fall_back(self, message: Message) -> None:
        failed = isinstance(message, Notice) and message.level == "error"
        if self._instead and (failed or (isinstance(message, Progress) and message.cancelled)):
            path, self._instead = self._instead, ""
            self._trouble = message if isinstance(message, Notice) else None
            self.open(path)

    def new_blank(self) -> None:
        """A session of one process and nothing mapped, under the usual designs."""
        from rmapexplorer.designs.registry import USUAL
        from rmapexplorer.formats.session import Session

        self._engine.new(
            Session(
                title="untitled",
                machine=Machine(),
                designs=tuple((design.key, {}) for design in USUAL),
                operations=(Spawn(pid=1, comm="init"),),
                position=1,
                selection=(1, -1),
                view=USUAL[-1].key,
            )
        )

    def new(self, session: Session) -> None:
        """A session that was made here."""
        self._engine.new(session)

    def make_workload(self, key: str, values: dict[str, int], reply: Callable[[Any], None]) -> int:
        """Make the session of a workload; ``reply`` gets it, a sentence where it would be too long, None where cancelled."""
        from rmapexplorer.engine.make_workload import MakeWorkload
        from rmapexplorer.workloads.gallery import workload_named

        workload = workload_named(key)
        return self.job(lambda number: MakeWorkload(number, workload, values), reply)

    def open(self, path: str) -> None:
        """Load a session or a recording."""
        self._engine.open(path)

    def open_first(self, path: str, instead: str) -> None:
        """Load what the program was started with; where that fails or is cancelled load ``instead``, so that there is a session."""
        self._instead = instead
        self.open(path)

    def save(self, path: str) -> None:
        """Write the session."""
        self._engine.save(path)

    def submit(self, ops: Sequence[Operation], title: str = "") -> int:
        """Run operations at the position shown; the id of the job."""
        if len(ops) > BATCH:
            self.batch_coming.emit()
        self.edited.emit()
        return self._engine.submit(list(ops), title)

    def cancel(self, job: int) -> None:
        """Stop a job between two operations."""
        self._engine.cancel(job)

    def seek(self, position: int) -> None:
        """Show the state after ``position`` operations."""
        self._engine.seek(position)

    def undo(self) -> None:
        """One operation back."""
        self._engine.undo()

    def redo(self) -> None:
        """One operation forward."""
        self._engine.redo()

    def branch(self, name: str) -> None:
        """Go to the branch ``name``."""
        self._engine.branch(name)

    def select(self, pid: int, vpn: int = -1) -> None:
        """What the details are to be about."""
        self._engine.select(pid, vpn)

    def ask(self, question: Question, reply: Callable[[Any], None]) -> None:
        """Ask the engine; ``reply`` gets the answer on this thread, None where a newer question of the same key came."""
        self._replies[self._engine.ask(question)] = reply

    def job(self, make: Callable[[int], Job], reply: Callable[[Any], None] | None = None) -> int:
        """Queue a job of engine.jobs, made of its number.

        ``reply`` gets the ``result`` of a job that has one on this thread, None where it was cancelled.
        """
        number = self._engine.job(make)
        if reply is not None:
            self._replies[number] = reply
        return number

    def view(self, design: str) -> None:
        """Show another design."""
        self._engine.view(design)

    def set_designs(self, designs: Sequence[tuple[str, dict[str, str]]]) -> None:
        """Run these designs; the log is replayed."""
        self.edited.emit()
        self._engine.set_designs(list(designs))

    def set_calls(self, era: str) -> None:
        """Replay the log under the calls of that era."""
        self.edited.emit()
        self._engine.set_calls(era)
