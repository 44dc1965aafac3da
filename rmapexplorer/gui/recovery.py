"""Side files: the unsaved session of each window, out of the user's way, and what a process that died left there.

All in one folder: ``NAME.lock``, locked as long as the window lives (the kernel lets go of it however the process ends),
which says what file the window has open; ``NAME.journal``, the session (formats.journal); ``NAME.base-FILE``, a copy of
what the journal goes on from. Versions up to 0.8 wrote ``NAME-TITLE.rmap`` and the note ``NAME.json`` instead: they are
still offered. The user's own file is never touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import math
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import platformdirs
from attrs import frozen

from rmapexplorer.formats.journal import About, about_journal

_numbers = itertools.count(1)

NAME = re.compile(r"\d+-\d+-[0-9a-f]{8}")
"""What every file of a window begins with."""
MOST_BYTES = 1 << 16
"""Of a note or a lock; more is none of ours."""
FAILS = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError)
"""What reading a damaged file may end in."""


def recovery_folder() -> Path:
    """Where the side files are."""
    return Path(platformdirs.user_state_dir("rmapexplorer")) / "recovery"


class Slot:
    """The place of one window in the folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or recovery_folder()
        self.name = f"{os.getpid()}-{next(_numbers)}-{uuid.uuid4().hex[:8]}"
        self._held: IO[bytes] | None = None

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self._folder / f"{self.name}.journal"

    def hold(self) -> None:
        """Make the folder and take the place. :raises OSError:"""
        while self._held is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = (self._folder / f"{self.name}.lock").open("wb")
            _take(file, shared=False)
            if os.fstat(file.fileno()).st_nlink:  # or another window has swept it away before it was locked
                self._held = file

    def note(self, path: str | None) -> None:
        """Say which of the user's files this window has open. :raises OSError:"""
        if path is None and self._held is None:
            return
        self.hold()
        assert self._held is not None
        self._held.truncate(0)
        self._held.seek(0)
        self._held.write(json.dumps({"path": os.path.realpath(path) if path else ""}).encode())
        self._held.flush()

    def drop(self) -> None:
        """Remove the journal and its copy."""
        _drop(self.path)
        for copy in self._folder.glob(f"{self.name}.base-*"):
            _drop(copy)

    def others(self, path: str) -> int:
        """How many other windows have that file open."""
        wanted = os.path.realpath(path)
        locks = [lock for lock in self._folder.glob("*.lock") if lock.stem != self.name]
        return sum(_open_there(lock) == wanted and not _dead(lock) for lock in locks)

    def close(self) -> None:
        """The window is gone: the place is free, and what lies there is for others."""
        if self._held is None:
            return
        if not self.path.exists():
            _drop(self._folder / f"{self.name}.lock")
        self._held.close()
        self._held = None


class Orphan:
    """The side file of a window that is gone. ``below``: the one it goes on from, which shares its fate."""

    def __init__(self, folder: Path, name: str, about: About, file: str) -> None:
        self._folder, self.name, self.about, self._file = folder, name, about, file
        self._held: IO[bytes] | None = None
        self.below: Orphan | None = None

    @property
    def path(self) -> Path:
        """The session."""
        return self._folder / self._file

    def claim(self) -> bool:
        """Keep others from taking it too; False where another window was faster."""
        if not self.path.is_file() or (self.below is not None and not self.below.claim()):
            return False
        with contextlib.suppress(OSError):
            file = (self._folder / f"{self.name}.lock").open("ab")
            if _take(file, shared=False):
                self._held = file
                return True
            file.close()
        if self.below is not None:
            self.below.release()
        return False

    def release(self) -> None:
        """It stays for the next start."""
        if self._held is not None:
            self._held.close()
            self._held = None
        if self.below is not None:
            self.below.release()

    def discard(self) -> None:
        """Delete it."""
        _drop(self.path)  # first: without it the rest is nothing
        _sweep(self._folder, self.name)
        if self.below is not None:
            self.below.discard()
        self.release()


def orphans(folder: Path | None = None) -> list[Orphan]:
    """What dead processes left, newest first. Their rubbish without a session is swept away."""
    folder = folder or recovery_folder()
    found: dict[str, Orphan] = {}
    for name in sorted(_names(folder)):
        with _locked(folder / f"{name}.lock") as dead:
            if not dead:
                continue
            orphan = _orphan(folder, name)
            if orphan is None:
                _sweep(folder, name)
            else:
                found[name] = orphan
    for orphan in found.values():
        below = found.get(orphan.about.below)
        if below is not orphan:
            orphan.below = below
    under = {orphan.below.name for orphan in found.values() if orphan.below is not None}
    return sorted((one for name, one in found.items() if name not in under), key=lambda one: -one.about.saved)


def _names(folder: Path) -> set[str]:
    names = set()
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            ours = NAME.match(path.name)
            if ours is not None:
                names.add(ours.group())
            elif path.suffix in (".lock", ".json", ".journal"):
                names.add(path.stem)
    return names


def _orphan(folder: Path, name: str) -> Orphan | None:
    # the journal; or the session that an older version wrote, whatever became of the note about it
    with contextlib.suppress(*FAILS):
        journal = f"{name}.journal"
        return Orphan(folder, name, about_journal(str(folder / journal)), journal)
    note = _note(folder / f"{name}.json")
    named = str(note.get("session", ""))
    files = [folder / named] if os.path.basename(named) == named != "" else []
    for session in (*files, *sorted(folder.glob(f"{name}-*.rmap"))):
        with contextlib.suppress(OSError):
            return Orphan(folder, name, _about(note, session), session.name)
    return None


def _note(path: Path) -> dict[str, Any]:
    with contextlib.suppress(*FAILS):
        data = json.loads(_start(path))
        return data if isinstance(data, dict) else {}
    return {}


def _start(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MOST_BYTES).decode("utf-8", "replace")


def _about(note: dict[str, Any], session: Path) -> About:
    # what the note says, as far as it makes sense
    written = session.stat().st_mtime
    saved, count = note.get("saved"), note.get("operations")
    sound = isinstance(saved, int | float) and math.isfinite(saved) and 0 < saved <= written + 86400
    return About(
        title=str(note.get("title") or session.stem)[:200],
        path=str(note.get("path") or ""),
        operations=count if isinstance(count, int) and 0 <= count < 1 << 40 else 0,
        saved=float(saved) if sound and isinstance(saved, int | float) else written,
    )


def _open_there(lock: Path) -> str:
    with contextlib.suppress(*FAILS):
        return str(json.loads(_start(lock))["path"])
    return ""


@contextlib.contextmanager
def _locked(lock: Path) -> Iterator[bool]:
    # True where nobody held the lock; then we do, so that what lies there stays as it is while it is looked at
    try:
        file = lock.open("rb")
    except FileNotFoundError:
        yield True
        return
    except OSError:
        yield False
        return
    with file:
        yield _take(file, shared=False)


def _dead(lock: Path) -> bool:
    with _locked(lock) as dead:
        return dead


def _sweep(folder: Path, name: str) -> None:
    for path in (*folder.glob(f"{name}.*"), *folder.glob(f"{name}-*.rmap")):
        _drop(path)


def _take(file: IO[bytes], *, shared: bool) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _drop(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


@frozen
class Shared:
    """A file that other windows have open too."""

    path: str
    windows: int

    @property
    def sentence(self) -> str:
        """What is said when it is opened."""
        who = "Another window has" if self.windows == 1 else f"{self.windows} other windows have"
        return (
            f"{who} {os.path.basename(self.path)} open too. Whoever saves second is asked before anything is replaced."
        )
