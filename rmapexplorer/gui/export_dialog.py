"""The dialog that asks which part of the window becomes a picture, and how large."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDialog, QFormLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from rmapexplorer.gui.export_pictures import SCALES, pixels
from rmapexplorer.gui.plain_text import PlainLabel

WINDOW = "window"
"""Key of the whole window among the parts."""


class PictureDialog(QDialog):
    """Not modal. ``chosen`` carries the part's key, the scale and "png" or "svg".

    :param parts: key -> title and widget, in order.
    """

    chosen = Signal(str, int, str)

    def __init__(self, parts: Mapping[str, tuple[str, QWidget]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("picture")
        self.setWindowTitle("Export a picture")
        self._parts = parts
        self.part, self.scale = QComboBox(), QComboBox()
        for key, (title, _) in parts.items():
            self.part.addItem(title, key)
        for scale in SCALES:
            self.scale.addItem(f"{scale} ×", scale)
        self.scale.setCurrentIndex(1)
        self.told = PlainLabel()
        self.told.setProperty("role", "dim")
        self.told.setWordWrap(True)
        self.png_button, self.svg_button, self.close_button = (
            QPushButton(text) for text in ("Save PNG…", "Save SVG…", "Close")
        )
        self._build()
        self.part.currentIndexChanged.connect(self._tell)
        self.scale.currentIndexChanged.connect(self._tell)
        self.png_button.clicked.connect(lambda: self._choose("png"))
        self.svg_button.clicked.connect(lambda: self._choose("svg"))
        self.close_button.clicked.connect(self.close)
        self._tell()

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(20, 16, 20, 14)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("&Part", self.part)
        form.addRow("&Scale of a PNG", self.scale)
        whole.addLayout(form)
        whole.addWidget(self.told)
        whole.addSpacing(8)
        foot = QHBoxLayout()
        foot.addStretch(1)
        self.png_button.setProperty("primary", True)
        self.png_button.setDefault(True)
        for button in (self.png_button, self.svg_button, self.close_button):
            button.setAutoDefault(button is self.png_button)
            foot.addWidget(button)
        whole.addLayout(foot)
        self.setMinimumWidth(420)

    def _choose(self, suffix: str) -> None:
        self.chosen.emit(self.part.currentData(), self.scale.currentData(), suffix)

    def _tell(self) -> None:
        size = pixels(self._parts[self.part.currentData()][1], self.scale.currentData())
        self.told.setText(f"{size.width():,} × {size.height():,} pixels. An SVG has no pixels: any size is sharp.")
