"""How the window looks: its theme and the size of its text, taken on together and only once for a row of wishes."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QToolBar, QWidget
from shiboken6 import isValid

from rmapexplorer.gui.renewal import renewed
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
        self._pause.timeout.connect(self._begin)
        self._turns = QTimer(self)
        self._turns.setInterval(0)
        self._turns.timeout.connect(self._turn)
        self._under_way: Generator[None, None, None] | None = None
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
        """Look as is wished, at once; nothing is done where it looks so already."""
        self._pause.stop()
        self._turns.stop()
        for steps in (self._under_way, self._steps()):
            for _ in steps or ():
                pass
        self._under_way = None

    @property
    def working(self) -> bool:
        """True while a wish waits or is carried out."""
        return self._pause.isActive() or self._turns.isActive()

    def stop(self) -> None:
        """The window closes: what is half done stays so."""
        self._pause.stop()
        self._turns.stop()
        if self._under_way is not None:
            self._under_way.close()
            self._under_way = None

    def _begin(self) -> None:
        if self._under_way is None:
            self._under_way = self._steps()
            self._turns.start()
        else:
            self._pause.start()  # one change after the other

    def _turn(self) -> None:
        if self._under_way is None or next(self._under_way, self) is self:
            self._under_way = None
            self._turns.stop()

    def _steps(self) -> Generator[None, None, None]:
        """Takes the look on in pieces: between two of them events run, but nothing is painted until all is done."""
        window = self._window
        name, font = actual_theme(self.theme), app_font(window.settings.text_percent)
        resized = font.pointSizeF() != QApplication.font().pointSizeF()
        if not resized and name == window.themes.current.name:
            return
        held = [part for part in _parts(window) if part.isVisible() and part.updatesEnabled()]
        for part in held:
            part.setUpdatesEnabled(False)
        window.layout().setEnabled(False)  # while there is no sheet the docks would give and take heights
        try:
            yield from self._change(name, font if resized else None)
            while held:
                _show(held.pop())
                yield
        finally:
            if isValid(window):
                window.layout().setEnabled(True)
            for part in held:
                _show(part)

    def _change(self, name: str, font: QFont | None) -> Generator[None, None, None]:
        window = self._window
        if font is not None:
            # in this order: taking the sheet away hands the font down; without a sheet, what had one would keep its old font
            _app().setFont(font)
        _app().setStyleSheet("")  # views are made and measured twice as fast without it
        yield
        if font is not None:
            yield from renewed(window)
        window.themes.choose(name)
        self.restyle(window.themes.current)
        window.layout().setEnabled(True)
        QCoreApplication.postEvent(window, QEvent(QEvent.Type.LayoutRequest))
        yield
        window.themes.changed.emit(window.themes.current)
        if font is not None:
            _tell_font()  # the style sheet gave some the font of before
        window.docks.shares.soon()  # taking a sheet away and setting one moves the docks a little
        yield

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


def _show(part: QWidget) -> None:
    if isValid(part):
        part.setUpdatesEnabled(True)


def _parts(window: MainWindow) -> list[QWidget]:
    """What is painted one after the other, the last first: bars, docks and other windows."""
    bars: list[QWidget] = [window.menuBar(), window.statusBar(), *window.findChildren(QToolBar)]
    others = [one for one in QApplication.topLevelWidgets() if one is not window]
    return list(dict.fromkeys([*others, *window.docks.docks.values(), *bars]))


def _app() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return app
