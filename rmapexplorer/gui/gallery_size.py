"""The size of a workload on its card: what opens, what was published, and fields to open it at another size."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSpinBox, QWidget

from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.workloads.workload import Parameter, Workload

FIELDS = 2
"""Numbers that a card lets one choose: those that differ most from the published ones."""
BEYOND = 10
"""A number may be so many times the published one."""


def size_parameters(workload: Workload) -> tuple[Parameter, ...]:
    """The parameters that make it large, in their order."""
    grown = [p for p in workload.parameters if p.full > p.small]
    most = sorted(grown, key=lambda p: -p.full / max(p.small, 1))[:FIELDS]
    return tuple(p for p in workload.parameters if p in most)


def size_words(workload: Workload) -> str:
    """The size of the gallery's session and that which was published, in a line."""
    some = size_parameters(workload)
    here = ", ".join(f"{p.small:,} {_word(p)}" for p in some)
    there = " and ".join(f"{p.full:,}" for p in some)
    return f"Opens with {here}; published with {there}."


def _word(p: Parameter) -> str:
    return p.name.replace("_", " ")


class Size(QWidget):
    """A line and its number fields; ``changed`` when a number was."""

    changed = Signal()

    def __init__(self, workload: Workload, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workload = workload
        self.words = PlainLabel(size_words(workload))
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setProperty("role", "dim")
        self.words.setFont(scaled(self.font(), 0.92))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(3)
        grid.addWidget(self.words, 0, 0, 1, 2)
        self.boxes: dict[str, QSpinBox] = {}
        for row, p in enumerate(size_parameters(workload), 1):
            box = self.boxes[p.name] = QSpinBox()
            box.setRange(p.least, BEYOND * p.full)
            box.setGroupSeparatorShown(True)
            box.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)  # typed, or by the arrow keys
            box.setValue(p.small)
            box.setToolTip(p.help)
            box.setAccessibleName(f"{_word(p)} of {workload.title}")
            box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            box.valueChanged.connect(self.changed)
            label = PlainLabel(_word(p))
            label.setBuddy(box)
            grid.addWidget(label, row, 0)
            grid.addWidget(box, row, 1)
        grid.setColumnStretch(1, 1)

    def values(self) -> dict[str, int]:
        """All parameters: those chosen, the others as in the gallery."""
        return self.workload.values(full=False, **{name: box.value() for name, box in self.boxes.items()})

    @property
    def is_gallery(self) -> bool:
        """Whether it is the size of the gallery's own session."""
        return self.values() == self.workload.values(full=False)
