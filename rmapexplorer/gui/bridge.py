"""The one file that knows both Qt and the engine: commands go in as calls, messages come out as typed signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from rmapexplorer.engine.saving import Changed
from rmapexplorer.gui.fence import Fence

if TYPE_CHECKING:
    from rmapexplorer.engine.frames import Message
    from rmapexplorer.engine.jobs import Job
    from rmapexplorer.engine.journal import Keeper
    from rmapexplorer.engine.questions import Question
    from rmapexplorer.formats.session import Session

DRAIN_MS = 16
"""Messages are taken at most once in this many milliseconds."""


class EngineLike(Protocol):
    """What the bridge needs of rmapexplorer.engine.engine.Engine."""

    on_message: Callable[[], None] | None

    def start(self) -> None: ...
    def stop(self, timeout: float = 5.0) -> bool: ...
    def take(self) -> list[Message]: ...
    def new(self, session: Any, revision: int = 0) -> int: ...
    def open(self, path: str, revision: int = 0) -> int: ...
    def save(self, path: str, revision: int = 0, over: bool = False) -> int: ...
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
    def set_machine(self, changes: Mapping[str, Any]) -> None: ...
    def ask(self, question: Question) -> int: ...
    def job(self, make: Callable[[int], Job]) -> int: ...
    def keep(self, keeper: Keeper) -> None: ...


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
    _woken = Signal()

    def __init__(self, engine: EngineLike, designs: tuple[Any, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self.designs = designs
        """The Design classes there are, oldest first: key, title, era, story, OPTIONS."""
        self.revision = 0
        """Changes to the session asked for so far; a request to save or open carries it, and its answer brings it back."""
        self._generation = -1
        self._running = False
        self._replies: dict[int, Callable[[Answer], None]] = {}
        self._since = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.drain)
        self._woken.connect(self._schedule, Qt.ConnectionType.QueuedConnection)
        self._signals = {
            Frame: self.frame, PathChanged: self.path, MetricRows: self.metrics, Progress: self.progress,
            Notice: self.notice, SessionOpened: self.opened, Saved: self.saved,
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
    @property
    def resting(self) -> bool:
        """Whether the engine has done all it was told to, the probes of the curves too."""
        return self._engine.wait_idle(0)

    def drain(self) -> None:
        """Take what the engine has for us and tell it to the views: all of it, whatever a view makes of a part."""
        self._since.restart()
        with Fence() as fence:
            for message in self._engine.take():
                fence.call(self._deliver, message)

    def _deliver(self, message: Message) -> None:
        if isinstance(message, SessionOpened):
            self._generation = message.generation
        if isinstance(message, Answer):
            if (reply := self._replies.pop(message.ticket, None)) is not None:
                reply(message)
        elif getattr(message, "generation", self._generation) >= self._generation:
            self._signals[type(message)].emit(message)

    def _await(self, ticket: int, reply: Callable[[Any], None] | None) -> int:
        if reply is not None:
            self._replies[ticket] = lambda answer: reply(answer.value)
        return ticket

    def new_blank(self) -> None:
        """A session of one process and nothing mapped, under the usual designs."""
        from rmapexplorer.core.rules import ERAS
        from rmapexplorer.designs.registry import USUAL
        from rmapexplorer.formats.session import Session

        self._engine.new(
            Session(
                title="untitled",
                machine=Machine(max_map_count=ERAS[0].max_map_count),
                designs=tuple((design.key, {}) for design in USUAL),
                operations=(Spawn(pid=1, comm="init"),),
                position=1,
                selection=(1, -1),
                view=USUAL[-1].key,
            ),
            self.revision,
        )

    def new(self, session: Session) -> None:
        """A session that was made here."""
        self._engine.new(session, self.revision)

    def make_workload(self, key: str, values: dict[str, int], reply: Callable[[Any], None]) -> int:
        """Make the session of a workload; ``reply`` gets it, a sentence where it would be too long, None where cancelled."""
        from rmapexplorer.engine.make_workload import MakeWorkload
        from rmapexplorer.workloads.gallery import workload_named

        workload = workload_named(key)
        return self.job(lambda number: MakeWorkload(number, workload, values), reply)

    def open(self, path: str, reply: Callable[[SessionOpened | None], None] | None = None) -> None:
        """Load a session or a recording; ``reply`` gets what was opened, None where nothing was."""
        self._await(self._engine.open(path, self.revision), reply)

    def open_first(self, path: str, instead: str) -> None:
        """Load what the program was started with; where that fails or is cancelled load ``instead``, so that there is a session."""

        def again(trouble: Notice | None) -> None:
            if trouble is not None:
                self.notice.emit(trouble)  # the window took it for the old session's

        def answered(answer: Answer) -> None:
            if answer.value is None:
                self.open(instead, lambda opened: again(answer.trouble))

        self._replies[self._engine.open(path, self.revision)] = answered

    def save(
        self, path: str, reply: Callable[[Saved | Changed | None], None] | None = None, over: bool = False
    ) -> None:
        """Write the session with all that was asked for before; ``reply`` gets what was saved, None where nothing was.

        Changed: nothing was, since somebody else wrote that file; ``over`` says that this is no matter.
        """
        self._await(self._engine.save(path, self.revision, over), reply)

    def _change(self) -> None:
        self.revision += 1
        self.edited.emit()

    def submit(self, ops: Sequence[Operation], title: str = "") -> int:
        """Run operations at the position shown; the id of the job."""
        self._change()
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
        """Ask the engine; ``reply`` gets the answer on this thread, always and once.

        None: it failed, there is nothing to say, or a newer question of the same key came.
        """
        self._await(self._engine.ask(question), reply)

    def job(self, make: Callable[[int], Job], reply: Callable[[Any], None] | None = None) -> int:
        """Queue a job of engine.jobs, made of its number.

        ``reply`` gets its ``result`` on this thread, always and once; None where it failed or was cancelled.
        """
        return self._await(self._engine.job(make), reply)

    def change(self, make: Callable[[int], Job], reply: Callable[[Any], None] | None = None) -> int:
        """As ``job``, for one after which the session differs from what was saved."""
        self._change()
        return self.job(make, reply)

    @property
    def generation(self) -> int:
        """The number of the session that is open, as far as it was told."""
        return self._generation

    def keep(self, keeper: Keeper) -> None:
        """Let the engine show the session to ``keeper`` after every turn, and at once."""
        self._engine.keep(keeper)

    def view(self, design: str) -> None:
        """Show another design."""
        self._engine.view(design)

    def set_designs(self, designs: Sequence[tuple[str, dict[str, str]]]) -> None:
        """Run these designs; the log is replayed."""
        self._change()
        self._engine.set_designs(list(designs))

    def set_calls(self, era: str) -> None:
        """Replay the log under the calls of that era."""
        self._change()
        self._engine.set_calls(era)

    def set_machine(self, changes: Mapping[str, Any]) -> None:
        """Replay the log on a machine with these fields changed."""
        self._change()
        self._engine.set_machine(changes)
