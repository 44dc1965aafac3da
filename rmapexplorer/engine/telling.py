"""What the conductor says: progress at a bounded rate, refusals, and one sentence for each kind of trouble."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from attrs import define

from rmapexplorer.core.room import sentence
from rmapexplorer.engine.culprit import culprit
from rmapexplorer.engine.frames import Notice, Progress
from rmapexplorer.engine.jobs import Job, Perform
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.stage import Stage

PROGRESS_INTERVAL = 0.05
"""Seconds between two Progress messages of a job, at least."""
PATIENCE = 0.2
"""A quiet job shows a progress bar after so many seconds."""

BROKEN = {
    "work": "An invariant broke: the program is wrong, not you. The session is kept at the last good position.",
    "answer": "A question about the present position could not be answered. The session is untouched.",
    "show": "A view of the present position could not be made. The session is untouched.",
    "lost": "The session cannot be repaired by itself. Its log is whole: save it, and open it again.",
}
"""What is said when an exception came up, by what was being done."""


@define(eq=False)
class Teller:
    """Tells how far a job is."""

    outbox: Outbox
    clock: Callable[[], float]
    job: int = 0
    """Number of the job told of last."""
    since: float = 0.0
    """When the job under way began, or got another aim."""
    _at: float = 0.0

    def report(self, job: Job) -> None:
        """A job goes on."""
        if not job.quiet or self.clock() - self.since >= PATIENCE:
            self.tell(progress_of(job))

    def tell(self, message: Progress) -> None:
        """Told unless the last one was told just now."""
        if self.clock() - self._at >= PROGRESS_INTERVAL:
            self._at, self.job = self.clock(), message.job
            self.outbox.post(message)

    def ended(self, job: Job, cancelled: bool) -> None:
        """A job is over; even of a quiet one this is told where it has a progress bar by then."""
        if not job.quiet or job.number == self.job:
            self.outbox.post(progress_of(job, finished=True, cancelled=cancelled))


def progress_of(job: Job, finished: bool = False, cancelled: bool = False) -> Progress:
    """How far a job is, as a message."""
    return Progress(
        job=job.number, title=job.title, done=min(job.done, job.total), total=job.total,
        finished=finished, cancelled=cancelled,
    )  # fmt: skip


def doing(job: Job) -> str:
    """What a job was about to do."""
    if isinstance(job, Perform) and job.done < len(job.operations):
        return f"doing {job.operations[job.done]!r}"
    return job.title.lower()


def refusal(errno: str, rule: str, field: str, what: str = "", spot: tuple[int, int] | None = None) -> Notice:
    """A call that was refused."""
    text = rule or f"The call failed: {errno}."
    return Notice(level="refused", text=text, field=field, errno=errno, culprit=what, spot=spot)


def refusals(job: Perform, stage: Stage) -> tuple[Notice, ...]:
    """The refusal of the operation just done: of the design in view, or else of the first that refuses it; none: all did it."""
    shown = stage.shown.kind.key
    for key in sorted(job.last, key=lambda key: key != shown):
        worst = job.last[key]
        if worst.error is not None:
            found = culprit(stage.worlds[key], stage.line.operations[-1], worst)
            return (refusal(worst.error, worst.rule, worst.field, *found),)
    return ()


def opening_trouble(path: str, trouble: Exception) -> Notice:
    """One sentence for a file that could not be opened."""
    text = str(trouble)
    if isinstance(trouble, MemoryError):
        text = f"{Path(path).name} was not opened: {sentence(trouble)}."
    if isinstance(trouble, OSError):
        text = f"{Path(path).name} could not be read: {trouble.strerror or trouble}."
    return Notice(level="error", text=text, retry=("open", path))


def fault(phase: str, where: str) -> Notice:
    """What is said of the exception that is handled, by what was being done; one that means too little memory is no fault."""
    trouble = sys.exception()
    if not isinstance(trouble, MemoryError):
        return Notice(level="internal", text=BROKEN[phase], details=traceback.format_exc() + where)
    kept = "The session is kept at the last good position." if phase == "work" else "The session is untouched."
    return Notice(level="error", text=f"This could not be done: {sentence(trouble)}. {kept}")


def saving_trouble(path: str, trouble: Exception) -> Notice:
    """One sentence for a file that could not be written."""
    text = str(trouble)
    if isinstance(trouble, OSError):
        text = f"{Path(path).name} could not be written: {trouble.strerror or trouble}."
    return Notice(level="error", text=text, retry=("save", path))


def trace() -> str:
    """The exception that is handled, as text; whatever it is."""
    with suppress(Exception):  # it may be unable to say what it is
        return traceback.format_exc()
    return "The fault cannot be put into words."
