"""Side files: the unsaved session of each window, out of the user's way, and what a process that died left there.

A slot is three files in one folder: ``NAME.lock``, locked as long as the window lives (the kernel lets go of it however
the process ends); ``NAME-TITLE.rmap``, the session; ``NAME.json``, what it is. The last one is replaced last, so that it
always names a whole session. The user's own file is never touched.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any

import platformdirs
from attrs import asdict, field, frozen
from attrs.validators import instance_of

from rmapexplorer import __version__
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.session import Session, pieces

_numbers = itertools.count(1)


def recovery_folder() -> Path:
    """Where the slots are."""
    return Path(platformdirs.user_state_dir("rmapexplorer")) / "recovery"


@frozen(kw_only=True)
class About:
    """What a side file holds. ``path``: the user's own file, empty where there is none; ``saved``: seconds since 1970."""

    title: str = field(validator=instance_of(str))
    path: str = field(validator=instance_of(str))
    operations: int = field(validator=instance_of(int))
    saved: float = field(validator=instance_of((int, float)))
    session: str = field(validator=instance_of(str))
    """Name of the session's file in the folder."""
    pid: int = field(validator=instance_of(int))
    version: str = field(default=__version__, validator=instance_of(str))


class Slot:
    """The side file of one window. ``writing`` may run on any thread, and only the newest one ends in the file."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or recovery_folder()
        self.name = f"{os.getpid()}-{next(_numbers)}-{uuid.uuid4().hex[:8]}"
        self._held: IO[bytes] | None = None
        self._gate = threading.Lock()
        self._newest = 0
        self._session = ""
        self._closed = False
        self.trouble = ""
        """Why the last writing failed, in one sentence."""

    def writing(self, session: Session, title: str, path: str) -> Generator[None, None, None]:
        """Write the session a piece at each step; the old side file stays until the last one is done."""
        with self._gate:
            self._newest += 1
            return self._write(self._newest, session, title, path)

    def _write(self, number: int, session: Session, title: str, path: str) -> Generator[None, None, None]:
        temporary = self._folder / f"{self.name}.{number}.tmp"
        try:
            if not self._hold():
                return
            with temporary.open("w", encoding="utf-8", errors="replace") as file:
                for piece in pieces(session):
                    file.write(piece)
                    yield None
                    if number != self._newest:
                        return
                file.flush()
                os.fsync(file.fileno())
            self._put(number, temporary, title, path, len(session.operations))
            self.trouble = ""
        except (OSError, FormatError) as error:
            words = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            self.trouble = f"No copy of the unsaved session can be kept in {self._folder} ({words}); save it yourself."
        finally:
            _drop(temporary)

    def _put(self, number: int, temporary: Path, title: str, path: str, operations: int) -> None:
        name = f"{self.name}-{_safe(title)}.rmap"
        about = About(title=title, path=path, operations=operations, saved=time.time(), session=name, pid=os.getpid())
        with self._gate:
            if number != self._newest:  # cleared, or a newer one is on its way
                return
            os.replace(temporary, self._folder / name)
            note = self._folder / f"{self.name}.json.tmp"
            note.write_text(json.dumps(asdict(about), indent=1), encoding="utf-8")
            os.replace(note, self._folder / f"{self.name}.json")
            if self._session not in ("", name):
                _drop(self._folder / self._session)
            self._session = name

    def _hold(self) -> bool:
        with self._gate:
            if self._held is None and not self._closed:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._held = (self._folder / f"{self.name}.lock").open("wb")
                _take(self._held, shared=False)
            return not self._closed

    @property
    def written(self) -> bool:
        """Whether there is a side file."""
        return bool(self._session)

    def clear(self) -> None:
        """The session is safe elsewhere, or not wanted: no side file, and none from a writing still under way."""
        with self._gate:
            self._newest += 1
            _remove(self._folder, self.name, self._session)
            self._session = ""

    def close(self) -> None:
        """A clean end: nothing stays."""
        self.clear()
        with self._gate:
            self._closed = True
        if self._held is not None:
            self._held.close()
            self._held = None
            _drop(self._folder / f"{self.name}.lock")


class Orphan:
    """The side file of a window that is gone."""

    def __init__(self, folder: Path, name: str, about: About) -> None:
        self._folder, self._name, self.about = folder, name, about
        self._held: IO[bytes] | None = None

    @property
    def path(self) -> Path:
        """The session."""
        return self._folder / self.about.session

    def claim(self) -> bool:
        """Keep others from taking it too; False where another window was faster."""
        if not self.path.is_file():
            return False
        file = (self._folder / f"{self._name}.lock").open("ab")
        if not _take(file, shared=False):
            file.close()
            return False
        self._held = file
        return True

    def release(self) -> None:
        """It stays for the next start."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def discard(self) -> None:
        """Delete it."""
        self.release()
        _remove(self._folder, self._name, self.about.session)
        _drop(self._folder / f"{self._name}.lock")


def orphans(folder: Path | None = None) -> list[Orphan]:
    """What dead processes left, newest first. Their rubbish without a session is swept away."""
    folder = folder or recovery_folder()
    found = []
    for lock in folder.glob("*.lock"):
        if not _dead(lock):
            continue
        about = _read(folder / f"{lock.stem}.json")
        if about is None or not (folder / about.session).is_file():
            for rest in folder.glob(f"{lock.stem}*"):
                if rest.suffix != ".rmap":
                    _drop(rest)
            continue
        found.append(Orphan(folder, lock.stem, about))
    return sorted(found, key=lambda one: -one.about.saved)


def _read(path: Path) -> About | None:
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        about = About(**data)
    except (OSError, ValueError, TypeError):
        return None
    return about if os.path.basename(about.session) == about.session else None


def _dead(lock: Path) -> bool:
    try:
        with lock.open("ab") as file:
            return _take(file, shared=True)
    except OSError:
        return False


def _remove(folder: Path, name: str, session: str) -> None:
    _drop(folder / f"{name}.json")  # first: without it the rest is nothing
    if session:
        _drop(folder / session)


def _take(file: IO[bytes], *, shared: bool) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _drop(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _safe(title: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in title)[:60].strip("-") or "untitled"
