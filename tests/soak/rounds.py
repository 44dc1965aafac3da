"""Random saving in one window on the real engine: whatever is under way, a session called unmodified is in its file.

``python -m tests.soak.rounds --rounds 2000 --seed 1`` prints what was done, and fails with the first round that lies.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from attrs import define, field  # noqa: E402
from PySide6.QtCore import QEvent, QSettings  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from rmapexplorer.designs.registry import DESIGNS  # noqa: E402
from rmapexplorer.engine.bookmarks import SetBookmark  # noqa: E402
from rmapexplorer.engine.engine import Engine  # noqa: E402
from rmapexplorer.formats.session import load_session  # noqa: E402
from rmapexplorer.gui.bridge import Bridge  # noqa: E402
from rmapexplorer.gui.recovery import recovery_folder  # noqa: E402
from rmapexplorer.gui.settings import Settings  # noqa: E402
from rmapexplorer.gui.theme import Themes  # noqa: E402
from rmapexplorer.gui.window import MainWindow  # noqa: E402
from tests.gui.shell import FakeDialogs, plain_views  # noqa: E402
from tests.soak.work import Maker, missing  # noqa: E402

PATIENCE = 240.0


class Untrue(Exception):
    """The window said what is not so."""


@define(eq=False)
class Trial:
    """One window after the other, each on the files of one folder."""

    folder: Path
    seed: int
    done: Counter[str] = field(factory=Counter)
    checks: int = 0
    troubles: list[str] = field(factory=list)
    """Errors that were told; there should be none."""
    window: Any = None
    maker: Maker = field(init=False)
    start: int = 0
    """Operations made before the session that is open began."""

    def __attrs_post_init__(self) -> None:
        self.maker = Maker(self.seed)

    def until(self, what: Any) -> None:
        """Let the window run until it is so."""
        end = time.monotonic() + PATIENCE
        while not what():
            if time.monotonic() > end:
                files, conductor = self.window.files, self.window.bridge._engine._conductor
                state = f"saving {files.saving}, modified {files.modified}, asked {files.dialogs.asked[-3:]}"
                doing = f"busy {conductor.busy}, idle {conductor.idle}, jobs {[job.title for job in conductor.jobs]}"
                raise Untrue(f"nothing happens any more: {state}; {doing}; told {self.troubles}")
            QTest.qWait(2)

    def begin(self) -> None:
        """A window with a new session."""
        bridge = Bridge(Engine(), tuple(DESIGNS))
        settings = Settings(QSettings(str(self.folder / "settings.ini"), QSettings.Format.IniFormat))
        settings.welcome = False
        self.window = MainWindow(bridge, settings, Themes("dark"), FakeDialogs(), plain_views)
        bridge.notice.connect(lambda notice: notice.level in ("info", "refused") or self.troubles.append(notice.text))
        bridge.start()
        self.window.show()
        self.fresh()

    def fresh(self) -> None:
        """Another session, asked for without waiting for it."""
        self.start = len(self.maker.made)
        self.window.bridge.new_blank()
        self.until(lambda: self.window.frame is not None)

    def check(self) -> None:
        """Where the window says that all is saved, all is."""
        files = self.window.files
        if files.modified or files.path is None:
            return
        self.checks += 1
        lacks = missing(self.maker.made[self.start :], load_session(files.path).operations)
        if lacks:
            raise Untrue(f"unmodified, but {Path(files.path).name} lacks {len(lacks)} operations, the first {lacks[0]}")

    def round(self) -> None:
        """A few things at once, then a look at what became of them, at a moment that nothing chose."""
        dice = self.maker.dice
        for _ in range(dice.choice((1, 1, 2, 3, 5))):
            kinds = ("submit", "submit", "many", "script", "seek", "undo", "save", "save", "save_as", "mark", "designs")
            kind = dice.choice(kinds)
            self.done[kind] += 1
            getattr(self, f"do_{kind}")()
            if dice.random() < 0.3:
                QTest.qWait(dice.choice((0, 1, 5, 20)))
                self.check()
        QTest.qWait(dice.choice((0, 0, 1, 3, 10, 40)))
        self.check()
        if dice.random() < 0.05:
            self.leave()

    def do_submit(self) -> None:
        """One operation."""
        self.window.submit(self.maker.some(1))

    def do_many(self) -> None:
        """A batch."""
        self.window.submit(self.maker.some(self.maker.dice.choice((10, 60))), "many")

    def do_script(self) -> None:
        """As the script panel runs a text: go to where it departs, then all that follows."""
        self.do_seek()
        self.window.submit(self.maker.some(self.maker.dice.randrange(2, 25)), "script")

    def do_seek(self) -> None:
        """Anywhere."""
        self.window.bridge.seek(self.maker.dice.randrange(self.window.head + 2))

    def do_undo(self) -> None:
        """Back, and sometimes on again."""
        self.maker.dice.choice((self.window.bridge.undo, self.window.bridge.redo))()

    def do_mark(self) -> None:
        """A bookmark."""
        at = self.maker.dice.randrange(self.window.head + 1)
        self.window.bridge.change(lambda number: SetBookmark(number=number, position=at, text=f"at {at}"))

    def do_designs(self) -> None:
        """Other designs for the same log."""
        self.window.bridge.set_designs(
            [(key, {}) for key in self.maker.dice.sample(["anonmm", "anon_vma", "objrmap"], 2)]
        )

    def do_save(self) -> None:
        """Under its name."""
        self.window.files.dialogs.path = str(self.folder / f"s{self.maker.dice.randrange(4)}.rmap")
        self.window.files.save()

    def do_save_as(self) -> None:
        """Under another one."""
        self.window.files.dialogs.path = str(self.folder / f"s{self.maker.dice.randrange(4)}.rmap")
        self.window.files.save_as()

    def leave(self) -> None:
        """Another session, or the window closes; what is not saved is saved first."""
        self.done["leave"] += 1
        window, made = self.window, self.maker.made[self.start :]
        window.files.dialogs.answer = "save"
        window.files.dialogs.path = str(self.folder / "left.rmap")
        if self.maker.dice.random() < 0.3:
            generation = window.bridge.generation
            self.start = len(self.maker.made)
            window.files.new()
            self.until(lambda: window.bridge.generation > generation)
            self._left(window.settings.recent[0], made)
            return
        window.close()
        self.until(lambda: not window.isVisible())
        self._left(window.files.path, made)
        if left := [path.name for path in recovery_folder().glob("*")]:
            raise Untrue(f"the window closed in order, and {left} are left")
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        self.begin()

    def _left(self, path: str | None, made: Any) -> None:
        if not made:
            return
        lacks = missing(made, load_session(path).operations) if path else made
        if lacks:
            raise Untrue(f"left with 'save', and {path} lacks {len(lacks)} operations")

    def end(self) -> None:
        """Close what is open; nothing but sessions is in the folder."""
        self.leave()
        self.window.ending = True
        self.window.close()
        self.window.deleteLater()
        self.window = None
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        litter = [path.name for path in self.folder.iterdir() if path.suffix not in (".rmap", ".ini")]
        if litter:
            raise Untrue(f"{litter} are left beside the files")


def run(rounds: int, seed: int, folder: Path) -> Trial:
    """So many rounds. :raises Untrue:"""
    trial = Trial(folder, seed)
    trial.begin()
    for number in range(rounds):
        try:
            trial.round()
            if len(trial.maker.made) - trial.start > 400:
                trial.leave()
        except Untrue as lie:
            raise Untrue(f"round {number}, seed {seed}: {lie}") from lie
    trial.end()
    if trial.troubles:
        raise Untrue(f"seed {seed}: {trial.troubles[:3]} was told")
    return trial


def main() -> int:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("CONFIG", "DATA", "STATE", "CACHE"):
            os.environ[f"XDG_{name}_HOME"] = f"{scratch}/{name.lower()}"
        (folder := Path(scratch) / "files").mkdir()
        app = QApplication.instance() or QApplication([])
        before = time.monotonic()
        trial = run(given.rounds, given.seed, folder)
        made, took = len(trial.maker.made), time.monotonic() - before
        print(
            f"{given.rounds} rounds, {made} operations, {trial.checks} times unmodified and true, {took:.0f} s: {dict(trial.done)}"
        )
        del app
    return 0


if __name__ == "__main__":
    sys.exit(main())
