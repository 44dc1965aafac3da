"""``designs``: the designs and their options; with ``--sizes`` the bytes of every structure, each with its source."""

from __future__ import annotations

import argparse
from typing import Any

from rich.table import Table

from rmapexplorer import report
from rmapexplorer.core.sizes import I386, X86_64
from rmapexplorer.core.structures import Structure
from rmapexplorer.designs.structure_sizes import size_table
from rmapexplorer.terminal import BAD_FILE, OK, USAGE, Trouble, show, write_json


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "--sizes", action="store_true",
        help="instead: bytes of the structures on i386 and x86_64 by kernel, objects on a slab page, sources",
    )  # fmt: skip
    parser.add_argument("--json", metavar="OUT", help="with --sizes: write them there as JSON; - is standard output")


def carry_out(options: argparse.Namespace) -> int:
    """Print the list, or the sizes."""
    if options.json is not None and not options.sizes:
        raise Trouble("--json goes with --sizes.", USAGE)
    if options.json not in (None, "-") and (sentence := report.no_target(options.json, "")):
        raise Trouble(sentence, BAD_FILE)
    if not options.sizes:
        show(report.designs_table())
        return OK
    groups = size_table()
    if options.json != "-":
        show(sizes_table(groups))
    data = {heading: [_as_json(row) for row in rows] for heading, rows in groups}
    write_json(options.json, report.sheet("sizes", {"sizes": data}) if options.json else "")
    return OK


def sizes_table(groups: tuple[tuple[str, tuple[Structure, ...]], ...]) -> Table:
    """One row a structure and kernel, a section a design."""
    table = Table(
        title="Bytes of one object, and objects on a slab of one page", title_justify="left", title_style="bold"
    )
    for title in ("structure", "kernel"):
        table.add_column(title, overflow="fold")
    for title in ("i386", "a page", "x86_64", "a page"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    for heading, rows in groups:
        table.add_section()
        table.add_row(heading, style="bold")
        for row in rows:
            numbers = (row.i386, row.per_page(I386), row.x86_64, row.per_page(X86_64))
            table.add_row(row.name, row.kernel, *("—" if n is None else f"{n:,}" for n in numbers), row.source)
    return table


def _as_json(row: Structure) -> dict[str, Any]:
    sizes = {arch: {"bytes": row.bytes_on(arch), "per_page": row.per_page(arch)} for arch in (I386, X86_64)}
    return {"structure": row.name, "kernel": row.kernel, **sizes, "source": row.source}
