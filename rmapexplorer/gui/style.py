"""The style sheet made from a theme's tokens, and the fonts. Text sizes follow the font; only lines are in pixels."""

from __future__ import annotations

from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontDatabase, QFontMetrics
from PySide6.QtWidgets import QApplication

from rmapexplorer.gui.theme import Theme
from rmapexplorer.resources import resource

FACES = ("Inter", "Noto Sans", "Cantarell", "Ubuntu", "Adwaita Sans", "DejaVu Sans Condensed", "DejaVu Sans")
"""Faces for words, the first one installed wins; all are wide enough apart to read 0 from O."""

BASE_POINTS = 9.6
"""Text size at 100 percent."""

_SHEET = Template("""
QMainWindow, QDialog { background: $bg; }
QMainWindow::separator { background: transparent; width: 5px; height: 5px; }
QMainWindow::separator:hover { background: $raised; }
QToolTip { background: $raised; color: $text; border: 1px solid $line; padding: 5px 8px; }

QMenuBar { background: $bg; color: $text; border: none; padding: 3px 2px 0 2px; spacing: 4px; }
QMenuBar::item { background: transparent; padding: 5px 9px; border-radius: 5px; color: $dim; }
QMenuBar::item:selected, QMenuBar::item:pressed { background: $raised; color: $text; }
QMenu { background: $panel; border: 1px solid $line; border-radius: 6px; padding: 6px; }
QMenu::item { padding: 6px 26px 6px 28px; border-radius: 4px; color: $text; }
QMenu::item:selected { background: $sel; }
QMenu::item:disabled { color: $faint; background: transparent; }
QMenu::separator { height: 1px; background: $line; margin: 5px 8px; }
QMenu::section { color: $dim; padding: 5px 10px; }
QMenu::icon { padding-left: 8px; }
QMenu::indicator { width: 14px; height: 14px; margin-left: 8px; }

QToolBar { background: $bg; border: none; border-bottom: 1px solid $line; padding: 4px 4px 9px 3px; spacing: 4px; }
QToolBar QToolButton { background: $raised; color: $text; border: 1px solid $line; border-radius: 6px;
    padding: 5px 6px; }
QToolBar QToolButton[icononly="true"] { padding: 5px 2px; }
QToolBar QToolButton:hover { border-color: $faint; background: $hover; }
QToolBar QToolButton:pressed, QToolBar QToolButton[open="true"] { background: $sel; border-color: $accent; }
QToolBar QToolButton:focus { border-color: $accent; }
QToolBar QToolButton:disabled { color: $faint; background: $panel; }
QToolBar QToolButton#qt_toolbar_ext_button { padding: 0; border: none; background: $sel; }
QToolBar::separator { background: transparent; width: 6px; }

QStatusBar { background: $bg; color: $dim; border-top: 1px solid $line; min-height: $bar; margin-top: 7px; }
QStatusBar::item { border: none; }
QLabel[role="dim"] { color: $dim; }
QLabel[role="strong"] { color: $text; font-weight: 600; }
QLabel[role="error"] { color: $bad; }
QLabel[role="warn"] { color: $warn; }
QLabel[role="good"] { color: $good; }
QLabel[role="title"] { color: $text; font-weight: 600; }

QFrame#messagebar, QFrame#welcome, QFrame#recovery { background: $panel; border: 1px solid $line; border-radius: 8px; }
QFrame#messagebar[level="refused"], QFrame#messagebar[level="warning"] { border-color: $warn; }
QFrame#messagebar[level="error"], QFrame#messagebar[level="internal"] { border-color: $bad; }
QFrame#messagebar[level="info"] { border-color: $accent; }
QFrame#welcome, QFrame#recovery { border-color: $warn; }

QFrame#form { background: $panel; border: 1px solid $faint; border-radius: 9px; }
QWidget#formhead { border-bottom: 1px solid $line; }
QLabel#preview { color: $dim; }

QPushButton { background: $raised; color: $text; border: 1px solid $line; border-radius: 6px; padding: 5px 13px; }
QPushButton:hover { border-color: $faint; background: $hover; }
QPushButton:pressed { background: $sel; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $faint; background: $panel; }
QPushButton[primary="true"] { background: $accent; border-color: $accent; color: $onaccent; font-weight: 600; }
QPushButton[primary="true"]:focus { border-color: $text; }
QPushButton[flat="true"], QPushButton:flat { background: transparent; border-color: transparent; color: $accent; }
QPushButton:flat:hover { background: $raised; }
QToolButton[quiet="true"] { background: transparent; border: none; border-radius: 4px; padding: 3px; }
QToolButton[quiet="true"]:hover { background: $raised; }

QLineEdit, QComboBox, QPlainTextEdit, QTextEdit { background: $bg; color: $text;
    border: 1px solid $line; border-radius: 5px; padding: 4px 7px; placeholder-text-color: $faint;
    selection-background-color: $sel;
    selection-color: $text; }
QLineEdit:focus, QComboBox:focus { border-color: $accent; }
QLineEdit[fault="true"], QComboBox[fault="true"] { border: 1px solid $bad; }
QCheckBox[fault="true"] { color: $bad; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: url("$down"); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $panel; border: 1px solid $line; selection-background-color: $sel;
    selection-color: $text; outline: none; padding: 4px; }
QCheckBox { color: $text; spacing: 6px; }
QCheckBox::indicator { width: 1em; height: 1em; border: 1px solid $faint; border-radius: 3px; background: $bg; }
QCheckBox::indicator:focus, QCheckBox::indicator:hover { border-color: $accent; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url("$tick"); }
QCheckBox::indicator:disabled { border-color: $line; background: $panel; }

QProgressBar { background: $raised; border: none; border-radius: 4px; max-height: 8px; min-width: 120px; }
QProgressBar::chunk { background: $accent; border-radius: 4px; }

QTabBar { background: transparent; qproperty-drawBase: 0; qproperty-elideMode: ElideNone; }
QTabBar::tab { background: transparent; color: $dim; padding: 3px 4px 4px 4px; border: none;
    border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 1px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 1px; }
QScrollBar::handle { background: $line; border-radius: 4px; min-height: 26px; min-width: 26px; }
QScrollBar::handle:hover { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QTextBrowser { background: $panel; color: $text; border: 1px solid $line; border-radius: 8px; padding: 12px; }
""")


