"""One measurement in a process of its own: prints its results as one line of JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rmapexplorer.gui.app import SWITCH_INTERVAL

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow


def first_frame(home: str) -> int:
    """Open the window as a user does; print the monotonic time of its first painted frame, and end.

    :param home: a folder for the settings of this start.
    """
    os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_STATE_HOME"] = home
    from rmapexplorer.gui import app as start

    return start.run([], _end_at_first_frame)


def _end_at_first_frame(window: MainWindow) -> None:
    from PySide6.QtCore import QEvent, QObject
    from PySide6.QtWidgets import QApplication

    class First(QObject):
        """Ends the application at the first paint that shows a state."""

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
            """Paint events of the map, once there is a frame."""
            if event.type() == QEvent.Type.Paint and window.frame is not None and not self.property("done"):
                self.setProperty("done", True)
                print(time.monotonic())
                QApplication.exit(0)
            return False

    first = First(window)
    for child in (window.views["memory_map"], *window.views["memory_map"].findChildren(QObject)):
        child.installEventFilter(first)


def main() -> int:
    """What the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m rmapexplorer.gui.bench")
    parser.add_argument("trial", nargs="?", help="one of the trials")
    parser.add_argument(
        "--first-frame", metavar="FOLDER", help="only start, and print when the first frame was painted"
    )
    parser.add_argument("--options", default="{}", help="sizes as JSON")
    given = parser.parse_args()
    sys.setswitchinterval(SWITCH_INTERVAL)
    if given.first_frame:
        return first_frame(given.first_frame)
    from rmapexplorer.gui.bench.trials import TRIALS

    with tempfile.TemporaryDirectory(prefix="rmapexplorer-bench-") as scratch:
        results = TRIALS[given.trial](Path(scratch), json.loads(given.options))
    print(json.dumps([result.as_json() for result in results]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
