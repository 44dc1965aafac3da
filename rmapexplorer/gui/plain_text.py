"""Text of a file in the window: letters, whatever it looks like. Qt takes what begins like HTML for HTML.

A label that guesses (Qt.AutoText, the default) is never used: ``PlainLabel`` shows letters, a label of rich text says so and
is given escaped parts. A tool tip always guesses, so that what stands in it goes through ``plain_tip``.
"""

from __future__ import annotations

from html import escape

from PySide6 import QtGui
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel


class PlainLabel(QLabel):
    """A label that shows its text as it is."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[call-overload]
        self.setTextFormat(Qt.TextFormat.PlainText)


def plain_tip(text: str) -> str:
    """A tool tip that shows the text as it is: escaped where Qt would take it for HTML, else unchanged."""
    if not QtGui.Qt.mightBeRichText(text):
        return text
    return f"<div style='white-space: pre-wrap'>{escape(text)}</div>"
