"""The windows beside the main one: gallery, design pages, plots of memory pressure. Each is made when it is first opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from rmapexplorer.gui.design_page import ChipMenu, DesignPages

if TYPE_CHECKING:
    from rmapexplorer.gui.gallery import Gallery
    from rmapexplorer.gui.pressure import PressureWindow
    from rmapexplorer.gui.window import MainWindow


class Windows(QObject):
    """Makes, keeps and shows them."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.gallery: Gallery | None = None
        self.designs: DesignPages | None = None
        self.pressure: PressureWindow | None = None
        self.chip_menu = ChipMenu(window.toolbar.row, window.bridge.view, self.show_design)

    def show_gallery(self) -> None:
        """All scenarios as cards."""
        from rmapexplorer.gui.gallery import Gallery

        if self.gallery is None:
            self.gallery = Gallery(self._window.themes, self._window)
            self.gallery.chosen.connect(self._window.files.pick)
            self.gallery.sized.connect(self._window.files.make)
        self.gallery.show()
        self.gallery.raise_()

    def show_design(self, key: str = "") -> None:
        """The page of a design; of the one in view where none is named."""
        if self.designs is None:
            self.designs = DesignPages(self._window.themes, self._window)
        frame = self._window.frame
        self.designs.show_design(key or (frame.view if frame is not None else ""))

    def show_pressure(self) -> None:
        """The designs under memory pressure."""
        from rmapexplorer.gui.pressure import PressureWindow  # pyqtgraph takes half a second

        if self.pressure is None:
            self.pressure = PressureWindow(self._window.themes, self._window.files.dialogs, self._window)
        self.pressure.show()
        self.pressure.raise_()

    def close_all(self) -> None:
        """Close them with the window; what runs for them ends."""
        for one in (self.gallery, self.designs, self.pressure):
            if one is not None:
                one.close()
