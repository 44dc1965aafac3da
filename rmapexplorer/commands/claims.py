"""``claims``: run the claims of the letter and show figures, rule and verdict."""

from __future__ import annotations

import argparse
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial

from rich.progress import Progress, TaskID
from rich.table import Table

from rmapexplorer import report, workers
from rmapexplorer.claims.catalogue import CLAIMS, claim_named, figures_of, scenario
from rmapexplorer.claims.model import ADDRESS, Claim, ClaimResult, Column, number
from rmapexplorer.core.units import KernelError
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.session import Session
from rmapexplorer.terminal import BAD_FILE, OK, USAGE, Trouble, progress_bars, show, write_json

MOST_COLUMNS = 9
"""Figures that still stand side by side, a row for each design; more stand below each other."""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments: which claims, and where figures go."""
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help=f"{CLAIMS[0].id} to {CLAIMS[-1].id}; all of them by default"
    )
    parser.add_argument("--json", metavar="OUT", help="write the figures there as JSON; - is standard output")
    parser.add_argument("--seconds", action="store_true", help="with --json: write how long each claim took, too")
    workers.declare(parser, "designs")


def carry_out(options: argparse.Namespace) -> int:
    """Run them, show each as it comes, in order."""
    wanted = _wanted(options.ids)
    if options.json not in (None, "-") and (sentence := report.no_target(options.json, "")):
        raise Trouble(sentence, BAD_FILE)
    results = []
    with progress_bars() as progress, closing(_results(wanted, options.jobs or workers.cores(), progress)) as found:
        for result in found:
            results.append(result)
            if options.json != "-":
                show(*(("",) if len(results) > 1 else ()), *_shown(result))
    if options.json != "-":
        show("", f"The letter: {ADDRESS}")
    write_json(options.json, to_json(results, options.seconds) if options.json else "")
    return OK


def _wanted(ids: Sequence[str]) -> list[Claim]:
    try:
        return list({claim.id: claim for claim in map(claim_named, ids)}.values()) or list(CLAIMS)
    except KernelError as error:
        raise Trouble(f"{error.rule}.", USAGE) from error


def _results(wanted: Sequence[Claim], jobs: int, progress: Progress) -> Generator[ClaimResult]:
    bars: list[TaskID] = []

    def pieces() -> Iterator[workers.Piece[tuple[dict[str, float], float]]]:
        for claim in wanted:
            session = _scenario(claim)
            for column in claim.columns:
                bars.append(progress.add_task(f"{claim.id} {column.name}", total=len(session.operations)))
                yield partial(_measured, claim, column, session)

    done = workers.done_in_order(pieces(), jobs, lambda number, done: progress.update(bars[number], completed=done))
    number = 0
    with closing(done):
        for claim in wanted:
            figures, seconds = {}, 0.0
            for column in claim.columns:
                figures[column.name], took = next(done)
                progress.remove_task(bars[number])
                number, seconds = number + 1, seconds + took
            yield ClaimResult(claim=claim, figures=figures, verdict=claim.rule(figures), seconds=seconds)


def _scenario(claim: Claim) -> Session:
    try:
        return scenario(claim)
    except (FormatError, FileNotFoundError) as error:
        raise Trouble(f"{claim.id} cannot be run: {error}", BAD_FILE) from error


def _measured(claim: Claim, column: Column, session: Session, told: workers.Told) -> tuple[dict[str, float], float]:
    start = time.perf_counter()
    try:
        return figures_of(claim, column, session, told, lambda: False), time.perf_counter() - start
    except KernelError as error:
        raise Trouble(f"{claim.id} cannot be run: {error}", BAD_FILE) from error


def _shown(result: ClaimResult) -> list[Table | str]:
    claim, verdict = result.claim, result.verdict
    judged = [("rule", claim.rule_text), ("verdict", f"{verdict.kind.upper()}: {verdict.sentence}")]
    judged += [("beside it", claim.remark)] if claim.remark else []
    said = [("claim", claim.statement), ("where", str(claim.place)), ("scenario", claim.scenario)]
    return [f"{claim.id}  {claim.title}", _lines(said), _table(result), _lines(judged)]


def _lines(rows: Sequence[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(min_width=9)
    grid.add_column()
    for label, text in rows:
        grid.add_row(label, text)
    return grid


def _table(result: ClaimResult) -> Table:
    figures = [
        figure for figure in result.claim.figures if any(figure.name in found for found in result.figures.values())
    ]
    rows = {
        figure: [number(found[figure.name]) if figure.name in found else "—" for found in result.figures.values()]
        for figure in figures
    }
    table = Table()
    if len(figures) > MOST_COLUMNS:
        for title in ("figure", "unit", *result.figures):
            table.add_column(title, justify="left" if title in ("figure", "unit") else "right", overflow="fold")
        for figure, values in rows.items():
            table.add_row(figure.meaning, figure.unit, *values)
        return table
    table.add_column("", overflow="fold")
    for figure in figures:
        table.add_column(f"{figure.name}\n({figure.unit})", justify="right", overflow="fold")
    for at, name in enumerate(result.figures):
        table.add_row(name, *(values[at] for values in rows.values()))
    return table


def to_json(results: Sequence[ClaimResult], seconds: bool = False) -> str:
    """What ``--json`` gives; with ``seconds``, how long each took."""
    claims = {
        result.claim.id: {
            "title": result.claim.title, "statement": result.claim.statement, "place": str(result.claim.place),
            "rule": result.claim.rule_text,
            "verdict": result.verdict.kind, "sentence": result.verdict.sentence, "remark": result.claim.remark,
            "units": {figure.name: figure.unit for figure in result.claim.figures}, "figures": result.figures,
            "scenario": result.claim.scenario, "operations": len(scenario(result.claim).operations),
        } | ({"seconds": round(result.seconds, 3)} if seconds else {})
        for result in results
    }  # fmt: skip
    return report.sheet("claims", {"letter": ADDRESS, "claims": claims})


__all__ = ["carry_out", "declare", "to_json"]
