"""Kills the real window at random moments of random work and looks what is left: nothing called saved may be missing,
nothing that was done two seconds before may be lost, and nothing but sessions may stay.

``python -m tests.soak.kills --kills 500 --at-once 2`` prints the figures, and fails with the first run that lost something.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from attrs import frozen

from rmapexplorer.core.operations import Operation
from rmapexplorer.formats import writing
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import Session, load_session, save_session
from rmapexplorer.gui.recovery import orphans
from tests.soak.work import FIRST, Maker, missing

ALLOWED = 2.0
"""Seconds of work that may be lost."""
PATIENCE = 120.0


class Lost(Exception):
    """Something is missing, or too much is there."""


@frozen
class Killed:
    """One run. ``lost``: seconds of work that were lost; ``at``: seconds after the work began."""

    seed: int
    at: float
    how: str
    done: int
    saves: int
    lost: float
    journal: bool


@frozen
class Running:
    """The window's process and its output."""

    pid: int
    told: IO[str]


def _settings(folder: Path) -> dict[str, str]:
    homes = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    return homes | {"QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"), "HOME": str(folder)}


def start_window(seed: int, folder: Path, path: Path) -> Running:
    """A new interpreter."""
    command = [sys.executable, "-m", "tests.soak.window", str(path), str(seed)]
    env = os.environ | _settings(folder)
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    process.returncode = 0  # it is waited for here
    return Running(process.pid, process.stdout)


def fork_window(seed: int, folder: Path, path: Path) -> Running:
    """A copy of this interpreter, which has read all modules but begun nothing."""
    import pyqtgraph  # noqa: F401

    from rmapexplorer.gui import views  # noqa: F401
    from tests.soak import window

    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.environ.update(_settings(folder))
        os.dup2(there, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os._exit(window.main(str(path), seed))
    os.close(there)
    return Running(pid, os.fdopen(here))


def run(seed: int, folder: Path, how: str, least: int = 0, preloaded: bool = False) -> Killed:
    """Start, work, kill (once ``least`` operations are done), look. :raises Lost:"""
    path, dice = folder / "mine.rmap", random.Random(seed)
    save_session(Session(title="mine", operations=(FIRST,), position=1), str(path))
    process = fork_window(seed, folder, path) if preloaded else start_window(seed, folder, path)
    with process.told as told:
        if told.readline() != "begun\n":
            raise Lost(f"seed {seed}: the window did not begin")
        wait, lines = dice.uniform(0.0, 1.0 if least else 4.0), list[str]()
        while least and not any(line.startswith("done") and int(line.split(" ")[1]) >= least for line in lines[-1:]):
            lines.append(told.readline().rstrip("\n"))
        time.sleep(wait)
        end = time.monotonic()
        os.kill(process.pid, getattr(signal, how))
        lines += told.read().split("\n")[:-1]
    os.waitpid(process.pid, 0)
    return judge(seed, folder, path, lines, end, wait, how)


def judge(seed: int, folder: Path, path: Path, lines: list[str], end: float, wait: float, how: str) -> Killed:
    """What was said against what is there."""
    asked, done, saved, clean = 0, [(0, 0.0)], 0, True
    for words in (line.split(" ") for line in lines):
        if words[0] == "submit":
            asked, clean = int(words[1]), False
        elif words[0] == "done":
            done.append((int(words[1]), float(words[2])))
        elif words[0] == "saved":
            saved, clean = saved + 1, True
    log: list[Operation] = [FIRST, *Maker(seed).some(asked)]
    file = load_session(str(path)).operations
    found = file
    left = orphans(folder / "state" / "rmapexplorer" / "recovery")
    for orphan in left:
        found = max(found, load_any(str(orphan.path)).operations, key=len)
    if clean and (lacks := missing(log, file)):
        raise Lost(f"seed {seed}: unmodified, and the file lacks {len(lacks)} of {len(log)} operations")
    if list(found) != log[: len(found)]:
        raise Lost(f"seed {seed}: what is there is not what was done")
    lost = max((end - at for count, at in done if count > len(found)), default=0.0)
    if lost > (ALLOWED if how == "SIGKILL" else 0.5):
        raise Lost(f"seed {seed}: {lost:.2f} seconds of work are lost ({len(found)} of {done[-1][0]} operations)")
    tidy(seed, folder, path)
    return Killed(seed, wait, how, done[-1][0], saved, lost, bool(left))


def tidy(seed: int, folder: Path, path: Path) -> None:
    """As the next start and the next save do; then nothing but sessions is there. :raises Lost:"""
    recovery = folder / "state" / "rmapexplorer" / "recovery"
    for orphan in orphans(recovery):
        orphan.claim()
        orphan.discard()
    writing.sweep(str(path))
    litter = [one.name for one in (*recovery.glob("*"), *folder.glob(".mine*"))]
    if litter:
        raise Lost(f"seed {seed}: {litter} stay")


def main() -> int:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument(
        "--preloaded", action="store_true", help="fork windows that have read all modules: faster, one at once"
    )
    parser.add_argument("--how", default="SIGKILL", choices=("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"))
    given = parser.parse_args()
    troubles: list[str] = []

    def one(seed: int) -> Killed | None:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                return run(seed, Path(scratch), given.how, preloaded=given.preloaded)
            except Lost as lost:
                troubles.append(str(lost))
                print(lost, flush=True)
                return None

    ended: list[Killed] = []
    seeds = range(given.seed, given.seed + given.kills)
    with ThreadPoolExecutor(given.at_once) as pool:
        for killed in map(one, seeds) if given.preloaded else pool.map(one, seeds):
            ended += [killed] if killed is not None else []
            if killed is not None and len(ended) % 25 == 0:
                print(said(ended, troubles), flush=True)
    print(said(ended, troubles))
    return 1 if troubles else 0


def said(ended: list[Killed], troubles: list[str]) -> str:
    """The figures so far."""
    operations, saves = sum(one.done for one in ended), sum(one.saves for one in ended)
    journals, worst = sum(one.journal for one in ended), max((one.lost for one in ended), default=0.0)
    return (
        f"{len(ended)} ended well, {len(troubles)} not; {operations:,} operations, {saves} saves, {journals} journals, "
        f"at most {worst:.2f} s of work lost"
    )


if __name__ == "__main__":
    sys.exit(main())
