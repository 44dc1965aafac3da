"""What the program remembers between two starts: one typed module over one Ini file."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths

from rmapexplorer.formats import writing
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.reading import opened

LAYOUT_VERSION = 3
"""Goes into saveState: raised when the set of docks changes, so that an old layout is not restored wrongly."""

SETTINGS_BYTES = 1 << 20
"""Bytes of a file of settings, which has about two thousand."""
RECENT_LIMIT = 10
FILES_LIMIT = 100
"""Files whose way of showing addresses is remembered."""
TEXT_SCALES = (80, 90, 100, 110, 125, 150, 175, 200)
"""Sizes of the text in percent of the default."""

THEMES = ("dark", "light", "contrast", "contrast_light", "system")

SHARED = ("look/", "time/", "welcome/", "window/perspective", "layouts/", "files/keep_aside")
"""Beginnings of the keys that go from one installation to another; recent files and the window's place do not."""


class Settings:
    """Typed access with defaults; a damaged value reads as its default.

    :param store: where they live; without one the user's own Ini file.
    """

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store or QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "rmapexplorer", "rmapexplorer"
        )

    @property
    def theme(self) -> str:
        """One of THEMES."""
        value = self._read("look/theme", "dark")
        return value if value in THEMES else "dark"

    @theme.setter
    def theme(self, name: str) -> None:
        self._store.setValue("look/theme", name)

    @property
    def text_percent(self) -> int:
        """One of TEXT_SCALES."""
        value = self._whole("look/text_percent", 100)
        return value if value in TEXT_SCALES else 100

    @text_percent.setter
    def text_percent(self, percent: int) -> None:
        self._store.setValue("look/text_percent", percent)

    @property
    def speed(self) -> float:
        """Operations a second while playing."""
        try:
            return min(64.0, max(0.25, float(self._read("time/speed", "2"))))
        except ValueError:
            return 2.0

    @speed.setter
    def speed(self, per_second: float) -> None:
        self._store.setValue("time/speed", str(per_second))

    @property
    def reduced_motion(self) -> bool:
        """True where nothing is to move by itself."""
        return self._read("look/reduced_motion", "no") == "yes"

    @reduced_motion.setter
    def reduced_motion(self, reduced: bool) -> None:
        self._store.setValue("look/reduced_motion", "yes" if reduced else "no")

    @property
    def keep_aside(self) -> bool:
        """Whether what is not saved is kept in a side file. Up to 0.8 this was a number of seconds, 0 for never."""
        return (
            self._read("files/keep_aside", "no" if self._read("files/autosave_seconds", "") == "0" else "yes") == "yes"
        )

    @keep_aside.setter
    def keep_aside(self, keep: bool) -> None:
        self._store.setValue("files/keep_aside", "yes" if keep else "no")

    @property
    def perspective(self) -> str:
        """Name of the arrangement chosen last."""
        return self._read("window/perspective", "Explore")

    @perspective.setter
    def perspective(self, name: str) -> None:
        self._store.setValue("window/perspective", name)

    @property
    def addresses(self) -> dict[str, str]:
        """How the places of a file were shown last ("pages", "bytes"), by its path; those chosen last come last."""
        value: Any = self._store.value("files/addresses", [])
        lines = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        pairs = (str(line).partition(" ") for line in lines)
        return {path: kind for kind, _, path in pairs if kind in ("pages", "bytes")}

    def keep_addresses(self, path: str, kind: str) -> None:
        """Show the places of this file so when it is opened again."""
        known = {other: how for other, how in self.addresses.items() if other != path} | {path: kind}
        lines = [f"{how} {other}" for other, how in known.items()]
        self._store.setValue("files/addresses", lines[-FILES_LIMIT:])

    @property
    def arrangements(self) -> dict[str, QByteArray]:
        """Layouts the user saved, by name."""
        names: Any = self._store.value("layouts/names", [])
        names = [names] if isinstance(names, str) else names if isinstance(names, list) else []
        found = {str(name): self._bytes(f"layouts/state_{number}") for number, name in enumerate(names)}
        return {name: state for name, state in found.items() if not state.isEmpty()}

    @arrangements.setter
    def arrangements(self, states: dict[str, QByteArray]) -> None:
        self._store.setValue("layouts/names", list(states))
        for number, state in enumerate(states.values()):
            self._store.setValue(f"layouts/state_{number}", state)

    @property
    def breakpoints(self) -> list[str]:
        """Conditions that stop a run, those that are off with a minus before them."""
        value: Any = self._store.value("time/breakpoints", [])
        lines = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [line for line in lines if isinstance(line, str) and line.strip("-")]

    @breakpoints.setter
    def breakpoints(self, lines: list[str]) -> None:
        self._store.setValue("time/breakpoints", list(lines))

    @property
    def welcome(self) -> bool:
        """True until the welcome strip was dismissed."""
        return self._read("welcome/show", "yes") != "no"

    @welcome.setter
    def welcome(self, show: bool) -> None:
        self._store.setValue("welcome/show", "yes" if show else "no")

    @property
    def toured(self) -> bool:
        """True once the tour was shown."""
        return self._read("welcome/toured", "no") == "yes"

    @toured.setter
    def toured(self, shown: bool) -> None:
        self._store.setValue("welcome/toured", "yes" if shown else "no")

    @property
    def recent(self) -> list[str]:
        """Paths of the files opened or saved last, newest first."""
        value: Any = self._store.value("files/recent", [])
        paths = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [path for path in paths if isinstance(path, str) and path][:RECENT_LIMIT]

    @recent.setter
    def recent(self, paths: list[str]) -> None:
        self._store.setValue("files/recent", paths[:RECENT_LIMIT])

    @property
    def folder(self) -> str:
        """Where a file dialog begins: the folder used last while it is there, else the user's documents, else their home."""
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        known = (self._read("files/folder", ""), documents)
        return next((path for path in known if path and Path(path).is_dir()), str(Path.home()))

    @folder.setter
    def folder(self, path: str) -> None:
        self._store.setValue("files/folder", path)

    @property
    def layout(self) -> QByteArray:
        """saveState of the window, empty at first."""
        return self._bytes("window/state")

    @layout.setter
    def layout(self, state: QByteArray) -> None:
        self._store.setValue("window/state", state)

    @property
    def geometry(self) -> QByteArray:
        """saveGeometry of the window, empty at first."""
        return self._bytes("window/geometry")

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._store.setValue("window/geometry", geometry)

    def clear(self) -> None:
        """Forget everything (``--reset-settings``)."""
        self._store.clear()
        self._store.sync()

    def sync(self) -> None:
        """Write to disk now."""
        self._store.sync()

    def export_to(self, path: str) -> bool:
        """Write all but the files and folders used to an Ini file of its own; False where that cannot be written."""
        with TemporaryDirectory(prefix="rmapexplorer-") as folder:
            scratch = Path(folder) / "settings.ini"
            other = QSettings(str(scratch), QSettings.Format.IniFormat)
            other.setValue("look/theme", self.theme)  # a file without anything would not be written
            for key in self._store.allKeys():
                if key.startswith(SHARED):
                    other.setValue(key, self._store.value(key))
            other.sync()
            try:
                writing.write(path, (scratch.read_bytes(),))
            except OSError:
                return False
        return True

    def import_from(self, path: str) -> bool:
        """Take over what ``export_to`` wrote; False, and nothing is changed, where the file holds no settings."""
        with TemporaryDirectory(prefix="rmapexplorer-") as folder:
            scratch = Path(folder) / "settings.ini"
            try:
                with opened(path) as source:
                    scratch.write_bytes(source.read_all(SETTINGS_BYTES))
            except FormatError:
                return False
            return self._take(QSettings(str(scratch), QSettings.Format.IniFormat))

    def _take(self, other: QSettings) -> bool:
        keys = [key for key in other.allKeys() if key.startswith(SHARED)]
        if other.status() != QSettings.Status.NoError or not keys:
            return False
        for key in keys:
            self._store.setValue(key, other.value(key))
        return True

    def _read(self, key: str, default: str) -> str:
        value: Any = self._store.value(key, default)
        return value if isinstance(value, str) else str(value)

    def _whole(self, key: str, default: int) -> int:
        text = self._read(key, str(default))
        return int(text) if text.isdecimal() and len(text) < 10 else default

    def _bytes(self, key: str) -> QByteArray:
        value: Any = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()
