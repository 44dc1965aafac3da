"""``bench --gui``: the window's frame budget, measured on this machine, without a screen and under Xvfb."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from typing import Any

from rich.table import Table

from rmapexplorer.figures.frame_budget import Result, result_of
from rmapexplorer.terminal import FAILED, OK, USAGE, Trouble, complain

TRIALS = ("start", "scrub", "map", "matrix", "curves", "session", "looks")

FULL: dict[str, float] = {
    "operations": 30_000, "seconds": 20, "processes": 1000, "vmas": 1000, "points": 100_000, "session": 300,
}  # fmt: skip
QUICK: dict[str, float] = {
    "operations": 2000, "seconds": 3, "processes": 60, "vmas": 100, "points": 5000, "session": 5,
}  # fmt: skip

LIMIT = 1800
"""Seconds one measurement may take."""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments that are about the window."""
    parser.add_argument(
        "trials", nargs="*", metavar="TRIAL",
        help=f"with --gui, what to measure of the window, of {', '.join(TRIALS)} (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--session", type=float, metavar="SECONDS", help="with --gui, length of the scripted session (default: 300)"
    )
    parser.add_argument(
        "--platform", choices=("offscreen", "xcb", "both"), default="both",
        help="with --gui, Qt's platform; xcb runs under Xvfb where there is no screen (default: both, xcb where Xvfb is "
        "installed)",
    )  # fmt: skip


def results_of(options: argparse.Namespace) -> list[Result]:
    """Measure what the arguments say."""
    unknown = [name for name in options.trials if name not in TRIALS]
    if unknown:
        raise Trouble(f"there is no trial named {unknown[0]!r}; there are {', '.join(TRIALS)}.", USAGE)
    sizes = dict(QUICK if options.quick else FULL)
    if options.session is not None:
        sizes["session"] = options.session
    results: list[Result] = []
    for platform in platforms(options.platform):
        for trial in options.trials or TRIALS:
            results += measure(trial, platform, sizes)
    return results


def kept(results: list[Result]) -> int:
    """Exit code: whether every budget is kept."""
    return OK if all(result.kept for result in results) else FAILED


def platforms(wanted: str) -> list[str]:
    """Qt platforms to measure on."""
    xcb = bool(os.environ.get("DISPLAY")) or shutil.which("xvfb-run") is not None
    if wanted == "xcb" and not xcb:
        raise Trouble("xcb needs a screen or Xvfb; install the package xvfb, or choose --platform offscreen.", USAGE)
    return [name for name in ("offscreen", "xcb") if wanted in (name, "both") and (name == "offscreen" or xcb)]


def measure(trial: str, platform: str, sizes: dict[str, float]) -> list[Result]:
    """One measurement in a process of its own."""
    words = [sys.executable, "-m", "rmapexplorer.gui.bench", trial, "--options", json.dumps(sizes)]
    if platform == "xcb" and not os.environ.get("DISPLAY"):
        words = ["xvfb-run", "-a", "-s", "-screen 0 1920x1080x24", *words]
    complain(f"measuring {trial} ({platform}) ...", OK)
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=LIMIT, check=False,
            env={**os.environ, "QT_QPA_PLATFORM": platform},
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise Trouble(f"{trial} ({platform}) took longer than {LIMIT} s.", FAILED) from late
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise Trouble(f"{trial} ({platform}) failed: {last}", FAILED)
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return [result_of({**one, "platform": platform}) for one in found]


def table(results: list[Result]) -> Table:
    """The results beside their budgets."""
    out = Table(title="frame budget")
    for name in ("what", "platform", "measured", "budget", "", "median / p95 / max"):
        out.add_column(name, justify="right" if name in ("measured", "budget") else "left")
    for one in results:
        rest = [one.details.get(key) for key in ("median_ms", "p95_ms", "max_ms")]
        shown = " / ".join(f"{value:.1f}" for value in rest if value is not None)
        out.add_row(
            one.what, one.platform, f"{one.value:,g} {one.unit}", one.budget_text(),
            "kept" if one.kept else "MISSED", f"{shown} ms" if shown else "",
        )  # fmt: skip
    return out