def style_sheet(theme: Theme) -> str:
    """The application's style sheet in the colours of ``theme``."""
    names = ("bg", "panel", "raised", "line", "text", "dim", "faint", "accent", "sel", "good", "bad", "warn")
    colours = {name: theme.color(name).name() for name in names}
    raised = theme.color("raised")
    colours["bar"] = f"{max(26, QFontMetrics(QApplication.font()).height() + 10)}px"
    colours["hover"] = (raised.lighter(118) if theme.dark else raised.darker(104)).name()
    colours["down"] = resource("icons/down.svg").as_posix()
    tick = "tick-light" if theme.on(theme.color("accent")).lightnessF() > 0.5 else "tick-dark"
    colours["tick"] = resource(f"icons/{tick}.svg").as_posix()
    colours["onaccent"] = theme.on(theme.color("accent")).name()
    return _SHEET.substitute(colours)


def app_font(percent: int = 100) -> QFont:
    """The face of words, ``percent`` of the base size."""
    installed = set(QFontDatabase.families())
    face = next((name for name in FACES if name in installed), QFont().family())
    font = QFont(face)
    if face == "DejaVu Sans Condensed" or (face == "DejaVu Sans" and "DejaVu Sans Condensed" not in installed):
        font = QFont("DejaVu Sans")
        font.setStretch(QFont.Stretch.SemiCondensed)
    font.setPointSizeF(BASE_POINTS * percent / 100)
    return font


def actual_theme(name: str) -> str:
    """``dark`` or ``light`` for a choice that may be "system"."""
    if name != "system":
        return name
    return "light" if QApplication.styleHints().colorScheme() == Qt.ColorScheme.Light else "dark"
