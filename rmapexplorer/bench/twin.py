"""The C twin: the same work done by the kernel that runs us. Compiled where gcc is there, else there are our figures alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from rmapexplorer.bench.measured import Stopped

SOURCE = Path(__file__).with_name("twin.c")

LIMIT = 300
"""Seconds that one piece of work may take."""


class Twin:
    """The program in ``folder``. ``why``: why there is none, a sentence; "" where there is one."""

    def __init__(self, folder: Path) -> None:
        self._program = folder / "twin"
        self.why = self._compile()

    def _compile(self) -> str:
        compiler = shutil.which("gcc")
        if compiler is None:
            return "gcc is not installed, so that the kernel is not measured beside it"
        words = [compiler, "-O2", "-o", str(self._program), str(SOURCE)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
            return f"gcc cannot compile the kernel's part ({last})"
        return ""

    def run(self, name: str, *numbers: int) -> dict[str, list[float]]:
        """Microseconds by the name of what took them. :raises Stopped: the kernel refused, or there is no twin."""
        if self.why:
            raise Stopped(self.why)
        words = [str(self._program), name, *map(str, numbers)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False)
        except subprocess.TimeoutExpired as late:
            raise Stopped(f"the kernel took longer than {LIMIT} s") from late
        if done.returncode:
            raise Stopped(f"the kernel refused it ({(done.stderr.strip() or str(done.returncode)).splitlines()[-1]})")
        found: dict[str, list[float]] = {}
        for line in done.stdout.splitlines():
            what, _, taken = line.partition(" ")
            found.setdefault(what, []).append(float(taken))
        return found


def swaps() -> bool:
    """Whether this machine has swap, without which the kernel leaves anonymous pages where they are."""
    try:
        with open("/proc/swaps", encoding="ascii", errors="replace") as file:
            return len(file.readlines()) > 1
    except OSError:
        return False


def vmas_at_most() -> int:
    """vm.max_map_count of this machine."""
    try:
        with open("/proc/sys/vm/max_map_count", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 65_530
