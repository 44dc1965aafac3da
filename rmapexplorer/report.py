"""Figures of runs as JSON and as tables for the terminal, and where they are written to."""

from __future__ import annotations

import argparse
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import asdict
from rich.table import Table

from rmapexplorer import __version__
from rmapexplorer.batch import Result, Verdict
from rmapexplorer.core.metrics import METRICS
from rmapexplorer.core.operations import Operation, describe
from rmapexplorer.core.places import BYTES, PAGES, Places, suiting
from rmapexplorer.core.units import Machine
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.formats.session import Session
from rmapexplorer.formats.writing import STDOUT, mismatch

Figures = dict[str, Any]
"""What batch.figures gives for one world."""

PADDING = 3
"""Characters of a column beside its words: a space on each side, and a line."""

ROWS: tuple[tuple[str, Callable[[Figures], float]], ...] = (
    ("operations", lambda f: f["operations"]),
    ("refused", lambda f: f["refused"]),
    *((metric.label, lambda f, key=metric.key: f["figures"][key]) for metric in METRICS),
)
"""Title of a row, and its value for one world."""

SECONDS = ("seconds", lambda f: f["seconds"])
"""A row that is there where it was asked for: how long the run took differs from one time to the next."""

SHEET_VERSION = 1
"""Of all JSON that the commands write; it grows when a field changes its meaning or goes."""


def figures_tables(title: str, found: Mapping[str, Figures], width: int) -> list[Table]:
    """One column a world, by its name, in as few tables of ``width`` characters as hold them without breaking a word.

    Rows in which all worlds agree are dim.
    """
    rows = (*ROWS, SECONDS) if all("seconds" in figures for figures in found.values()) else ROWS
    values = [[value(column) for column in found.values()] for _, value in rows]
    words = [[f"{number:.2f}" if isinstance(number, float) else f"{number:,}" for number in row] for row in values]
    same = [len(found) > 1 and len(set(row)) == 1 for row in values]
    names = list(found)
    needs = [max(len(name), *(len(row[at]) for row in words)) + PADDING for at, name in enumerate(names)]
    room = width - max(len(name) for name, _ in rows) - PADDING - 1
    tables = []
    for low, high in _shares(needs, room):
        table = Table(title=title if not low else None, title_justify="left", title_style="bold")
        table.add_column("", no_wrap=True)
        for name in names[low:high]:
            table.add_column(name, justify="right", overflow="fold")
        for (name, _), row, dim in zip(rows, words, same, strict=True):
            table.add_row(name, *row[low:high], style="dim" if dim else None)
        tables.append(table)
    return tables


