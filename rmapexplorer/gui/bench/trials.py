"""The measurements, each against its budget; every one drives a window of its own in a process of its own."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from rmapexplorer.core.metrics import KEYS
from rmapexplorer.core.operations import Fork, Mmap, Mremap, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import MetricRows
from rmapexplorer.figures.frame_budget import Result, frames_a_second, spread
from rmapexplorer.gui.bench import worlds
from rmapexplorer.gui.bench.stage import Paints, Rig, Turns, mouse, wheel

FIRST_FRAME = 1.0
RATE = 30.0
STALL = 100.0

USUAL = ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")


def _result(trial: str, what: str, value: float, unit: str, budget: float, least: bool, **details: float) -> Result:
    return Result(
        trial=trial, what=what, value=round(value, 3), unit=unit, budget=budget, least=least,
        platform=QGuiApplication.platformName() if QGuiApplication.instance() else "", details=details,
    )  # fmt: skip


def start(scratch: Path, options: dict[str, float]) -> list[Result]:
    """From the start of the process to the first painted frame; the best of five with a warm cache."""
    taken = []
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    warm = {**kept, "PYTHONPYCACHEPREFIX": str(scratch / "bytecode")}  # where bytecode is not kept every start is cold
    for _ in range(6):
        before = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "rmapexplorer.gui.bench", "--first-frame", str(scratch / "home")],
            capture_output=True, text=True, timeout=120, check=False, env=warm,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip() or "the window did not start")
        taken.append(float(done.stdout.split()[-1]) - before)
    taken = taken[1:]  # the first one warms the cache
    middle = float(np.median(taken))
    return [_result("start", "first painted frame", middle, "s", FIRST_FRAME, False, best=min(taken), worst=max(taken))]


def scrub(scratch: Path, options: dict[str, float]) -> list[Result]:
    """Seek to and fro through a long log, as fast as states arrive: painted positions a second."""
    count = int(options["operations"])
    path = scratch / "long.rmap"
    worlds.write(path, "a long log", worlds.long_log(count), USUAL)
    rig = Rig(scratch)
    rig.open(str(path), count)
    rig.pause(1.0)
    surface = rig.picture("memory_map")
    paints, dice = Paints(surface), random.Random(1)
    seen: list[float] = []
    rig.window.bridge.frame.connect(lambda frame: seen.append(time.perf_counter()))
    position, step = count, -97
    rig.ticks.start()
    begun, painted = time.perf_counter(), paints.count
    while time.perf_counter() - begun < options["seconds"]:
        position += step
        if not 0 < position < count:
            step = -step
            position = min(count - 1, max(1, position))
        if dice.random() < 0.02:
            position = dice.randrange(count)
        before = len(seen)
        rig.window.bridge.seek(position)
        rig.wait_quickly(lambda n=before: len(seen) > n)
    lasted = time.perf_counter() - begun
    rate = min(len(seen), paints.count - painted) / lasted
    gaps = spread(rig.ticks.stop())
    rig.close()
    return [_result("scrub", f"scrubbing a log of {count:,} operations", rate, "frames/s", RATE, True, **gaps)]


def _pan_and_zoom(widget: QWidget, rounds: int) -> tuple[list[float], list[float]]:
    middle = widget.rect().center()
    zooms = [wheel(widget, 1, middle + QPoint(31 * (n % 5), 0)) for n in range(rounds)]
    pans = []
    free = QPoint(middle.x(), max(6, widget.height() // 3))
    button = Qt.MouseButton.MiddleButton
    mouse(widget, QEvent.Type.MouseButtonPress, free, button)
    for n in range(rounds * 2):
        pans.append(mouse(widget, QEvent.Type.MouseMove, free + QPoint(7 * (n % 40) - 140, 3 * (n % 20)), button))
    mouse(widget, QEvent.Type.MouseButtonRelease, free, button)
    zooms += [wheel(widget, -1, middle) for _ in range(rounds)]
    return zooms, pans


def _grid(scratch: Path, options: dict[str, float], design: str) -> Rig:
    processes, vmas = int(options["processes"]), int(options["vmas"])
    path = scratch / "grid.rmap"
    ops = worlds.grid(processes, vmas)
    worlds.write(path, "a grid", ops, (design,))
    rig = Rig(scratch)
    rig.open(str(path), len(ops), 600.0)
    rig.pause(1.0)
    return rig


def memory_map(scratch: Path, options: dict[str, float]) -> list[Result]:
    """Pan and zoom the map of a thousand processes with a thousand vmas each."""
    rig = _grid(scratch, options, "anon_vma_chain")
    widget = rig.only("memory_map")
    results = _two("map", f"map of {options['processes']:,.0f} x {options['vmas']:,.0f} vmas", widget)
    rig.close()
    return results


def _two(trial: str, name: str, widget: QWidget) -> list[Result]:
    zooms, pans = _pan_and_zoom(widget, 30)
    return [
        _result(trial, f"zooming a {name}", frames_a_second(zooms), "frames/s", RATE, True, **spread(zooms)),
        _result(trial, f"panning a {name}", frames_a_second(pans), "frames/s", RATE, True, **spread(pans)),
    ]


def matrix(scratch: Path, options: dict[str, float]) -> list[Result]:
    """The same for the matrix of the same session."""
    rig = _grid(scratch, options, "anon_vma_chain")
    rig.only("structures")
    view = rig.window.views["structures"]
    view.show_tab("matrix")
    rig.wait(lambda: view.matrix.whole is not None, 60.0, "the matrix was not counted")
    rig.pause(3.0)
    widget = view.matrix
    results = _two("matrix", f"matrix of {options['processes']:,.0f} x {options['vmas']:,.0f} vmas", widget)
    rig.close()
    return results


def curves(scratch: Path, options: dict[str, float]) -> list[Result]:
    """Twenty-four curves of many points that grow while they are looked at."""
    points = int(options["points"])
    rig = Rig(scratch)
    rig.wait(lambda: rig.window.frame is not None, 30, "no session was opened")
    rig.pause(1.0)
    view = rig.window.views["overhead"]
    rig.only("overhead")
    frame = rig.window.frame
    assert frame is not None
    keys, generation = tuple(state.key for state in frame.designs), frame.generation
    for key in [key for key in KEYS if key not in view.plotted()][: 6 - len(view.cards)]:
        view.add_plot(key)
    rng = np.random.default_rng(1)
    steps = rng.integers(0, 50, size=(points + 4000, len(keys), len(KEYS))).astype(float)
    values = np.cumsum(steps - 20, axis=0).clip(0)

    def rows(start: int, stop: int) -> MetricRows:
        return MetricRows(generation=generation, start=start, designs=keys, values=values[start:stop], truncate=True)

    view.apply(rows(0, points))
    rig.pause(3.0)
    taken, at = [], points
    for _ in range(100):
        before = time.perf_counter()
        view.apply(rows(at, at + 20))
        at += 20
        rig.pause(0)
        view.repaint()
        taken.append(1000 * (time.perf_counter() - before))
    shown = len(view.cards) * len(keys)
    rig.close()
    name = f"{shown} live curves of {points:,} points"
    return [_result("curves", name, frames_a_second(taken), "frames/s", RATE, True, **spread(taken))]


def session(scratch: Path, options: dict[str, float]) -> list[Result]:
    """A session of clicks: calls, steps, seeks, selections, panels and themes; the longest time nothing was answered."""
    rig = Rig(scratch)
    rig.wait(lambda: rig.window.frame is not None and not rig.window.frame.busy, 30, "no session was opened")
    rig.pause(1.0)
    deeds = _deeds(rig)
    dice = random.Random(2)
    rig.ticks.start()
    begun, done, worst = time.perf_counter(), 0, (0.0, "")
    while time.perf_counter() - begun < options["session"]:
        name, deed = dice.choice(deeds)
        seen = len(rig.ticks.gaps)
        deed(dice)
        rig.pause(0.12)
        done += 1
        worst = max(worst, (max(rig.ticks.gaps[seen:], default=0.0), name))
    gaps = rig.ticks.stop()
    rig.close()
    what = f"longest stall in {options['session']:g} s of use (at: {worst[1]})"
    return [_result("session", what, max(gaps), "ms", STALL, False, deeds=float(done), **spread(gaps))]


def looks(scratch: Path, options: dict[str, float]) -> list[Result]:
    """Switch theme and text size while the window is shown: the longest turn of the event loop, the median of a few switches."""
    rig = Rig(scratch)
    rig.wait(lambda: rig.window.frame is not None and not rig.window.frame.busy, 30, "no session was opened")
    rig.pause(1.0)
    switches: dict[str, list[Callable[[], None]]] = {
        "the theme": [lambda: rig.window.looks.use_theme("light", soon=True),
                      lambda: rig.window.looks.use_theme("dark", soon=True)],
        "the size of text": [lambda: rig.window.looks.use_text(200, soon=True),
                             lambda: rig.window.looks.use_text(100, soon=True)],
    }  # fmt: skip
    results, turns = [], Turns()
    for what, deeds in switches.items():
        longest, whole = [], []
        for number in range(6):
            turns.start()
            deeds[number % 2]()
            rig.wait(lambda: not rig.window.looks.working, 30, f"{what} did not change")
            rig.pause(0.3)
            taken = turns.stop()
            longest.append(max(taken))
            whole.append(sum(one for one in taken if one > 1))
        details = {"best_ms": round(min(longest), 1), "all_turns_ms": round(float(np.median(whole)), 1)}
        name = f"longest turn while {what} changes"
        results.append(
            _result("looks", name, float(np.median(longest)), "ms", STALL, False, **spread(longest), **details)
        )
    rig.close()
    return results


Deed = tuple[str, Callable[[random.Random], None]]


def _deeds(rig: Rig) -> list[Deed]:
    window = rig.window

    def pid(dice: random.Random) -> int:
        frame = window.frame
        return int(dice.choice(frame.tasks.pid.tolist())) if frame is not None and len(frame.tasks.pid) else 1

    def submit(dice: random.Random) -> None:
        low = 0xA00 + 16 * dice.randrange(64)
        one = pid(dice)
        ops = {
            "mmap": Mmap(pid=one, span=Span(low, low + 16)),
            "touch": Touch(pid=one, runs=((low, low + 8, "w"),)),
            "move": Mremap(pid=one, span=Span(low, low + 4), new_pages=4, to=low + 0x1000),
        }
        window.submit([ops[dice.choice(list(ops))]], "")

    def fork(dice: random.Random) -> None:
        if window.frame is not None and len(window.frame.tasks.pid) < 60:
            window.submit([Fork(pid=pid(dice), child=0)], "")

    def select(dice: random.Random) -> None:
        window.selection.select(pid(dice), 0xA00 + dice.randrange(1024))

    def run(id_: str) -> Callable[[random.Random], None]:
        return lambda dice: window.commands.run(id_, {})

    def seek(dice: random.Random) -> None:
        window.bridge.seek(dice.randrange(window.head + 1))

    def view(dice: random.Random) -> None:
        if window.frame is not None:
            window.bridge.view(dice.choice(window.frame.designs).key)

    return [
        ("a call", submit), ("a call", submit), ("a fork", fork), ("a selection", select), ("a selection", select),
        ("a seek", seek), ("another design", view), ("undo", run("undo")), ("redo", run("redo")), ("step", run("step")),
        ("the last position", run("last")), ("play or pause", run("play")),
    ]  # fmt: skip


TRIALS: dict[str, Callable[[Path, dict[str, float]], list[Result]]] = {
    "start": start, "scrub": scrub, "map": memory_map, "matrix": matrix, "curves": curves, "session": session, "looks": looks,
}  # fmt: skip
