"""The guide and the list of shortcuts in a window of their own."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from rmapexplorer.gui.actions import shortcut_sheet

GUIDE = """
## Reading the window

One log of operations drives one simulated kernel per design. Everything shown is the state after the operation the
timeline stands at; every panel is about the design whose name is outlined in the toolbar.

**Processes** is who there is, **Vmas** the address space of the selected one as in /proc/PID/maps, the **Memory map**
all of them on one axis with the gaps squeezed. A colour is one family: the vmas and pages that hang on the same object
of the design.

**Structures** is how the kernel gets from the selected page to the processes that map it. **Inspector** has the fields
of that page, the **Walk** with its hits and misses, and why the vma does not merge with its neighbours.

**Overhead** compares the designs: memory, work and damage over the operations, one line a design.

## Acting

Choose an operation from the toolbar, the Operate menu or the context menu of a process, a vma or a span. The form is
filled from what is selected; Enter runs it, Esc closes it. What the kernel refuses stays in the form, marked with its
errno and the rule, and in the history. Fork and Exit run at once; with Shift, or from "with options", they ask first.

Acting in the past starts a branch: the old operations stay, under their own name.

## Moving in time

The slider, the buttons beside it, undo and redo all move the same position. Position k is the state after k operations.
"""


class HelpWindow(QDialog):
    """Not modal; ``show_page`` chooses what it shows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.resize(760, 640)
        self.browser = QTextBrowser()
        self.browser.setOpenExternalLinks(False)
        column = QVBoxLayout(self)
        column.addWidget(self.browser)

    def show_page(self, page: str) -> None:
        """``guide`` or ``shortcuts``."""
        self.setWindowTitle("Shortcuts" if page == "shortcuts" else "Guide")
        self.browser.setMarkdown(shortcut_sheet() if page == "shortcuts" else GUIDE)
        self.show()
        self.raise_()
