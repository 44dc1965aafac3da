"""What a file says is letters in the window: no label guesses, no tool tip, message or list shows it as HTML."""

from __future__ import annotations

import json
import re
from pathlib import Path

from PySide6 import QtGui
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

import rmapexplorer.gui
from rmapexplorer.engine.frames import Notice
from rmapexplorer.gui.files import QtDialogs
from rmapexplorer.gui.plain_text import PlainLabel, plain_tip
from rmapexplorer.gui.window import MainWindow

from .real_window import at_rest, settings, window

__all__ = ["settings", "window"]

EVIL = "<h1><font color=red>Expired</font></h1><img src=/usr/share/pixmaps/any.png width=220>"
MOST_ROWS = 40


def hostile(folder: Path) -> str:
    operations = [
        {"op": "spawn", "pid": 2, "comm": EVIL},
        {"op": "mmap", "pid": 1, "span": [16, 32], "label": EVIL},
        {"op": "mmap", "pid": 1, "span": [64, 70], "kind": "file-shared", "file": EVIL},
        {"op": "touch", "pid": 1, "runs": [[16, 32, "w"], [64, 66, "r"]]},
        {"op": "fork", "pid": 1, "child": 7, "comm": EVIL},
        {"op": "ftruncate", "pid": 1, "file": EVIL + "?", "pages": 3},
        {"op": "munmap", "pid": 9, "span": [1, 2]},
    ]
    data = {
        "format": "rmapexplorer session", "version": 1, "title": EVIL, "position": 7, "selection": [1, 20],
        "machine": {"files": {EVIL: 9}, "processes": [[1, EVIL]]}, "notes": [[3, EVIL]], "report": [EVIL, "x"],
        "designs": ["anonmm", "anon_vma_chain"], "operations": operations, "branch": EVIL, "branches": {EVIL: 6},
    }  # fmt: skip
    path = folder / "<img src=x>.rmap"
    path.write_text(json.dumps(data))
    return str(path)


def read_as_html(text: object) -> bool:
    return (
        isinstance(text, str)
        and QtGui.Qt.mightBeRichText(text)
        and any(tag in text for tag in ("<img", "<h1", "<font color=red"))
    )


def tips_of(view: QAbstractItemView) -> list[str]:
    model = view.model()
    if model is None:
        return []
    rows = range(min(model.rowCount(QModelIndex()), MOST_ROWS))
    columns = range(model.columnCount(QModelIndex()) if hasattr(model, "COLUMNS") else 1)
    found = [model.index(r, c, QModelIndex()).data(Qt.ItemDataRole.ToolTipRole) for r in rows for c in columns]
    return [text for text in found if isinstance(text, str)]


def complaints(top: QWidget) -> list[str]:
    found = []
    for widget in (top, *top.findChildren(QWidget)):
        name = f"{type(widget).__name__} {widget.objectName()}"
        if isinstance(widget, QLabel):
            if widget.textFormat() == Qt.TextFormat.AutoText and not isinstance(widget.parent(), QMessageBox):
                found.append(f"{name} guesses: {widget.text()[:40]}")
            if widget.textFormat() == Qt.TextFormat.RichText and read_as_html(widget.text()):
                found.append(f"{name} shows HTML: {widget.text()[:80]}")
        for tip in (
            widget.toolTip(),
            widget.whatsThis(),
            *(tips_of(widget) if isinstance(widget, QAbstractItemView) else ()),
        ):
            if read_as_html(tip):
                found.append(f"{name} has the tip {tip[:80]}")
        for action in widget.actions():
            if read_as_html(action.toolTip()):
                found.append(f"the action {action.text()[:40]} has the tip {action.toolTip()[:80]}")
    return found


def test_nothing_of_a_session_is_read_as_html(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    path = hostile(tmp_path)
    with qtbot.waitSignal(window.bridge.opened, timeout=10_000):
        window.bridge.open(path)
    at_rest(qtbot, window, 7)
    assert window.files.title and complaints(window) == []
    shown = [
        label.text() for label in window.findChildren(QLabel) if "<img" in label.text() or "&lt;img" in label.text()
    ]
    assert shown, "the words of the session are shown somewhere"
    for perspective in ("teach", "measure", "compare"):
        window.commands.run(f"perspective_{perspective}", {})
        at_rest(qtbot, window)
        assert complaints(window) == [], perspective
    window.show_notice(Notice(level="error", text=EVIL, details=EVIL))
    assert complaints(window) == []


def test_no_label_is_made_that_guesses() -> None:
    files = Path(rmapexplorer.gui.__file__).parent.rglob("*.py")
    makers = [path.name for path in files if re.search(r"(?<![A-Za-z_.])QLabel\(", path.read_text(encoding="utf-8"))]
    assert makers == []


def test_tips_are_escaped_only_where_qt_would_guess(qtbot: QtBot) -> None:
    assert plain_tip("a < b\nand c") == "a < b\nand c"
    assert plain_tip("<b>x</b>\ny") == "<div style='white-space: pre-wrap'>&lt;b&gt;x&lt;/b&gt;\ny</div>"
    label = PlainLabel("<b>x</b>")
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.PlainText


def test_the_question_before_closing_shows_the_title_as_it_is(qtbot: QtBot) -> None:
    top = QWidget()
    qtbot.addWidget(top)
    QtDialogs(top).ask_unsaved(EVIL, lambda answer: None)
    box = top.findChild(QMessageBox)
    assert box is not None and box.textFormat() == Qt.TextFormat.PlainText and EVIL in box.text()
    box.close()
