"""One measurement in a process of its own: prints its results as one line of JSON."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from rmapexplorer.gui.app import SWITCH_INTERVAL


def first_frame(settings: str) -> int:
    """Open the window as a user does; print the monotonic time of its first painted frame, and end."""
    from PySide6.QtCore import QEvent, QObject, QSettings

    from rmapexplorer.gui import app as start
    from rmapexplorer.gui.settings import Settings

    app = start.make_application()
    own = Settings(QSettings(settings, QSettings.Format.IniFormat))
    own.autosave_seconds = 0
    options = argparse.Namespace(file=None, screenshot=None, size=None, theme=None, reset_settings=False)
    window = start.make_window(app, own, options)

    class First(QObject):
        """Ends the application at the first paint that shows a state."""

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
            """Paint events of the map, once there is a frame."""
            if event.type() == QEvent.Type.Paint and window.frame is not None and not self.property("done"):
                self.setProperty("done", True)
                print(time.monotonic())
                app.exit(0)
            return False

    first = First()
    window.views["memory_map"].installEventFilter(first)
    for child in window.views["memory_map"].findChildren(QObject):
        child.installEventFilter(first)
    code = app.exec()
    window.bridge.stop()
    if window.trouble is not None:
        window.trouble.uninstall()
    return code


def main() -> int:
    """What the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m rmapexplorer.gui.bench")
    parser.add_argument("trial", nargs="?", help="one of the trials")
    parser.add_argument("--first-frame", metavar="INI", help="only start, and print when the first frame was painted")
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
