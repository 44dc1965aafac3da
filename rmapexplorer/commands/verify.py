"""``verify``: replay recorded kernel traces and recordings, and compare with what the kernel did."""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any

from rich.progress import Progress, TaskID

from rmapexplorer import report, workers
from rmapexplorer.core.places import BYTES, Places
from rmapexplorer.core.units import KernelError
from rmapexplorer.designs.registry import design_named
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.terminal import BAD_FILE, FAILED, OK, USAGE, Trouble, progress_bars, show, write_json, write_out
from rmapexplorer.verify.compare import LEVELS, Difference, verify
from rmapexplorer.verify.recording import final_state_of, verify_recording
from rmapexplorer.verify.trace import Trace, load_traces

ONLY = "anon_vma_chain"
"""The design whose anon_vmas a trace of Linux 6.18 shows."""

TRACES_AT_ONCE = 40
"""Traces of one piece of work: most of a second, beside which the making of a process is little."""

Found = tuple[list[dict[str, Any]], list[Any]]
"""What was found in each trace or recording, and traces of our own where they are wanted."""

Piece = workers.Piece[Found]


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments: files, design, and where results go."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE",
        help="kernel traces (.json, .json.gz), or recordings with NAME.final.json beside them",
    )  # fmt: skip
    parser.add_argument("--design", default=ONLY, metavar="NAME", help=f"the design to replay in; {ONLY} by default")
    workers.declare(parser, "traces and recordings")
    report.declare_addresses(parser)
    parser.add_argument("--json", metavar="OUT", help="write what was found there as JSON; - is standard output")
    parser.add_argument(
        "--emit", metavar="OUT", help="write our own traces there, in the format of the kernel's (.json[.gz])"
    )


def carry_out(options: argparse.Namespace) -> int:
    """Verify every file; exit code 1 where anything differs."""
    _check(options)
    found: list[dict[str, Any]] = []
    emitted: list[Any] = []
    with progress_bars() as progress:
        bars: list[TaskID] = []
        pieces = (piece for path in options.files for piece in _pieces(path, options, bars, progress))
        with closing(workers.done_in_order(pieces, options.jobs or workers.cores(), _untold)) as done:
            for number, (entries, ours) in enumerate(done):
                progress.advance(bars[number], len(entries))
                found += entries
                emitted += ours
    good = sum(not entry["differences"] for entry in found)
    if "-" not in (options.json, options.emit):
        places = Places(options.addresses or BYTES)
        show(*(places.text(line) for entry in found for line in _lines(entry)), f"{good} of {len(found)} traces agree")
    write_json(options.json, report.sheet("verification", {"design": options.design, "agree": good, "of": len(found), "traces": found})
               if options.json else "")  # fmt: skip
    _emit(options.emit, emitted)
    return OK if good == len(found) else FAILED


def _check(options: argparse.Namespace) -> None:
    try:
        design_named(options.design)
    except KernelError as error:
        raise Trouble(f"{error.rule}.", USAGE) from error
    if options.json == options.emit == "-":
        raise Trouble("only one of --json and --emit can have standard output; name a file for the other.", USAGE)
    for out in (options.json, options.emit):
        if out is not None and (sentence := report.no_target(out, "")):
            raise Trouble(sentence, BAD_FILE)


def _pieces(path: str, options: argparse.Namespace, bars: list[TaskID], progress: Progress) -> Iterator[Piece]:
    # the file as pieces of work, the bar of each appended to ``bars``
    design = options.design
    if final := final_state_of(path):
        bars.append(progress.add_task(path, total=1))
        yield partial(_recording, path, final, design)
        return
    try:
        traces = load_traces(path)
    except FormatError as error:
        raise Trouble(f"{error}", BAD_FILE) from error
    if design.partition(":")[0] != ONLY:
        raise Trouble(f"kernel traces show what {ONLY} keeps; {design} cannot be compared with them.", USAGE)
    bar = progress.add_task(path, total=len(traces))
    for low in range(0, len(traces), TRACES_AT_ONCE):
        bars.append(bar)
        yield partial(_traces, path, traces[low : low + TRACES_AT_ONCE], design, options.emit is not None)


def _untold(number: int, done: int) -> None:
    # pieces are short: their ends are progress enough
    pass


def _traces(path: str, traces: Sequence[Trace], design: str, emits: bool, told: workers.Told) -> Found:
    entries, ours = [], []
    for trace in traces:
        differences, mine = verify(trace, design)
        ours += [mine] if emits else []
        differ = [_entry(d) for d in differences]
        entries.append({"file": path, "name": trace.name, "steps": len(trace.steps), "differences": differ})
    return entries, ours


def _entry(d: Difference) -> dict[str, Any]:
    return {"level": d.level, "step": d.step, "call": d.call, "where": d.where, "kernel": d.kernel, "ours": d.ours}


def _recording(path: str, final: str, design: str, told: workers.Told) -> Found:
    try:
        session = load_any(path)
    except FormatError as error:
        raise Trouble(f"{error}", BAD_FILE) from error
    mismatches, processes = verify_recording(session, final, design)
    entries = [
        {"level": "final state", "step": len(session.operations), "call": "end", "where": f"process {m.pid}, {m.what}",
         "kernel": m.kernel, "ours": m.ours}
        for m in mismatches
    ]  # fmt: skip
    whole = {"file": path, "name": session.title, "steps": len(session.operations), "processes": processes,
             "differences": entries}  # fmt: skip
    return [whole], []


def _lines(entry: dict[str, Any]) -> list[str]:
    if not entry["differences"]:
        return []
    lines = [f"{entry['name']} ({entry['file']}):"]
    for d in entry["differences"]:
        meaning = f" ({LEVELS[d['level']]})" if d["level"] in LEVELS else ""
        lines.append(f"  step {d['step']}, {d['call']}: {d['level']}{meaning}, {d['where']}")
        lines += [f"      kernel {d['kernel']}", f"      ours   {d['ours']}"]
    return lines


def _emit(path: str | None, traces: list[Any]) -> None:
    if path is None:
        return
    text = json.dumps({"format": 1, "env": {"simulator": "rmapexplorer"}, "traces": traces}) + "\n"
    write_out(path, (gzip.compress(text.encode(), mtime=0) if path.endswith(".gz") else text,))
