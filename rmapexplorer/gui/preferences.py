"""The preferences in a window of their own: every change applies at once; reset, export and import of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.player import FASTEST, SLOWEST
from rmapexplorer.gui.settings import TEXT_SCALES, THEMES

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

THEME_NAMES = {
    "dark": "Dark", "light": "Light", "contrast": "High contrast, dark", "contrast_light": "High contrast, light",
    "system": "As the desktop says",
}  # fmt: skip
LONGEST = "Text size"
"""The longest label: the fields stand below each other."""
INI = "Settings (*.ini)"
RESET, REALLY = "Reset all settings…", "Click again to reset"


def speeds() -> list[float]:
    """Operations a second that are offered, slowest first."""
    out = [SLOWEST]
    while out[-1] < FASTEST:
        out.append(out[-1] * 2)
    return out


class Preferences(QDialog):
    """Not modal. ``apply`` makes the window follow the settings after a reset or an import."""

    def __init__(self, window: MainWindow, apply: Callable[[], None]) -> None:
        super().__init__(window)
        self.setObjectName("preferences")
        self.setWindowTitle("Preferences")
        self._window, self._apply = window, apply
        self.theme, self.text, self.speed = QComboBox(), QComboBox(), QComboBox()
        self.motion = QCheckBox("Nothing moves by itself (reduced motion)")
        self.aside = QCheckBox(
            "Keep unsaved work aside, two seconds after a change at most, for the case that the program dies"
        )
        self.welcome = QCheckBox("Welcome strip over the built-in scenario")
        self.told = PlainLabel()
        self.told.setWordWrap(True)
        self.reset_button, self.export_button, self.import_button, self.close_button = (
            QPushButton(text) for text in (RESET, "Export…", "Import…", "Close")
        )
        self._build()
        self.fill()
        self._connect()

    def _build(self) -> None:
        for name in THEMES:
            self.theme.addItem(THEME_NAMES.get(name, name), name)
        for percent in TEXT_SCALES:
            self.text.addItem(f"{percent} %", percent)
        for speed in speeds():
            self.speed.addItem(f"{speed:g} operation{'s' * (speed != 1)} a second", speed)
        self._labels = self.fontMetrics().horizontalAdvance(LONGEST) + 8
        whole = QVBoxLayout(self)
        whole.setContentsMargins(20, 16, 20, 14)
        whole.setSpacing(8)
        for title, rows in (
            ("Looks", (("&Theme", self.theme), ("Te&xt size", self.text), ("", self.motion))),
            ("Playing", (("&Speed", self.speed),)),
            ("Keeping", (("", self.aside),)),
            ("Starting", (("", self.welcome),)),
        ):
            whole.addWidget(self._heading(title))
            whole.addLayout(self._form(rows))
        whole.addStretch(1)
        self.told.setProperty("role", "dim")
        whole.addWidget(self.told)
        foot = QHBoxLayout()
        for button in (self.reset_button, self.export_button, self.import_button):
            foot.addWidget(button)
        foot.addStretch(1)
        foot.addWidget(self.close_button)
        whole.addLayout(foot)
        for button in (self.reset_button, self.export_button, self.import_button, self.close_button):
            button.setAutoDefault(False)

    def _heading(self, title: str) -> QLabel:
        label = PlainLabel(title)
        label.setFont(scaled(self.font(), 1.0, bold=True))
        label.setContentsMargins(0, 6, 0, 0)
        return label

    def _form(self, rows: tuple[tuple[str, QWidget], ...]) -> QFormLayout:
        form = QFormLayout()
        form.setContentsMargins(12, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for label, widget in rows:
            if label:
                form.addRow(label, widget)
                words = form.labelForField(widget)
                words.setMinimumWidth(max(words.sizeHint().width(), self._labels))
                widget.setAccessibleName(label.replace("&", ""))
            else:
                form.addRow(widget)
        return form

    def _connect(self) -> None:
        self.theme.activated.connect(lambda: self._window.looks.use_theme(self.theme.currentData(), soon=True))
        self.text.activated.connect(lambda: self._window.looks.use_text(self.text.currentData(), soon=True))
        self.speed.activated.connect(lambda: self._window.player.set_speed(self.speed.currentData()))
        self.motion.clicked.connect(self._move)
        self.aside.clicked.connect(self._keep)
        self.welcome.clicked.connect(self._greet)
        self.reset_button.clicked.connect(self._reset)
        self.export_button.clicked.connect(self._export)
        self.import_button.clicked.connect(self._import)
        self.close_button.clicked.connect(self.close)
        self._window.player.speed_changed.connect(self._changed)
        self._window.themes.changed.connect(self._changed)

    def fill(self) -> None:
        """Show what the settings are now."""
        settings = self._window.settings
        self.theme.setCurrentIndex(self.theme.findData(settings.theme))
        self.text.setCurrentIndex(self.text.findData(settings.text_percent))
        self.speed.setCurrentIndex(min(range(len(speeds())), key=lambda n: abs(speeds()[n] - settings.speed)))
        self.motion.setChecked(settings.reduced_motion)
        self.aside.setChecked(settings.keep_aside)
        self.welcome.setChecked(settings.welcome)

    def _changed(self, _: object) -> None:
        self.fill()

    def _move(self, reduced: bool) -> None:
        if reduced != self._window.settings.reduced_motion:
            self._window.commands.run("reduced_motion", {})

    def _keep(self, keep: bool) -> None:
        self._window.settings.keep_aside = keep

    def _greet(self, show: bool) -> None:
        self._window.settings.welcome = show

    # -- all of them --------------------------------------------------------------------------------------------------

    def _reset(self) -> None:
        if self.reset_button.text() == RESET:
            self.reset_button.setText(REALLY)
            self.told.setText("Theme, text size, layouts, recent files: everything goes back to how it came.")
            return
        self.reset_button.setText(RESET)
        self._window.settings.clear()
        self._took("All settings are as they came.")

    def _export(self) -> None:
        self._window.files.dialogs.ask_save("rmapexplorer-settings.ini", INI, "ini", self.export_to)

    def export_to(self, path: str) -> None:
        """Write the settings to a file."""
        done = self._window.settings.export_to(path)
        self.told.setText(
            f"The settings are in {path}." if done else f"{path} cannot be written; choose another place."
        )

    def _import(self) -> None:
        self._window.files.dialogs.ask_open("", self.import_from)

    def import_from(self, path: str) -> None:
        """Take the settings over from a file."""
        if self._window.settings.import_from(path):
            self._took(f"The settings of {path} are in force.")
        else:
            self.told.setText(f"{path} holds no settings; choose a file that Export wrote.")

    def _took(self, sentence: str) -> None:
        self._apply()
        self.fill()
        self.told.setText(sentence)
