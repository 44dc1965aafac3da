"""``export``: a session as an HTML report, as a graph for Graphviz and others, or its curves as CSV."""

from __future__ import annotations

import argparse
import time
from collections.abc import Generator, Iterable

from attrs import evolve
from rich.progress import Progress

from rmapexplorer import report
from rmapexplorer.core.places import Places
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.files import stage_of
from rmapexplorer.engine.graph_export import WholeGraph, with_places
from rmapexplorer.engine.grid import grid_of
from rmapexplorer.engine.lanes import Lane, make_lane
from rmapexplorer.engine.lens import Designs, UnknownDesign
from rmapexplorer.engine.probing import here
from rmapexplorer.engine.real import REAL_LENS, real_kinds
from rmapexplorer.engine.session_report import SessionReport, gather
from rmapexplorer.engine.stage import Stage
from rmapexplorer.exports import tables
from rmapexplorer.exports.graph import dot, graphml
from rmapexplorer.exports.html import html
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import Session
from rmapexplorer.formats.writing import STDOUT
from rmapexplorer.terminal import BAD_FILE, OK, USAGE, Trouble, complain, progress_bars, show, write_out

FORMATS = {
    "html": "a report of the session in one file",
    "dot": "all vmas, links and objects of a design as a graph for Graphviz",
    "graphml": "the same graph for yEd, Gephi or networkx",
    "csv": "the curves: a row a position, a column for each metric of each design",
}
"""Option -> what it writes."""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments: a file, and at least one thing to write."""
    known = ", ".join(kind.key for kind in DESIGNS)
    parser.add_argument("file", metavar="FILE", help="a session (.rmap) or the text that perf script prints")
    for name, what in FORMATS.items():
        parser.add_argument(f"--{name}", metavar="OUT", help=f"write {what}; - is standard output")
    report.declare_addresses(parser)
    parser.add_argument("--at", metavar="N", type=int, help="after N operations instead of all of them")
    parser.add_argument(
        "--design", metavar="NAME", action="append", dest="designs",
        help=f"run this design instead of those of the file, may be repeated; graphs show the first: {known}",
    )  # fmt: skip


def carry_out(options: argparse.Namespace) -> int:
    """Replay the session, write what was asked for."""
    wanted = {name: getattr(options, name) for name in FORMATS if getattr(options, name) is not None}
    if not wanted:
        raise Trouble(f"say what to write: {', '.join(f'--{name} OUT' for name in FORMATS)}.", USAGE)
    if list(wanted.values()).count(STDOUT) > 1:
        raise Trouble("only one file can have standard output; name files for the others.", USAGE)
    for name, path in wanted.items():
        if sentence := report.no_target(path, options.file, name):
            raise Trouble(sentence, BAD_FILE)
    with progress_bars() as progress:
        session = _load(options.file, progress)
        stage = _stage(session, options, progress, probes=bool({"csv", "html"} & wanted.keys()))
        for name, path in wanted.items():
            _write(name, path, stage, progress, report.places_of(options, session.operations))
    for line in session.report:
        complain(f"skipped: {line}", OK)
    for path in wanted.values():
        if STDOUT in wanted.values():
            break  # what stands there is the file
        show(f"{path}: after operation {stage.line.cursor:,} of {stage.line.head:,}.")
    return OK


def _load(path: str, progress: Progress) -> Session:
    bar = progress.add_task("reading", total=None)
    try:
        session = load_any(path, lambda done, total: progress.update(bar, completed=done, total=total))
    except FormatError as error:
        raise Trouble(str(error), BAD_FILE) from error
    progress.remove_task(bar)
    return session


def _stage(session: Session, options: argparse.Namespace, progress: Progress, probes: bool) -> Stage:
    if options.designs:
        session = evolve(session, designs=tuple((name, {}) for name in dict.fromkeys(options.designs)))
    try:
        stage, _ = stage_of(session, _lanes)
    except UnknownDesign as error:
        raise Trouble(str(error), USAGE if options.designs else BAD_FILE) from error
    stage.view = stage.lanes[0].kind.key if options.designs else stage.view
    at = stage.line.head if options.at is None else options.at
    if not 0 <= at <= stage.line.head:
        raise Trouble(f"--at {at} is not there: the session has positions 0 to {stage.line.head}.", USAGE)
    bar = progress.add_task("running", total=at)
    grid = grid_of(stage.line, at)
    while True:
        if probes and stage.line.cursor in grid:
            here(stage)
        if not stage.advance(at):
            break
        progress.update(bar, completed=stage.line.cursor)
    progress.remove_task(bar)
    return stage


def _lanes(designs: Designs, machine: object) -> list[Lane]:
    # nobody goes back: no checkpoints
    kinds = real_kinds(designs, machine)  # type: ignore[arg-type]
    return [make_lane(kind, REAL_LENS, time.perf_counter, 0) for kind in kinds]


def _write(name: str, path: str, stage: Stage, progress: Progress, places: Places) -> None:
    bar = progress.add_task(f"writing {path}", total=None)
    write_out(path, _pieces(name, stage, places))
    progress.remove_task(bar)


def _pieces(name: str, stage: Stage, places: Places) -> Iterable[str]:
    if name == "html":
        return html(finished(gather(stage)), places)
    if name == "csv":
        return tables.csv_pieces(tables.curves(stage, grid_of(stage.line, stage.line.cursor)))
    graph = WholeGraph().answer(stage)
    assert graph is not None
    graph = with_places(graph, places)
    return dot(graph) if name == "dot" else graphml(graph)


def finished(work: Generator[object, None, SessionReport]) -> SessionReport:
    """What a generator returns in the end."""
    while True:
        try:
            next(work)
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]
