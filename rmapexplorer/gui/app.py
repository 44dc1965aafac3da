"""Start-up: everything is made here, once, and passed on. Nothing of Qt is imported before it is needed."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rmapexplorer import __version__, screen, usage
from rmapexplorer.resources import resource

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from rmapexplorer.gui.settings import Settings
    from rmapexplorer.gui.window import MainWindow

SWITCH_INTERVAL = 0.0005
"""Seconds a busy engine thread may keep the interpreter; Python's own 5 ms makes curves stutter."""

SCENARIO = "scenarios/the-letter-in-six-operations.rmap"


def run(argv: Sequence[str], watch: Callable[[MainWindow], None] | None = None) -> int:
    """Open the window, or with ``--screenshot`` make a picture of it; the exit code. ``watch`` is told of the window.

    :raises SystemExit: wrong usage, or help, which was printed.
    """
    options = usage.window_options(argv)
    if trouble := choose_screen(options.screenshot is not None):
        return usage.complain(trouble, usage.NO_START)
    sys.setswitchinterval(SWITCH_INTERVAL)
    os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
    import rmapexplorer.engine.engine  # noqa: F401 - PySide reads the source of every module that is imported after it

    app = make_application()
    from PySide6.QtGui import QFontMetrics

    from rmapexplorer.gui.icons import icon
    from rmapexplorer.gui.signals import heed

    if not QFontMetrics(app.font()).inFont("a"):
        return usage.complain(screen.no_font(), usage.NO_START)

    with tempfile.TemporaryDirectory(prefix="rmapexplorer-") as scratch:
        settings = make_settings(options, scratch)
        window = make_window(app, settings, options)
        signals = heed(app, window)
        calm_garbage_collection()
        app.setWindowIcon(icon("app", window.themes.current, 64))
        if options.screenshot:
            from rmapexplorer.gui.screenshot import Screenshot

            shot = Screenshot(window, options.screenshot)
            code = shot.take(app)
        else:
            if watch is not None:
                watch(window)
            window.first_start()
            code = app.exec()
        window.bridge.stop()
        if window.trouble is not None:
            window.trouble.uninstall()
        signals.uninstall()
    return code


def choose_screen(picture: bool) -> str:
    """Pick Qt's platform where the environment does not; a sentence where there is no screen to open a window on."""
    if picture and not os.environ.get("QT_QPA_PLATFORM"):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return screen.unreachable()


def make_application() -> QApplication:
    """The QApplication with its names and style."""
    from PySide6.QtCore import QCoreApplication, Qt
    from PySide6.QtWidgets import QApplication

    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontShowIconsInMenus, False)
    QCoreApplication.setOrganizationName("rmapexplorer")
    QCoreApplication.setApplicationName("rmapexplorer")
    QCoreApplication.setApplicationVersion(__version__)
    app = QApplication.instance() or QApplication([sys.argv[0]])
    assert isinstance(app, QApplication)
    app.setDesktopFileName("rmapexplorer")
    app.setStyle("Fusion")
    return app


def make_settings(options: argparse.Namespace, scratch: str) -> Settings:
    """The user's settings; for a picture fresh ones that nobody will miss."""
    from PySide6.QtCore import QSettings

    from rmapexplorer.gui.settings import Settings

    if options.screenshot:
        settings = Settings(QSettings(str(Path(scratch) / "settings.ini"), QSettings.Format.IniFormat))
        settings.welcome = False
        settings.keep_aside = False
    else:
        settings = Settings()
    if options.reset_settings:
        settings.clear()
    return settings


GARBAGE_THRESHOLDS = (1000, 20, 500)
"""Young objects are looked at as often as ever, all of them after some ten million more: that takes a quarter of a second
of a large session, in which the window stands still. Cycles that live long are few here."""


def calm_garbage_collection() -> None:
    """Leave what exists now out of all collections, and make full ones rare."""
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def make_window(app: QApplication, settings: Settings, options: argparse.Namespace) -> MainWindow:
    """Engine, bridge and window, shown; the file or the letter's scenario on its way."""
    from rmapexplorer.core.room import begin
    from rmapexplorer.designs.registry import DESIGNS
    from rmapexplorer.engine.engine import Engine
    from rmapexplorer.gui.bridge import Bridge
    from rmapexplorer.gui.placement import fit
    from rmapexplorer.gui.style import actual_theme, app_font
    from rmapexplorer.gui.theme import Themes
    from rmapexplorer.gui.trouble import Trouble
    from rmapexplorer.gui.window import MainWindow, restore

    begin()
    app.setFont(app_font(settings.text_percent))
    themes = Themes(actual_theme(options.theme or settings.theme))
    bridge = Bridge(Engine(), tuple(DESIGNS))
    window = MainWindow(bridge, settings, themes)
    trouble = Trouble()
    trouble.notice.connect(window.show_notice)
    trouble.install()
    window.trouble = trouble
    app.aboutToQuit.connect(bridge.stop)
    restore(window)
    if options.size or options.screenshot:
        window.resize(*(options.size or (1440, 900)))
    else:
        fit(window)
    bridge.start()
    window.show()
    scenario = str(resource(SCENARIO))
    if options.file and not options.screenshot:
        bridge.open_first(options.file, scenario)
    else:
        bridge.open(options.file or scenario)
    return window