def _shares(needs: Sequence[int], room: int) -> list[tuple[int, int]]:
    # spans of columns that fit, as few as can be and as even as that allows
    tables = 1
    while True:
        most = -(-len(needs) // tables)
        shares = [(low, min(low + most, len(needs))) for low in range(0, len(needs), most)]
        if most <= 1 or all(sum(needs[low:high]) <= room for low, high in shares):
            return shares
        tables += 1


def designs_table() -> Table:
    """All designs, oldest first, with their options; the first value of an option is its default."""
    table = Table(show_lines=True)
    for title in ("key", "title", "era", "options", "story"):
        table.add_column(title, overflow="fold", no_wrap=title == "key")
    for kind in DESIGNS:
        options = [f"{option.name}={'|'.join(option.values)}  {option.help}" for option in kind.OPTIONS]
        options += [f"{loss.option}={loss.value} loses ptes: {loss.words}" for loss in kind.LOSES]
        table.add_row(kind.key, kind.title, kind.era, "\n".join(options) or "none", kind.story)
    return table


def declare_addresses(parser: argparse.ArgumentParser) -> None:
    """The option of commands that print or write addresses."""
    parser.add_argument(
        "--addresses", choices=(PAGES, BYTES), metavar="KIND",
        help="write addresses as page numbers (pages) or as /proc prints them (bytes); by default pages for a session "
        "that was drawn, with small addresses, and bytes for a recorded one",
    )  # fmt: skip


def places_of(options: argparse.Namespace, operations: Sequence[Operation]) -> Places:
    """How the command writes addresses: as it was told, or as suits the log."""
    return Places(options.addresses or suiting(operations))


def verdict_lines(worlds: int, verdict: Verdict) -> list[str]:
    """What the comparison says, a sentence a line."""
    lines = []
    parting = verdict.parting
    if parting is not None:
        outcomes = "; ".join(f"{name}: {words}" for name, words in parting.outcomes.items())
        operation = describe(parting.operation)
        lines.append(f"Outcomes differ first at operation {parting.index + 1}, {operation}: {outcomes}.")
    else:
        lines.append("Every operation has the same outcome in all worlds.")
    where = " where outcomes were equal" if parting is not None else ""
    if verdict.difference is None:
        lines.append(f"Process memory is equal in all {worlds} worlds{where}.")
    else:
        lines.append(f"Process memory differs{where}: {verdict.difference}")
    return lines


def to_json(session: Session, results: Sequence[Result], verdict: Verdict | None = None) -> Iterator[str]:
    """The figures, by the name of the run, and the tasks; what they were made from; with a verdict, the comparison.

    In pieces, since the entries of the runs may be long.
    """
    data: dict[str, Any] = {"input": input_of(session), **machine_of(session.machine)}
    data["designs"] = {}  # the last thing before what follows
    head = sheet("figures" if verdict is None else "comparison", data)
    yield head.removesuffix("}\n}\n")
    for at, done in enumerate(results):
        entry = f"{json.dumps(done.name, ensure_ascii=False)}: {done.entry}".replace("\n", "\n  ")
        yield f"{',' if at else ''}\n  {entry}"
    yield "\n }"
    if verdict is not None:
        parting = verdict.parting
        said = {
            "memory_equal": verdict.difference is None,
            "difference": verdict.difference,
            "outcomes_differ_at": parting and {"operation": parting.index + 1, "outcomes": parting.outcomes},
        }
        yield ',\n "comparison": ' + dumped(said).replace("\n", "\n ")
    yield "\n}\n"


def dumped(data: Mapping[str, Any]) -> str:
    """JSON text as all files of the commands have it."""
    return json.dumps(data, indent=1, ensure_ascii=False)


def sheet(what: str, data: Mapping[str, Any]) -> str:
    """JSON for a file: the data, headed by the name and version of their format and the program that wrote them.

    Equal runs give equal text: nothing of the clock is in it, but what was asked for.
    """
    head = {"format": f"rmapexplorer {what}", "version": SHEET_VERSION, "program": f"rmapexplorer {__version__}"}
    return dumped(head | dict(data)) + "\n"


def input_of(session: Session) -> dict[str, Any]:
    """The file that was read, as it was named, and how many operations of it were run."""
    return {"file": session.path, "title": session.title, "branch": session.branch, "operations": len(session.line())}


def machine_of(machine: Machine) -> dict[str, Any]:
    """The machine all designs shared, and the era of its system calls."""
    return {"machine": asdict(machine, filter=lambda field, _: field.name != "calls"), "era": machine.calls}


# -- files --------------------------------------------------------------------------------------------


KINDS = {
    "html": "HTML",
    "dot": "DOT",
    "graphml": "GraphML",
    "csv": "CSV",
    "counters": "CSV",
    "json": "JSON",
    "output": "recording",
}
"""Option -> the kind of file it writes, as formats.writing names it."""


def no_target(path: str, source: str, option: str = "json") -> str:
    """Why nothing can be written to ``path``, as a sentence; empty where it seems possible. ``source``: the file read."""
    if path == STDOUT:
        return ""
    if not path or "\0" in path:
        return f"{path!r} is no file name; give another after --{option}."
    folder = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        return f"{path}: is a directory; give the name of a file in it."
    if not os.path.isdir(folder):
        return f"{path}: the directory {folder} does not exist; make it or choose another place."
    if os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
        return f"{path}: is the file to read; choose another to write."
    if not os.access(path if _special(path) else folder, os.W_OK):
        return f"{path}: may not be written by you; choose another place."
    return mismatch(path, KINDS.get(option, "JSON"))


def _special(path: str) -> bool:
    # a device or a pipe is written to; it must not be replaced by a file
    return os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode)
