"""The engine: one plain thread that owns every world. Commands go in, messages come out, nothing else crosses.

Every public method may be called from any thread and returns at once. Work is done in slices, so that other
threads run and a newer command is heard between two operations.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from rmapexplorer.core.operations import Operation
from rmapexplorer.engine.conductor import Conductor
from rmapexplorer.engine.files import Files
from rmapexplorer.engine.frames import Message
from rmapexplorer.engine.jobs import Job
from rmapexplorer.engine.journal import Keeper
from rmapexplorer.engine.lens import KindMaker, Lens
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.questions import Question
from rmapexplorer.engine.real import REAL_FILES, REAL_LENS, real_kinds

SLICE = 0.008
"""Seconds of work before the engine lets other threads run."""
YIELD = 0.001
"""Seconds it then sleeps."""
CHECKPOINT_BYTES = 512 << 20
"""Memory that checkpoints of all designs together may take."""

Command = Callable[[Conductor], None]


class Engine:
    """Runs sessions. Make one, ``start`` it, give commands, ``take`` messages, ``stop`` it."""

    def __init__(
        self,
        *,
        kinds: KindMaker = real_kinds,
        lens: Lens = REAL_LENS,
        files: Files = REAL_FILES,
        clock: Callable[[], float] = time.perf_counter,
        checkpoint_bytes: int = CHECKPOINT_BYTES,
    ) -> None:
        self._outbox = Outbox()
        self._conductor = Conductor(self._outbox, kinds, lens, files, clock, checkpoint_bytes)
        self._commands: deque[tuple[Command, int, bool]] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._resting = False
        self._numbers = itertools.count(1)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    # -- life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop after the operation under way; True where the thread has ended within ``timeout`` seconds."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def on_message(self) -> Callable[[], None] | None:
        """Called from the engine thread, once, when messages became available after a ``take``."""
        return self._outbox.on_message

    @on_message.setter
    def on_message(self, listener: Callable[[], None] | None) -> None:
        self._outbox.on_message = listener

    def take(self) -> list[Message]:
        """All messages queued since the last call, of the frames only the newest."""
        return self._outbox.take()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until every command given so far is done; False after ``timeout`` seconds. For scripts and tests."""
        with self._wake:
            return self._wake.wait_for(lambda: self._resting or not self._thread.is_alive(), timeout)

    # -- sessions ---------------------------------------------------------------------------------

    def new(self, session: Any, revision: int = 0) -> int:
        """Replace the session by this one (a formats.session.Session); answered with the SessionOpened."""
        number = next(self._numbers)
        self._give(lambda conductor: conductor.new(session, number, revision), number, after_saves=True)
        return number

    def open(self, path: str, revision: int = 0) -> int:
        """Load a session or a recording; on any trouble the present session is untouched. Returns the job's number.

        Answered with the SessionOpened. ``revision`` goes into it.
        """
        number = next(self._numbers)
        self._give(
            lambda conductor: conductor.open(path, number, lambda: self._stopping, revision), number, after_saves=True
        )
        return number

    def save(self, path: str, revision: int = 0, over: bool = False) -> int:
        """Write the session with all that was given before, all branches included; answered with the Saved.

        ``revision`` goes into it: what the caller counts as changed up to now. Where somebody else wrote the file since
        it was opened or saved here nothing is written and the answer is Changed, unless ``over``.
        """
        number = next(self._numbers)
        self._give(lambda conductor: conductor.save(path, number, revision, over), number)
        return number

    # -- operations and time ----------------------------------------------------------------------

    def submit(self, ops: Sequence[Operation], title: str = "") -> int:
        """Do operations at the current position; returns the job's number."""
        number = next(self._numbers)
        operations = tuple(ops)
        self._give(lambda conductor: conductor.submit(operations, title, number))
        return number

    def cancel(self, job: int) -> None:
        """Stop a job between two operations."""
        self._conductor.cancelled.add(job)
        self._give(lambda conductor: None)

    def seek(self, position: int) -> None:
        """Go to the state after ``position`` operations of the current branch."""
        self._seek(position, False)

    def undo(self) -> None:
        """One position back."""
        self._seek(-1, True)

    def redo(self) -> None:
        """One position on."""
        self._seek(1, True)

    def _seek(self, target: int, relative: bool) -> None:
        number = next(self._numbers)
        self._give(lambda conductor: conductor.seek(target, relative, number))

    def branch(self, name: str) -> None:
        """Make that branch the current one and go to its end."""
        number = next(self._numbers)
        self._give(lambda conductor: conductor.branch(name, number))

    def job(self, make: Callable[[int], Job]) -> int:
        """Queue the job that ``make`` makes of its number; the number, to cancel it by. Answered with its ``result``."""
        number = next(self._numbers)
        self._give(lambda conductor: conductor.job(make(number)), number)
        return number

    # -- looking ----------------------------------------------------------------------------------

    def select(self, pid: int, vpn: int = -1) -> None:
        """What Frame.detail is about; pid 0: nothing."""
        self._give(lambda conductor: conductor.select(pid, vpn))

    def view(self, design: str) -> None:
        """Show that design (a key) in the frames."""
        self._give(lambda conductor: conductor.view(design))

    def set_designs(self, designs: Sequence[tuple[str, dict[str, str]]]) -> None:
        """Run these designs (key, options); the log is replayed in those that are new."""
        number = next(self._numbers)
        wanted = [(key, dict(options)) for key, options in designs]
        self._give(lambda conductor: conductor.set_designs(wanted, number))

    def set_calls(self, era: str) -> None:
        """Replay the log in all designs under the calls of that era (a key of core.rules.ERAS)."""
        number = next(self._numbers)
        self._give(lambda conductor: conductor.set_calls(era, number))

    def set_machine(self, changes: Mapping[str, Any]) -> None:
        """Replay the log in all designs on a machine with these fields changed (core.units.Machine)."""
        number = next(self._numbers)
        self._give(lambda conductor: conductor.set_machine(dict(changes), number))

    def ask(self, question: Question) -> int:
        """Answer a question about the worlds; the ticket that the Answer message will carry."""
        ticket = next(self._numbers)
        self._give(lambda conductor: conductor.questions.ask(question, ticket), ticket)
        return ticket

    def keep(self, keeper: Keeper) -> None:
        """From now on ``keeper`` is shown the session after every turn, on the engine thread; at once, too."""

        def keep(conductor: Conductor) -> None:
            conductor.keeper = keeper

        self._give(keep)

    # -- the thread -------------------------------------------------------------------------------

    def _give(self, command: Command, ticket: int = 0, after_saves: bool = False) -> None:
        # ``ticket``: the request that somebody waits for an answer to; ``after_saves``: it would take their turn away
        with self._wake:
            self._commands.append((command, ticket, after_saves))
            self._resting = False
            self._wake.notify_all()

    def _next(self) -> list[tuple[Command, int, bool]] | None:
        # the commands given since; waits while there is nothing at all to do; None: stop
        with self._wake:
            while not self._stopping and not self._commands and self._conductor.idle:
                self._resting = True
                self._wake.notify_all()
                self._wake.wait()
            if self._stopping:
                return None
            self._resting = False
            commands = list(self._commands)
            self._commands.clear()
            return commands

    def _run(self) -> None:
        conductor = self._conductor
        while (commands := self._next()) is not None:
            pending, ticket = deque(commands), 0
            try:
                while pending and not (pending[0][2] and conductor.saving):
                    command, ticket, _ = pending.popleft()
                    command(conductor)
                ticket = 0
                conductor.turn(SLICE)
            except Exception:  # the one place: our mistake must not end the thread, nor the session
                self._fault(ticket)
            if pending:
                with self._wake:
                    self._commands.extendleft(reversed(pending))
            if not conductor.idle:
                time.sleep(YIELD)
        with suppress(Exception):
            conductor.stopped()

    def _fault(self, ticket: int) -> None:
        # called while an exception is handled; nothing that goes wrong here may end the thread either
        try:
            self._conductor.broken()
            if ticket:
                self._conductor.failed(ticket)
        except Exception:
            with suppress(Exception):
                self._conductor.lost()
