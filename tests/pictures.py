"""Pictures of every perspective at every size, theme and size of text, to be looked at: ``python -m tests.pictures DIR [FILE...]``.

One process for each file, theme, text and scale, as a scale is for a whole process. ``DIR/sheet-....png`` shows all sizes of
one file, theme and text side by side.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from rmapexplorer.gui.window import MainWindow

SIZES = ((1024, 700), (1280, 800), (1440, 900), (1920, 1080))
LARGE = (1920, 1080)
"""With scale 2 a picture of 3840x2160."""
TEXTS = (100, 200)
LIMIT = 300.0
"""Seconds after which a picture is taken of what shows, and said so."""
CELL = 640
"""Width of a picture on a contact sheet, in pixels."""


def main(argv: list[str]) -> int:
    """All of them, of the letter's scenario and of the files given."""
    from rmapexplorer.gui.theme import load_themes
    from rmapexplorer.resources import resource

    if not argv or argv[0].startswith("-"):
        print("usage: python -m tests.pictures DIR [FILE...]", file=sys.stderr)
        return 2
    folder = Path(argv[0])
    folder.mkdir(parents=True, exist_ok=True)
    for file in argv[1:] or [str(resource("scenarios/the-letter-in-six-operations.rmap"))]:
        for theme in load_themes():
            for text in TEXTS:
                stem = f"{Path(file).name.split('.')[0]}-{theme}-{text}"
                for scale in (1, 2):
                    told = os.environ | {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": str(scale)}
                    command = [
                        sys.executable,
                        "-m",
                        "tests.pictures",
                        "--one",
                        str(folder),
                        file,
                        theme,
                        str(text),
                        str(scale),
                    ]
                    subprocess.run(command, env=told, check=True)
                sheet(folder, stem)
                print(folder / f"sheet-{stem}.png", flush=True)
    return 0


def one(folder: str, file: str, theme: str, text: str, scale: str) -> int:
    """Every perspective at every size of one scale."""
    from rmapexplorer.gui import app as start
    from rmapexplorer.gui.perspectives import PERSPECTIVES
    from rmapexplorer.gui.settings import Settings

    app = start.make_application()
    stem = f"{Path(file).name.split('.')[0]}-{theme}-{text}"
    with tempfile.TemporaryDirectory() as scratch:
        options = Namespace(file=file, theme=theme, screenshot="-", size=None, reset_settings=False)
        settings: Settings = start.make_settings(options, scratch)
        settings.text_percent, settings.reduced_motion = int(text), True
        window = start.make_window(app, settings, options)
        for width, height in SIZES if scale == "1" else (LARGE,):
            window.resize(width, height)
            for name in PERSPECTIVES:
                window.commands.run(f"perspective_{name.lower()}", {})
                _rest(app, window)
                factor = int(scale)
                window.grab().save(f"{folder}/{stem}-{name}-{width * factor}x{height * factor}.png")
        window.bridge.stop()
    return 0


def _rest(app: QApplication, window: MainWindow) -> None:
    from rmapexplorer.gui.calm import Calm

    calm, until = Calm(window), time.monotonic() + LIMIT
    while not calm.look():
        app.processEvents()
        time.sleep(0.02)
        if time.monotonic() > until:
            print(f"after {LIMIT:g} s: {calm.trouble()}", file=sys.stderr)
            return


def sheet(folder: Path, stem: str) -> None:
    """A contact sheet: perspectives across, sizes down."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QColor, QImage, QPainter

    from rmapexplorer.gui.perspectives import PERSPECTIVES

    sizes = [*SIZES, (2 * LARGE[0], 2 * LARGE[1])]
    highs = [round(CELL * height / width) for width, height in sizes]
    whole = QImage(CELL * len(PERSPECTIVES), sum(highs), QImage.Format.Format_RGB32)
    whole.fill(QColor("#808080"))
    painter, top = QPainter(whole), 0
    for (width, height), high in zip(sizes, highs, strict=True):
        for number, name in enumerate(PERSPECTIVES):
            picture = QImage(str(folder / f"{stem}-{name}-{width}x{height}.png"))
            small = picture.scaledToWidth(CELL - 6, Qt.TransformationMode.SmoothTransformation)
            painter.drawImage(number * CELL + 3, top + 3, small)
        top += high
    painter.end()
    whole.save(str(folder / f"sheet-{stem}.png"))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(one(*arguments[1:]) if arguments[:1] == ["--one"] else main(arguments))
