"""What the engine thread does with a command: sessions, jobs in a row, one slice of work at a time.

A conductor runs on one thread and never waits; the engine wraps it in a thread, tests drive it by hand.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.room import ROOM
from rmapexplorer.core.rules import changed
from rmapexplorer.core.units import KernelError, Machine
from rmapexplorer.designs.registry import all_in_era
from rmapexplorer.engine import probing
from rmapexplorer.engine.files import Files, opened, read_based, stage_of
from rmapexplorer.engine.frames import Answer, Notice, Progress
from rmapexplorer.engine.jobs import Job, Load, Perform, Rebuild, Seek
from rmapexplorer.engine.journal import Keeper
from rmapexplorer.engine.lanes import Lane, make_lane
from rmapexplorer.engine.lens import Designs, Kind, KindMaker, Lens, UnknownDesign
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.publisher import Publisher
from rmapexplorer.engine.questions import Questions
from rmapexplorer.engine.saving import Save
from rmapexplorer.engine.stage import Stage
from rmapexplorer.engine.steps import Steps, goes_on
from rmapexplorer.engine.telling import BROKEN, Teller, doing, fault, opening_trouble, refusal, refusals, trace
from rmapexplorer.formats.errors import Cancelled, FormatError

_END = 1 << 62


class Conductor:
    """The open session and the jobs waiting for it. Every method but ``cancel`` belongs to one thread."""

    def __init__(
        self,
        outbox: Outbox,
        kinds: KindMaker,
        lens: Lens,
        files: Files,
        clock: Callable[[], float],
        budget_bytes: int,
    ) -> None:
        self.outbox, self.lens, self.files, self.clock = outbox, lens, files, clock
        self.stage: Stage | None = None
        self.publisher: Publisher | None = None
        self.jobs: deque[Job] = deque()
        self.cancelled: set[int] = set()
        self._kinds, self._budget_bytes = kinds, budget_bytes
        self._generation = 0
        self._teller = Teller(outbox, clock)
        self._started: Job | None = None
        self._awaited: set[int] = set()  # requests that are not answered yet, by number
        self._repair: int | None = None
        self._mending: Iterator[None] | None = None
        self._resting = False
        self._probes: probing.Steps | None = None
        self._phase, self._retried = "work", False
        self.questions = Questions(outbox)
        self.keeper: Keeper | None = None
        """Is shown the session after every turn."""

    # -- state the thread asks for ---------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """True while there is a job, or a world to repair."""
        return bool(self.jobs) or self._repair is not None

    @property
    def saving(self) -> bool:
        """True while a save waits for its turn, or is under way."""
        return any(isinstance(job, Save) and job.number not in self.cancelled for job in self.jobs)

    @property
    def idle(self) -> bool:
        """True where nothing is left to do until the next command."""
        unsaid = self.questions or (self.publisher and self.publisher.dirty)
        return not self.busy and not self._resting and not unsaid

    # -- commands ---------------------------------------------------------------------------------

    def new(self, session: Any, number: int, revision: int = 0) -> None:
        """Replace the session; answered with the SessionOpened."""
        self._awaited.add(number)
        try:
            stage, position = stage_of(session, self._lanes)
        except (UnknownDesign, FormatError, ValueError) as error:
            trouble = Notice(level="error", text=str(error))
            self.outbox.post(trouble)
            self._answer(number, trouble=trouble)
            return
        self._enter(stage, position, number, revision)

    def open(self, path: str, number: int, stopping: Callable[[], bool], revision: int = 0) -> None:
        """Read a file, then replace the session; on any trouble nothing changes. Answered with the SessionOpened."""
        self._awaited.add(number)
        title = f"Reading {Path(path).name}"

        def cancelled() -> bool:
            return number in self.cancelled or stopping()

        def progress(done: int, total: int) -> None:
            self._teller.tell(Progress(job=number, title=title, done=done, total=total))

        trouble: Notice | None = None
        try:
            session, base = read_based(self.files, path, progress, cancelled)
            stage, position = stage_of(session, self._lanes)
            stage.base = base
        except Cancelled:
            self.outbox.post(Progress(job=number, title=title, done=0, total=0, finished=True, cancelled=True))
        except (UnknownDesign, FormatError, OSError, ValueError, MemoryError) as error:
            trouble = opening_trouble(path, error)
        except Exception:  # a fault of the reader is none of the session that is open
            text = f"{Path(path).name} could not be read: the program is wrong, not you. Nothing was opened."
            trouble = Notice(level="internal", text=text, details=traceback.format_exc())
        else:
            self._enter(stage, position, number, revision)
            return
        if trouble is not None:
            self.outbox.post(Progress(job=number, title=title, done=0, total=0, finished=True), trouble)
        self._answer(number, trouble=trouble)

    def _enter(self, stage: Stage, position: int, number: int, revision: int) -> None:
        self._drop_jobs()
        self._generation += 1
        stage.recorded = self.files.recorded(stage.session)
        self._repair, self._mending, self._resting, self._probes = None, None, False, None
        if self.stage is not None:
            self.stage.let_go()
        self.stage = stage
        self.publisher = Publisher(stage, self.lens, self.outbox, self.clock, self._generation)
        self.outbox.drop_frame()
        told = opened(stage, self._generation, revision)
        self.outbox.post(told)
        self._answer(number, told)
        if stage.line.head:
            self.publisher.visible = 0
            self.jobs.append(Load(number=number, title=f"Running {stage.title or 'the session'}", position=position))
        elif self._teller.job == number:
            self.outbox.post(Progress(job=number, title="", done=0, total=0, finished=True))

    def save(self, path: str, number: int, revision: int = 0, over: bool = False) -> None:
        """Queue: write the whole log, branches included. Answered with the Saved, or with Changed (``over``: never)."""
        self.job(Save(number, path, self.files, self.outbox.post, revision, over))

    def submit(self, operations: Sequence[Operation], title: str, number: int) -> None:
        """Queue new operations."""
        self._queue(
            Perform(
                number=number, title=title or f"{len(operations)} operations", operations=operations, lens=self.lens
            )
        )

    def job(self, job: Job) -> None:
        """Queue a job made elsewhere; answered with its ``result`` when it is over, with None where it has none."""
        self._awaited.add(job.number)
        self._queue(job)

    def seek(self, target: int, relative: bool, number: int) -> None:
        """Queue a position, or change the one that was wanted last."""
        last = self.jobs[-1] if self.jobs else None
        if self.stage is None or not isinstance(last, Seek) or last.before is not None or last.number in self.cancelled:
            self._queue(Seek(number=number, target=target, relative=relative))
        elif relative and last.relative:
            last.target += target
        else:
            last.aim(self.stage, last.target + target if relative else target)
            self._teller.since = self.clock()

    def branch(self, name: str, number: int) -> None:
        """Queue: make another branch the current path and go to its end."""

        def switch(stage: Stage) -> bool:
            assert self.publisher is not None
            if name not in stage.line.branches:
                self.outbox.post(Notice(level="error", text=f"There is no branch named {name!r}."))
                return False
            self.publisher.forget(stage.line.switch(name))
            self.publisher.cut()
            return True

        self._queue(Seek(number=number, target=_END, before=switch))

    def select(self, pid: int, vpn: int) -> None:
        """What the details of the frames are about."""
        if self.stage is not None and self.publisher is not None and self.stage.selection != (pid, vpn):
            self.stage.selection = (pid, vpn)
            self.publisher.plain, self.publisher.dirty = False, True

    def view(self, design: str) -> None:
        """Which design the frames show."""
        if (stage := self.stage) is None or self.publisher is None:
            return
        before = stage.shown
        if not any(lane.kind.key == design for lane in stage.lanes):
            self.outbox.post(Notice(level="error", text=f"The design {design} is not among those that run here."))
            return
        stage.view = design
        changed = stage.first_seen_differently(before, stage.shown)
        self.publisher.dirty = self._resting = True
        if changed is not None:
            self.publisher.forget(changed)
        if self.jobs and isinstance(job := self.jobs[0], Seek) and job.running:
            job.start(stage)  # another lane is to arrive first: no frame until it has

    def set_designs(self, designs: Designs, number: int) -> None:
        """Queue the replay of the log under other designs."""
        if (stage := self.stage) is None:
            return
        machine = self._coming(stage)[1]
        try:
            kinds = self._kinds(designs, machine)
        except UnknownDesign as trouble:
            self.outbox.post(Notice(level="error", text=str(trouble)))
            return
        title = "Replaying under other designs"
        self._queue(Rebuild(number=number, title=title, kinds=kinds, make=self._lane, machine=machine))

    def set_calls(self, era: str, number: int) -> None:
        """Queue the replay of the log under another era: its calls, and the designs that have eras as they were then."""
        self.set_machine({"calls": era}, number)

    def set_machine(self, changes: Mapping[str, Any], number: int) -> None:
        """Queue the replay of the log on a machine with these fields changed (core.units.Machine)."""
        if (stage := self.stage) is None:
            return
        running, machine = self._coming(stage)
        designs: Designs = [(kind.key.partition(":")[0], kind.options) for kind in running]
        try:
            machine = changed(machine, changes)
            kinds = self._kinds(all_in_era(designs, machine.calls) if "calls" in changes else designs, machine)
        except KernelError as trouble:
            self.outbox.post(Notice(level="error", text=f"{trouble.rule}."))
            return
        except UnknownDesign as trouble:
            self.outbox.post(Notice(level="error", text=str(trouble)))
            return
        title = f"Replaying as Linux {machine.calls}" if "calls" in changes else "Replaying on another machine"
        self._queue(Rebuild(number=number, title=title, kinds=kinds, make=self._lane, machine=machine))

    def _coming(self, stage: Stage) -> tuple[Sequence[Kind], Machine]:
        # designs and machine once the jobs that wait are done
        kinds: Sequence[Kind] = [lane.kind for lane in stage.lanes]
        machine: Machine = stage.machine
        for job in self.jobs:
            if isinstance(job, Rebuild) and job.number not in self.cancelled:
                kinds, machine = job.kinds, job.machine or machine
        return kinds, machine

    def _lanes(self, designs: Designs, machine: Any) -> list[Lane]:
        return [self._lane(kind) for kind in self._kinds(designs, machine)]

    def _lane(self, kind: Kind) -> Lane:
        return make_lane(kind, self.lens, self.clock, self._budget_bytes // 4)

    # -- work ---------------------------------------------------------------------------------------

    def turn(self, seconds: float) -> None:
        """One slice: repair, about ``seconds`` of the first job, or one probe at rest; then tell what is new."""
        deadline, self._phase = self.clock() + seconds, "work"
        try:
            self._turn(deadline)
        finally:
            if self.keeper is not None and self.stage is not None:
                self.keeper.look(self.stage, self._generation)

    def _turn(self, deadline: float) -> None:
        while self._repair is not None:
            with ROOM.repairing():
                self._mend()
            if self.clock() >= deadline:
                return
        if self.jobs:
            self._probes = None  # the worlds move on
        while self.jobs and not self._waits() and self._step():
            if self.clock() >= deadline or self._waits():
                break
        while not self.jobs and self._resting and self._rest() and self.clock() < deadline:
            pass
        self._phase = "show"
        self._show()
        self._phase, self._retried = "answer", False
        self.questions.answer(self.stage)
        if self.stage is not None and not self.jobs and not self.stage.aligned:
            self.questions.give_up()  # nothing is under way that would bring the worlds together
        self._phase = "work"

    def _waits(self) -> bool:
        # whoever scrubs is shown the design in view; the others follow when the hand rests
        job = self.jobs[0]
        return isinstance(job, Seek) and job.number not in self.cancelled and job.waits()

    def _queue(self, job: Job) -> None:
        if self.stage is None:
            trouble = Notice(level="error", text="No session is open.")
            self.outbox.post(trouble)
            self._answer(job.number, trouble=trouble)
            return
        self.jobs.append(job)

    def _answer(self, number: int, value: Any = None, trouble: Notice | None = None) -> None:
        # whoever waits for that request is told, once
        if number in self._awaited:
            self._awaited.discard(number)
            self.outbox.post(Answer(ticket=number, value=value, trouble=trouble))

    def _step(self) -> bool:
        # one operation of the first job; False where there is nothing more to do in this slice
        job, stage = self.jobs[0], self.stage
        assert stage is not None and self.publisher is not None
        if job is not self._started:
            self._started, self._teller.since = job, self.clock()
            if isinstance(job, Perform) and job.number not in self.cancelled:
                self._resting = False
            job.start(stage)
        if job.number in self.cancelled:
            if job.stop(stage):
                return True
            self._end(job, True)
            return bool(self.jobs)
        if isinstance(job, Perform):
            self.publisher.forget(stage.line.cursor)
        try:
            more = job.step(stage)
        except KernelError as refused:
            self.outbox.post(refusal(refused.errno, refused.rule, refused.field))
            more = False
        if isinstance(job, Load):
            self.publisher.visible = max(self.publisher.visible or 0, stage.line.cursor) if job.shows else None
        if more:
            self._teller.report(job)
            return True
        self._end(job, False)
        return bool(self.jobs)

    def _end(self, job: Job, cancelled: bool) -> None:
        self.jobs.popleft()
        self.cancelled.discard(job.number)
        assert self.publisher is not None and self.stage is not None
        self._started = None
        self.publisher.visible = None
        if isinstance(job, Rebuild) and not cancelled:
            self.publisher.forget_all()
        if isinstance(job, Perform) and len(job.operations) == 1 and job.last:
            self.outbox.post(*refusals(job, self.stage))
        self._teller.ended(job, cancelled)
        value = None if cancelled else getattr(job, "result", None)
        self._answer(job.number, value, getattr(job, "trouble", None))
        if not self.jobs:
            self.publisher.dirty = self._resting = True

    def _drop_jobs(self, trouble: Notice | None = None) -> None:
        while self.jobs:
            job = self.jobs.popleft()
            if isinstance(job, Steps | Save) and self.stage is not None:
                job.stop(self.stage)  # what it began to write is put away
            self._teller.ended(job, True)
            self._answer(job.number, trouble=trouble)
        self._started = None

    def _rest(self) -> bool:
        # one step of the recorded kernel, or of the missing probes: a command need not wait for all; False: enough for this turn
        assert self.stage is not None and self.publisher is not None
        if self.publisher.compare():
            return False
        if self._probes is None:
            self._probes = probing.at_rest(self.stage)
        self._resting = next(self._probes, None) is not None
        self.publisher.send_filled()
        return self._resting

    def _show(self) -> None:
        if (publisher := self.publisher) is None or self._repair is not None:
            return
        if not self.jobs:
            if publisher.dirty:
                publisher.send(busy=False)
        elif self.jobs[0].shows and self.jobs[0].number not in self.cancelled:
            soon = isinstance(self.jobs[0], Seek)  # whoever scrubs wants to see every state that there is time for
            if publisher.ready(soon):
                publisher.send(busy=not soon)

    # -- trouble ------------------------------------------------------------------------------------

    def broken(self) -> None:
        """Called while handling an unexpected exception: tell it, stop the jobs, repair the worlds on the next turns."""
        stage, publisher = self.stage, self.publisher
        phase, self._phase = self._phase, "work"
        trouble = self._tell_fault(phase)
        if stage is None or publisher is None or phase == "answer":
            return
        if phase == "show":  # once more, without the details that failed
            publisher.dirty, self._retried = publisher.plain and not self._retried, True
            return
        self._drop_jobs(trouble)
        self._resting, self._probes, self._mending, publisher.visible = False, None, None, None
        if self._repair == 0:
            self._repair = None
            return
        position = min(stage.line.depth(lane.node) for lane in stage.lanes)
        self._repair = position if self._repair is None else 0

    def _tell_fault(self, phase: str) -> Notice:
        stage, job = self.stage, self.jobs[0] if self.jobs else None
        where = f"\n\nAt position {stage.line.cursor} of {stage.line.head}" if stage else ""
        where += f", {doing(job)}" if job else ""
        trouble = fault(phase, where)
        self.outbox.post(trouble)
        return trouble

    def lost(self) -> None:
        """Called where even ``broken`` failed: do nothing more by itself, but answer whoever waits and take commands."""
        self._repair, self._mending, self._phase = None, None, "work"
        self._resting, self._started = False, None
        if self.publisher is not None:
            self.publisher.dirty = False
        trouble = Notice(level="internal", text=BROKEN["lost"], details=trace())
        self.outbox.post(trouble)
        self.jobs.clear()
        for number in sorted(self._awaited):
            self._answer(number, trouble=trouble)
        self.questions.give_up()

    def stopped(self) -> None:
        """Nothing more will be done: what jobs began to write is put away."""
        self._drop_jobs()

    def failed(self, number: int) -> None:
        """The command of that number ended in an exception: whoever waits for it is told."""
        if all(job.number != number for job in self.jobs) and number not in self.questions:
            self._awaited.add(number)
            self._answer(number)

    def _mend(self) -> None:
        assert self.stage is not None and self.publisher is not None and self._repair is not None
        if self._mending is None:
            self._mending = self.stage.recover(self._repair)
        if not goes_on(self._mending):
            self._repair = self._mending = None
            self.publisher.dirty = True
