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


def run(seed: int, folder: Path, how: str, least: int = 0) -> Killed:
    """Start, work, kill (once ``least`` operations are done), look. :raises Lost:"""
    path, dice = folder / "mine.rmap", random.Random(seed)
    save_session(Session(title="mine", operations=(FIRST,), position=1), str(path))
    env = os.environ | {"QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"), "HOME": str(folder)}
    env |= {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    command = [sys.executable, "-m", "tests.soak.window", str(path), str(seed)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "begun\n":
            raise Lost(f"seed {seed}: the window did not begin")
        wait, lines = dice.uniform(0.0, 1.0 if least else 4.0), list[str]()
        while least and not any(line.startswith("done") and int(line.split(" ")[1]) >= least for line in lines[-1:]):
            lines.append(process.stdout.readline().rstrip("\n"))
        time.sleep(wait)
        end = time.monotonic()
        process.send_signal(getattr(signal, how))
        lines += process.stdout.read().split("\n")[:-1]
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
    parser.add_argument("--how", default="SIGKILL", choices=("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"))
    given = parser.parse_args()
    troubles: list[str] = []

    def one(seed: int) -> Killed | None:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                return run(seed, Path(scratch), given.how)
            except Lost as lost:
                troubles.append(str(lost))
                print(lost, flush=True)
                return None

    ended: list[Killed] = []
    with ThreadPoolExecutor(given.at_once) as pool:
        for killed in pool.map(one, range(given.seed, given.seed + given.kills)):
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
