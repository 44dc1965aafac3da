"""Runs a program and watches it: how long it takes, and how much memory its processes take together."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from attrs import frozen

from rmapexplorer.bench.measured import Stopped

BETWEEN_SECONDS = 0.02
MB = 1_000_000


@frozen
class Watched:
    """How it went. ``peak``: MB of memory of all its processes together, at the worst moment that was seen.

    ``processor``: seconds of processor time of all of them that have ended and were waited for.
    """

    output: str
    seconds: float
    peak: float
    processor: float


def watched(words: Sequence[str], seconds: float, most_mb: float) -> Watched:
    """Run it to its end. :raises Stopped: it failed, took longer, or needed more; its processes are gone then."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        begun, used = time.perf_counter(), _used()
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, start_new_session=True
        )  # Ctrl+C comes to us alone, and all of it can be ended at once
        try:
            peak = _until_the_end(process, begun + seconds, most_mb, seconds)
        finally:
            taken = time.perf_counter() - begun
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            said = errors.read().decode("utf-8", "replace").strip().splitlines()
            last = (said or [f"it ended with {process.returncode}"])[-1].removeprefix("rmapexplorer: ")
            raise Stopped(f"{last.rstrip('.')} (after {taken:.1f} s, {peak:,.0f} MB)")
        return Watched(out.read().decode("utf-8", "replace"), taken, peak, _used() - used)


def _used() -> float:
    # processor time of the children that have ended, in seconds
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _until_the_end(process: subprocess.Popen[bytes], end: float, most_mb: float, seconds: float) -> float:
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, *(_memory(process.pid)))
        if peak > most_mb:
            raise Stopped(f"needs more than {most_mb:,.0f} MB")
        if time.perf_counter() > end:
            raise Stopped(f"takes longer than {seconds:g} s ({peak:,.0f} MB so far)")
        with suppress(subprocess.TimeoutExpired):
            process.wait(BETWEEN_SECONDS)
    return peak


def _memory(pid: int) -> tuple[float, float]:
    # (MB of the process and its descendants now, highest MB of the process itself so far)
    now, highest = 0.0, 0.0
    for one in family(pid):
        resident, high = _resident(one)
        now += resident
        highest = max(highest, high) if one == pid else highest
    return now, highest


def family(pid: int) -> Iterator[int]:
    """The process and its descendants."""
    yield pid
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                for child in file.read().split():
                    yield from family(int(child))


def _resident(pid: int) -> tuple[float, float]:
    # (VmRSS, VmHWM) in MB
    found = {"VmRSS": 0.0, "VmHWM": 0.0}
    with suppress(OSError), open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in found:
                found[name] = int(rest.split()[0]) * 1024 / MB
    return found["VmRSS"], found["VmHWM"]
