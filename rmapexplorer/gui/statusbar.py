"""The status line: what the last operation did under each design, what runs now, and under which rules."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QStatusBar, QWidget

from rmapexplorer.core.rules import ERAS
from rmapexplorer.engine.frames import DesignState, Frame, Progress
from rmapexplorer.gui import places
from rmapexplorer.gui.panel import ElidedLabel, scaled, wrapped
from rmapexplorer.gui.plain_text import plain_tip

PHRASES = (
    ("copied_by_mremap", "{n} page copied by mremap", "{n} pages copied by mremap"),
    ("copied_by_design", "{n} page copied by the design", "{n} pages copied by the design"),
    ("missed_ptes", "lost {n} pte", "lost {n} ptes"),
    ("pages_unswappable", "{n} page stuck", "{n} pages stuck"),
    ("copied_by_write", "{n} page copied by write", "{n} pages copied by write"),
    ("merges_refused", "{n} merge refused", "{n} merges refused"),
    ("merges_done", "merged {n}", "merged {n}"),
    ("pte_probes", "{n} pte probed", "{n} ptes probed"),
    ("swap_outs", "{n} page out", "{n} pages out"),
    ("swap_ins", "{n} page in", "{n} pages in"),
)
"""Counter, singular, plural: what the status line says of a change, the most telling first."""

AT_MOST = 3
"""Phrases a design."""

MOST_DIFFERENCES = 12
"""Lines of the tool tip about the recorded kernel."""


def effect(state: DesignState) -> str:
    """What the operation did under one design: ``4 pages copied by mremap, +1 vma``; "" where it changed nothing."""
    parts: list[str] = []
    if state.outcome is not None and not state.outcome.ok:
        parts.append(state.outcome.error or "")
    deltas = state.outcome.deltas if state.outcome is not None else {}
    for counter, one, many in PHRASES:
        amount = deltas.get(counter, 0)
        if amount:
            parts.append((one if amount == 1 else many).format(n=f"{amount:,}"))
    parts += [f"{n:+,} {_plural(kind, n)}" for kind, n in state.changes]
    return ", ".join(parts[:AT_MOST])


def _telling(state: DesignState) -> int:
    """How much what happened under a design is news, the most first: refused, then in the order of ``PHRASES``."""
    if state.outcome is not None and not state.outcome.ok:
        return -1
    deltas = state.outcome.deltas if state.outcome is not None else {}
    return next((at for at, (counter, *_) in enumerate(PHRASES) if deltas.get(counter, 0)), len(PHRASES))


def _plural(kind: str, n: int) -> str:
    return kind if abs(n) == 1 or kind.endswith("s") else f"{kind}s"


def chip_text(key: str) -> str:
    """A world's key as a short name: ``anonmm:variant=4c`` is "anonmm 4c"."""
    design, _, options = key.partition(":")
    return " ".join([design, *(part.partition("=")[2] for part in options.split(",") if part)])


BETWEEN = "   ·   "
"""Parts what an operation did under some designs from what it did under others."""


def summary(frame: Frame) -> tuple[str, str]:
    """The operation, and what it did under the designs: the one in view first, then what is most news, alike ones together."""
    if frame.position == 0:
        return "the beginning", "nothing has happened yet"
    operation = places.shown().text(frame.op_text)
    alike: dict[str, list[str]] = {}
    for state in sorted(frame.designs, key=lambda state: (state.key != frame.view, _telling(state))):
        alike.setdefault(effect(state), []).append(chip_text(state.key))
    if list(alike) == [""]:
        return operation, "nothing changed under any design"
    if len(alike) == 1 and len(frame.designs) > 1:
        return operation, f"all designs: {next(iter(alike))}"
    said = [f"{', '.join(names)}: {text or 'nothing changed'}" for text, names in alike.items()]
    return operation, BETWEEN.join(said)


def fitting(effects: str, room: float, width: Callable[[str], float]) -> str:
    """As many designs of ``effects`` as ``room`` pixels hold, the one in view first, and how many more there are.

    The last that shows may be cut to what is most telling of it; the one in view is whole.
    """
    said = effects.split(BETWEEN)
    for shown in range(len(said), 0, -1):
        more = f"{BETWEEN}+{len(said) - shown} more" if shown < len(said) else ""
        names, _, first = said[shown - 1].partition(": ")
        cut = f"{names}: {first.partition(', ')[0]}, …"
        for last in (said[shown - 1], cut) if shown > 1 else said[:1]:
            text = BETWEEN.join([*said[: shown - 1], last]) + more
            if width(text) <= room:
                return text
    return said[0]


def kernel_text(frame: Frame) -> str:
    """The recorded kernel beside ours: equal, or where the two first differ; "" where nothing was recorded."""
    if frame.kernel_waits:
        done = len(frame.kernel_steps) if frame.kernel_steps is not None else 0
        return f"Kernel 6.18: comparing, step {done:,} of {frame.kernel_length:,}"
    if frame.kernel is None:
        return ""
    if frame.position == 0:
        return "Kernel 6.18: recorded"
    if not frame.kernel:
        return f"Kernel 6.18: equal at step {frame.position}"
    first, more = frame.kernel[0], len(frame.kernel) - 1
    return places.shown().text(f"Kernel 6.18 differs: {first.level}, {first.where}") + (
        f" and {more} more" if more else ""
    )


