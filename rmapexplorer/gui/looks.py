"""How the window looks: its theme and the size of its text, taken on together and only once for a row of wishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from rmapexplorer.gui.style import actual_theme, app_font, style_sheet
from rmapexplorer.gui.theme import Theme

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

PAUSE_MS = 60
"""A wish is carried out when no other followed it for so long: keys pressed again and again are one change."""


class Looks(QObject):
    """Remembers what is wished at once, and carries it out at once or, ``soon``, when the wishes pause."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        current, remembered = window.themes.current.name, window.settings.theme
        self.theme = remembered if actual_theme(remembered) == current else current
        """The theme in use or wished, one of settings.THEMES; not the remembered one where this start was told another."""
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self.follow)
        window.themes.styled.connect(self.restyle)
        QApplication.styleHints().colorSchemeChanged.connect(self._system_theme)

    def use_theme(self, name: str, *, soon: bool = False) -> None:
        """Use and remember a theme: one of settings.THEMES."""
        self.theme = self._window.settings.theme = name
        self._wish(soon)

    def use_text(self, percent: int, *, soon: bool = False) -> None:
        """Use and remember a size of text in percent."""
        self._window.settings.text_percent = percent
        self._wish(soon)

    def _wish(self, soon: bool) -> None:
        if soon:
            self._pause.start()
        else:
            self.follow()

    def use_settings(self) -> None:
        """The settings were replaced as a whole: look as they say."""
        self.theme = self._window.settings.theme
        self.follow()

    def follow(self) -> None:
        """Look as is wished; nothing is done where it looks so already."""
        window = self._window
        self._pause.stop()
        name, font = actual_theme(self.theme), app_font(window.settings.text_percent)
        resized = font.pointSizeF() != QApplication.font().pointSizeF()
        if resized:
            # in this order: taking the sheet away hands the font down; without a sheet, what had one would keep its old font
            _app().setFont(font)
            _app().setStyleSheet("")  # views are made and measured twice as fast without it
            window.rebuild()
        if resized or name != window.themes.current.name:
            window.themes.use(name)
        if resized:
            _tell_font()  # the style sheet gave some the font of before
            window.docks.shares.soon()

    def restyle(self, theme: Theme) -> None:
        """Give the application the palette and style sheet of ``theme``."""
        app = _app()
        app.setStyleSheet("")  # changed in place it costs twice as much as taken away and set anew
        app.setPalette(theme.palette())
        app.setStyleSheet(style_sheet(theme))

    def _system_theme(self) -> None:
        if self.theme == "system":
            self.follow()


def _tell_font() -> None:
    """Qt tells the widgets of another font later, and one by one; here all have it at once."""
    for widget in QApplication.allWidgets():
        QCoreApplication.sendEvent(widget, QEvent(QEvent.Type.ApplicationFontChange))


def _app() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return app
