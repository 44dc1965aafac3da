"""The end of a window: what is asked before, and what is put in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from rmapexplorer.gui.fence import Fence

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow


def may_close(window: MainWindow) -> bool:
    """Whether nothing is lost; where something is being written or not saved, it is waited or asked, and closed then."""
    files = window.files
    if window.ending or not (files.saving or (files.modified and not window._sure)):
        return True

    def sure() -> None:
        window._sure = True
        QTimer.singleShot(0, window, window.close)

    files.leave(sure)
    return False


def shut(window: MainWindow) -> None:
    """Remember the arrangement; stop what runs, the engine last."""
    window.looks.stop()
    window.player.pause()
    window.commands.close_form()
    settings = window.settings
    settings.layout, settings.geometry = window.docks.save(), window.saveGeometry()
    settings.sync()
    window.menus.windows.close_all()
    with Fence() as fence:
        for feature in window.features:
            fence.call(feature.closing)
    window.bridge.stop()