def kernel_tip(frame: Frame) -> str:
    """Each difference with both values, a line each."""
    if not frame.kernel:
        return "The state recorded on a real kernel after the same calls, compared with anon_vma_chain"
    lines = [
        places.shown().text(f"{d.level}, {d.where}: kernel {d.kernel}, ours {d.ours}")
        for d in frame.kernel[:MOST_DIFFERENCES]
    ]
    return "\n".join(_shortened(line, 200) for line in lines)


LEAST_SHARE = 0.35
"""Of the room of both, for the operation's words where what it did under the design in view needs the rest."""

AIR = 14
"""Between the words of the status bar, in device-independent pixels."""


class _Said(QWidget):
    """An operation in bold and what it did, elided. Painted here: it changes with every frame and must not move others."""

    def __init__(self) -> None:
        super().__init__()
        self.operation = self.effects = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def say(self, operation: str, effects: str, tip: str) -> None:
        """Show both."""
        if (operation, effects) != (self.operation, self.effects):
            self.operation, self.effects = operation, effects
            self.setAccessibleName(f"{operation}. {effects}")
            self.setToolTip(wrapped(tip))
            self.update()

    def shown_effects(self, room: int) -> str:
        """What shows of the effects in ``room`` pixels: the design in view before the others, which the tip has too."""
        metrics = QFontMetrics(self.font())
        text = fitting(self.effects, room, metrics.horizontalAdvance)
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0, room))

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """One line."""
        return QSize(60, self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The operation, then the rest in dim letters."""
        painter = QPainter(self)
        painter.setFont(scaled(self.font(), 1.0, bold=True))
        box = self.rect()
        metrics = painter.fontMetrics()
        usual = QFontMetrics(self.font())
        behind = usual.horizontalAdvance(fitting(self.effects, 0, usual.horizontalAdvance)) + AIR
        room = max(box.width() - behind, round(box.width() * LEAST_SHARE))
        first = metrics.elidedText(self.operation, Qt.TextElideMode.ElideRight, room)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, first)
        box.setLeft(box.left() + metrics.horizontalAdvance(first) + AIR)
        painter.setFont(self.font())
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, self.shown_effects(box.width()))
        painter.end()


class StatusBar(QStatusBar):
    """Left what happened, right what runs. ``cancel_requested`` carries the job."""

    cancel_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.said = _Said()
        self.rules = ElidedLabel()
        self.rules.setProperty("role", "dim")
        self.kernel = ElidedLabel()
        self.kernel.setObjectName("kernel")
        self.kernel.setAccessibleName("Recorded kernel")
        self.kernel.hide()
        self.job_text = ElidedLabel()
        self.job_text.setProperty("role", "dim")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of the job")
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop the job; what was done so far stays")
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit(self.job))
        self.job = 0
        self._frame: Frame | None = None
        row = QHBoxLayout()
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(AIR)
        row.addWidget(self.said, 1)
        for widget in (self.kernel, self.job_text, self.progress, self.cancel, self.rules):
            row.addWidget(widget)
        holder = QWidget()
        holder.setLayout(row)
        self.addWidget(holder, 1)
        self._show_job(False)

    def set_frame(self, frame: Frame) -> None:
        """Say what the operation of this frame did."""
        self._frame = frame
        title, effects = summary(frame)
        lines = effects.split(BETWEEN) if effects else []
        self.said.say(_shortened(title, 46), effects, "\n".join([title, *lines]))
        self._say_kernel(frame)
        self._say_rules()

    def set_progress(self, progress: Progress) -> None:
        """Show a job, until it is finished."""
        if progress.finished:
            self.job = 0
            self._show_job(False)
            self._say_rules()
            return
        self.job = progress.job
        self.job_text.setText(
            f"{progress.title}  {progress.done:,} of {progress.total:,}" if progress.total else progress.title
        )
        share = 100 * progress.done // progress.total if progress.total else 0
        if self.progress.maximum() != (100 if progress.total else 0):
            self.progress.setRange(0, 100 if progress.total else 0)
        if self.progress.value() != share:
            self.progress.setValue(share)  # paints at once: not more often than it can be seen
        self._show_job(True)
        self._say_rules()

    def _say_kernel(self, frame: Frame) -> None:
        self.kernel.setVisible(frame.kernel is not None or frame.kernel_waits)
        self.kernel.setText(_shortened(kernel_text(frame), 60))
        self.kernel.setToolTip(plain_tip(kernel_tip(frame)))
        role = "dim" if frame.kernel_waits else "error" if frame.kernel else "good"
        if self.kernel.property("role") != role:
            self.kernel.setProperty("role", role)
            self.kernel.style().unpolish(self.kernel)
            self.kernel.style().polish(self.kernel)

    def _show_job(self, shown: bool) -> None:
        for widget in (self.job_text, self.progress, self.cancel):
            widget.setVisible(shown)

    def _say_rules(self) -> None:
        frame = self._frame
        state = "busy" if self.job or (frame is not None and frame.busy) else "idle"
        era = frame.calls if frame is not None else ERAS[0].era
        self.rules.setText(f"Linux {era} calls · x86_64 · engine {state}")


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
