"""What the engine thread does with a command: sessions, jobs in a row, one slice of work at a time.

A conductor runs on one thread and never waits; the engine wraps it in a thread, tests drive it by hand.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.rules import rules_of
from rmapexplorer.core.units import KernelError, Machine
from rmapexplorer.designs.registry import all_in_era
from rmapexplorer.engine.culprit import culprit
from rmapexplorer.engine.files import Files, opened, session_of, stage_of
from rmapexplorer.engine.frames import Answer, Notice, Progress, Saved
from rmapexplorer.engine.jobs import Job, Load, Perform, Rebuild, Seek
from rmapexplorer.engine.lanes import Lane, make_lane
from rmapexplorer.engine.lens import Designs, Kind, KindMaker, Lens, UnknownDesign
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.probing import Steps, at_rest
from rmapexplorer.engine.publisher import Publisher
from rmapexplorer.engine.questions import Questions
from rmapexplorer.engine.stage import Stage
from rmapexplorer.formats.errors import Cancelled, FormatError

PROGRESS_INTERVAL = 0.05
"""Seconds between two Progress messages of a job, at least."""
_END = 1 << 62
PATIENCE = 0.2
"""A quiet job shows a progress bar after so many seconds."""


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
        self._generation = self._told = 0
        self._started: Job | None = None
        self._since = self._told_at = 0.0
        self._repair: int | None = None
        self._resting = False
        self._probes: Steps | None = None
        self._phase, self._retried = "work", False
        self.questions = Questions(outbox)

    # -- state the thread asks for ---------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """True while there is a job, or a world to repair."""
        return bool(self.jobs) or self._repair is not None

    @property
    def idle(self) -> bool:
        """True where nothing is left to do until the next command."""
        unsaid = self.questions or (self.publisher and self.publisher.dirty)
        return not self.busy and not self._resting and not unsaid

    # -- commands ---------------------------------------------------------------------------------

    def new(self, session: Any, number: int) -> None:
        """Replace the session."""
        try:
            stage, position = stage_of(session, self._lanes)
        except (UnknownDesign, FormatError, ValueError) as trouble:
            self.outbox.post(Notice(level="error", text=str(trouble)))
            return
        self._enter(stage, position, number)

    def open(self, path: str, number: int, stopping: Callable[[], bool]) -> None:
        """Read a file, then replace the session; on any trouble nothing changes."""
        name = Path(path).name

        def cancelled() -> bool:
            return number in self.cancelled or stopping()

        def progress(done: int, total: int) -> None:
            self._tell(Progress(job=number, title=f"Reading {name}", done=done, total=total))

        try:
            session = self.files.read(path, progress, cancelled)
            stage, position = stage_of(session, self._lanes)
        except Cancelled:
            end = Progress(job=number, title=f"Reading {name}", done=0, total=0, finished=True, cancelled=True)
            self.outbox.post(end)
            return
        except (UnknownDesign, FormatError, OSError, ValueError) as trouble:
            self.outbox.post(Progress(job=number, title=f"Reading {name}", done=0, total=0, finished=True))
            self.outbox.post(Notice(level="error", text=opening_trouble(name, trouble), retry=("open", path)))
            return
        self._enter(stage, position, number)

    def _enter(self, stage: Stage, position: int, number: int) -> None:
        self._drop_jobs()
        self._generation += 1
        stage.recorded = self.files.recorded(stage.session)
        self._repair, self._resting, self._probes = None, False, None
        self.stage = stage
        self.publisher = Publisher(stage, self.lens, self.outbox, self.clock, self._generation)
        self.outbox.drop_frame()
        self.outbox.post(opened(stage, self._generation))
        if stage.line.head:
            self.publisher.visible = 0
            self.jobs.append(Load(number=number, title=f"Running {stage.title or 'the session'}", position=position))
        elif self._told == number:
            self.outbox.post(Progress(job=number, title="", done=0, total=0, finished=True))

    def save(self, path: str) -> None:
        """Write the whole log, branches included."""
        if (stage := self.stage) is None:
            return
        try:
            self.files.write(session_of(stage), path)
        except (FormatError, OSError) as trouble:
            self.outbox.post(Notice(level="error", text=saving_trouble(path, trouble), retry=("save", path)))
            return
        stage.path = path
        self.outbox.post(Saved(path=path, operations=len(stage.line.operations)))

    def submit(self, operations: Sequence[Operation], title: str, number: int) -> None:
        """Queue new operations."""
        self._queue(
            Perform(
                number=number, title=title or f"{len(operations)} operations", operations=operations, lens=self.lens
            )
        )

    def job(self, job: Job) -> None:
        """Queue a job made elsewhere."""
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
            self._since = self.clock()

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
        if (stage := self.stage) is None:
            return
        running, machine = self._coming(stage)
        machine = evolve(machine, calls=era)
        designs = [(kind.key.partition(":")[0], kind.options) for kind in running]
        try:
            rules_of(era)
            kinds = self._kinds(all_in_era(designs, era), machine)
        except KernelError as trouble:
            self.outbox.post(Notice(level="error", text=f"{trouble.rule}."))
            return
        except UnknownDesign as trouble:
            self.outbox.post(Notice(level="error", text=str(trouble)))
            return
        title, make = f"Replaying as Linux {era}", self._lane
        self._queue(Rebuild(number=number, title=title, kinds=kinds, make=make, machine=machine))

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
        deadline = self.clock() + seconds
        if self._repair is not None:
            self._mend()
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
        self._phase = "work"

    def _waits(self) -> bool:
        # whoever scrubs is shown the design in view; the others follow when the hand rests
        job = self.jobs[0]
        return isinstance(job, Seek) and job.number not in self.cancelled and job.waits()

    def _queue(self, job: Job) -> None:
        if self.stage is None:
            self.outbox.post(Notice(level="error", text="No session is open."))
            return
        self.jobs.append(job)

    def _step(self) -> bool:
        # one operation of the first job; False where there is nothing more to do in this slice
        job, stage = self.jobs[0], self.stage
        assert stage is not None and self.publisher is not None
        if job is not self._started:
            self._started, self._since = job, self.clock()
            if isinstance(job, Perform) and job.number not in self.cancelled:
                self._resting = False
            job.start(stage)
        if job.number in self.cancelled:
            job.stop(stage)
            self._end(job, True)
            return bool(self.jobs)
        if isinstance(job, Perform):
            self.publisher.forget(stage.line.cursor)
        try:
            more = job.step(stage)
        except KernelError as refusal:
            self._refused(refusal.errno, refusal.rule, refusal.field)
            more = False
        if isinstance(job, Load):
            self.publisher.visible = max(self.publisher.visible or 0, stage.line.cursor) if job.shows else None
        if more:
            self._report(job)
            return True
        self._end(job, False)
        return bool(self.jobs)

    def _end(self, job: Job, cancelled: bool) -> None:
        self.jobs.popleft()
        self.cancelled.discard(job.number)
        assert self.publisher is not None and self.stage is not None
        told = self._told == job.number
        self._started = None
        self.publisher.visible = None
        if isinstance(job, Rebuild) and not cancelled:
            self.publisher.forget_all()
        if isinstance(job, Perform) and len(job.operations) == 1 and job.last:
            self._tell_refusal(job)
        if not job.quiet or told:
            self.outbox.post(self._progress(job, finished=True, cancelled=cancelled))
        if hasattr(job, "result"):  # whoever asked for the job waits for it
            self.outbox.post(Answer(ticket=job.number, value=None if cancelled else job.result))
        if not self.jobs:
            self.publisher.dirty = self._resting = True

    def _tell_refusal(self, job: Perform) -> None:
        assert self.stage is not None
        shown = self.stage.shown.kind.key
        for key in sorted(job.last, key=lambda key: key != shown):
            worst = job.last[key]
            if worst.error is not None:
                found = culprit(self.stage.worlds[key], self.stage.line.operations[-1], worst)
                self._refused(worst.error, worst.rule, worst.field, *found)
                return

    def _refused(self, errno: str, rule: str, field: str, what: str = "", spot: tuple[int, int] | None = None) -> None:
        text = rule or f"The call failed: {errno}."
        self.outbox.post(Notice(level="refused", text=text, field=field, errno=errno, culprit=what, spot=spot))

    def _report(self, job: Job) -> None:
        if job.quiet and self.clock() - self._since < PATIENCE:
            return
        self._tell(self._progress(job))

    def _tell(self, message: Progress) -> None:
        if self.clock() - self._told_at >= PROGRESS_INTERVAL:
            self._told_at, self._told = self.clock(), message.job
            self.outbox.post(message)

    def _progress(self, job: Job, finished: bool = False, cancelled: bool = False) -> Progress:
        return Progress(
            job=job.number, title=job.title, done=min(job.done, job.total), total=job.total,
            finished=finished, cancelled=cancelled,
        )  # fmt: skip

    def _drop_jobs(self) -> None:
        for job in self.jobs:
            if not job.quiet or job.number == self._told:  # even a quiet one has a progress bar by then
                self.outbox.post(self._progress(job, finished=True, cancelled=True))
            if hasattr(job, "result"):
                self.outbox.post(Answer(ticket=job.number, value=None))
        self.jobs.clear()
        self._started = None

    def _rest(self) -> bool:
        # one step of the recorded kernel, or of the missing probes: a command need not wait for all; False: enough for this turn
        assert self.stage is not None and self.publisher is not None
        if self.publisher.compare():
            return False
        if self._probes is None:
            self._probes = at_rest(self.stage)
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
        """Called while handling an unexpected exception: tell it, stop the jobs, repair the worlds on the next turn."""
        stage, publisher = self.stage, self.publisher
        job = self.jobs[0] if self.jobs else None
        text = "An invariant broke: the program is wrong, not you. The session is kept at the last good position."
        if self._phase == "answer":
            text = "A question about the present position could not be answered. The session is untouched."
        if self._phase == "show":
            text = "A view of the present position could not be made. The session is untouched."
        where = f"\n\nAt position {stage.line.cursor} of {stage.line.head}" if stage else ""
        where += f", {_doing(job)}" if job else ""
        self.outbox.post(Notice(level="internal", text=text, details=traceback.format_exc() + where))
        if stage is None or publisher is None or self._phase == "answer":
            return
        if self._phase == "show":  # once more, without the details that failed
            publisher.dirty, self._retried, self._phase = publisher.plain and not self._retried, True, "work"
            return
        if self._repair is not None and self._repair == 0:
            self._repair = None
            return
        position = min(stage.line.depth(lane.node) for lane in stage.lanes)
        self._repair = position if self._repair is None else 0
        self._resting, self._probes = False, None
        self._drop_jobs()
        publisher.visible = None

    def _mend(self) -> None:
        assert self.stage is not None and self.publisher is not None and self._repair is not None
        self.stage.recover(self._repair)
        self._repair = None
        self.publisher.dirty = True


def _doing(job: Job) -> str:
    if isinstance(job, Perform) and job.done < len(job.operations):
        return f"doing {job.operations[job.done]!r}"
    return job.title.lower()


def opening_trouble(name: str, trouble: Exception) -> str:
    """One sentence for a file that could not be opened."""
    if isinstance(trouble, OSError):
        return f"{name} could not be read: {trouble.strerror or trouble}."
    return str(trouble)


def saving_trouble(path: str, trouble: Exception) -> str:
    """One sentence for a file that could not be written."""
    if isinstance(trouble, OSError):
        return f"{Path(path).name} could not be written: {trouble.strerror or trouble}."
    return str(trouble)
