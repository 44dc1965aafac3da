"""A session as one HTML file: nothing is fetched from anywhere, curves are inline SVG, light or dark as the reader likes."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterator
from html import escape

import numpy as np
from attrs import evolve

from rmapexplorer import __version__
from rmapexplorer.core.metrics import KEYS, METRICS, Metric
from rmapexplorer.core.places import IN_PAGES, Places
from rmapexplorer.engine.session_report import DesignPart, MergePart, OperationPart, SessionReport
from rmapexplorer.exports.charts import DASHES, chart
from rmapexplorer.exports.page import dash, facts, style, table

ROWS = 200
"""Rows of the long tables in one piece."""


def html(report: SessionReport, places: Places = IN_PAGES) -> Iterator[str]:
    """The file, piece by piece; ``places``: how addresses are written."""
    report = _placed(report, places)
    yield (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/><title>{escape(report.title)} — rmapexplorer</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<style>{style([one.key for one in report.designs])}</style></head><body>\n"
    )
    yield _opening(report)
    yield _designs(report)
    yield _comparison(report)
    yield _footprints(report)
    yield from _charts(report)
    yield from _merges(report)
    yield from _operations(report)
    yield _notes(report) + _ending(report)
    yield "</body></html>\n"


def _placed(report: SessionReport, places: Places) -> SessionReport:
    if not places.in_bytes:
        return report
    write = places.text
    operations = [
        evolve(one, text=write(one.text), outcomes=tuple(said and write(said) for said in one.outcomes))
        for one in report.operations
    ]
    merges = [
        evolve(one, text=write(one.text), refusal=evolve(one.refusal, sentence=write(one.refusal.sentence)))
        for one in report.merges
    ]
    return evolve(report, operations=tuple(operations), merges=tuple(merges))


def _opening(report: SessionReport) -> str:
    machine = report.machine
    limits = (("RAM", machine.ram_pages), ("swap", machine.swap_pages))
    memory = ", ".join(f"{name} {'unlimited' if pages is None else f'{pages:,} pages'}" for name, pages in limits)
    told = [
        ("machine", f"{machine.arch}, {machine.word_bytes * 8} bit, cache lines of {machine.cache_line_bytes} bytes"),
        ("memory", memory),
        ("system calls", f"as in Linux {machine.calls}"),
        ("shown", f"the state after operation {report.position:,} of {report.head:,}, branch {report.branch}"),
    ]
    if len(report.branches) > 1:
        told.append(("branches", ", ".join(report.branches)))
    if report.path:
        told.append(("file", report.path))
    return f"<h1>{escape(report.title)}</h1>\n<p class=dim>The same operations under each reverse-mapping design.</p>\n{facts(told)}"


def _designs(report: SessionReport) -> str:
    keys = []
    for number, one in enumerate(report.designs):
        pattern = DASHES[dash(one.key)]
        line = f'<line class="curve d{number}" x1="0" x2="34" y1="5" y2="5" stroke-dasharray="{pattern}"/>'
        drawn = f'<svg width="34" height="10" aria-hidden="true">{line.replace(chr(32) + "stroke-dasharray=" + chr(34) * 2, "")}</svg>'
        era = f" <span class=dim>{escape(one.era)}</span>" if one.era else ""
        keys.append(f'<span class="key">{drawn}{escape(one.title)}{era}</span>')
    return f"<h2>Designs</h2>\n<p>{''.join(keys)}</p>\n"


def _comparison(report: SessionReport) -> str:
    rows = [_figures("vmas", [one.vmas for one in report.designs], "")]
    rows += [
        _figures(metric.title, [one.figures[metric.key] for one in report.designs], metric.help)
        for metric in METRICS
        if metric.key != "vmas"
    ]
    rows.append(_figures("operations refused", [one.refused for one in report.designs], "calls that ended in an error"))
    head = ["", *(one.title for one in report.designs)]
    text = "Least in green where designs differ. Probe: try_to_unmap of every resident anonymous page, now."
    return f"<h2>What each design pays</h2>\n<p class=dim>{text}</p>\n{table(head, rows, 1)}"


def _figures(name: str, values: list[int] | list[float], help_: str) -> list[str]:
    known = [value for value in values if not math.isnan(value)]
    least = min(known) if len(set(known)) > 1 else None
    title = f'<span title="{escape(help_)}">{escape(name)}</span>'
    cells = []
    for value in values:
        word = "—" if math.isnan(value) else f"{value:,.0f}"
        more = f" <span class=dim>({_ratio(value / least)})</span>" if least and value != least else ""
        cells.append(f"<span class=best>{word}</span>" if value == least else word + more)
    return [title, *cells]


def _ratio(ratio: float) -> str:
    return f"× {ratio:,.0f}" if ratio >= 10 else f"{(ratio - 1) * 100:+,.0f} %"


def _footprints(report: SessionReport) -> str:
    rows = [
        [escape(one.title), f"<code>{escape(row.kind)}</code>", escape(row.source), f"{row.objects:,}", f"{row.size:,}",
         f"{row.bytes:,}", f"{row.slab_pages:,}"]
        for one in report.designs
        for row in one.footprint
    ]  # fmt: skip
    head = ("design", "structure", "source of the size", "objects", "bytes each", "bytes", "slab pages")
    return f"<h2>Memory by structure</h2>\n{table(head, rows, 3)}"


def _charts(report: SessionReport) -> Iterator[str]:
    yield "<h2>Curves</h2>\n<p class=dim>Over the operations, 0 is the start.</p>\n<div class=charts>\n"
    for metric in METRICS:
        yield _chart(report, metric)
    yield "</div>\n"


def _chart(report: SessionReport, metric: Metric) -> str:
    column = KEYS.index(metric.key)
    positions, all_values = (report.probed, report.probes) if metric.probed else (report.positions, report.values)
    values = all_values[:, :, column]
    some = metric.probed and len(positions) <= report.position
    names, dashes = [one.title for one in report.designs], [dash(one.key) for one in report.designs]
    drawn = chart(metric.title, positions, list(values.T), names, dashes, points=some)
    unit = f" ({metric.unit})" if metric.unit not in metric.title else ""
    caption = f"{escape(metric.title + unit)} <span>{escape(metric.help)}</span>"
    return f"<figure><figcaption>{caption}</figcaption>{drawn}</figure>\n"


def _merges(report: SessionReport) -> Iterator[str]:
    yield "<h2>Merges refused</h2>\n"
    if not report.merges:
        yield "<p>None: every two vmas that touch and could merge did.</p>\n"
        return
    listed = sum(one.times for one in report.merges)
    if listed < report.merges_refused:
        yield f"<p class=dim>{listed:,} of {report.merges_refused:,} refusals are listed, at most eight of an operation.</p>\n"
    head = ("operation", "", "design", "rule", "why", "tested by")
    for start in range(0, len(report.merges), ROWS):
        yield table(head, [_merge(one) for one in report.merges[start : start + ROWS]])


def _merge(one: MergePart) -> list[str]:
    times = f" <span class=dim>× {one.times}</span>" if one.times > 1 else ""
    refusal = one.refusal
    return [
        f"{one.position:,}", f"<code>{escape(one.text)}</code>", escape(one.design),
        f"<code>{escape(refusal.rule)}</code>{times}", escape(refusal.sentence),
        f"<span class=dim>{escape(refusal.source)}</span>",
    ]  # fmt: skip


def _operations(report: SessionReport) -> Iterator[str]:
    yield "<h2>Operations</h2>\n"
    if len(report.operations) < report.position:
        rest = f"{len(report.operations):,} of {report.position:,} are listed"
        yield f"<p class=dim>{rest}: those that were refused, that differ or that could not merge come first, then the oldest.</p>\n"
    if not report.operations:
        yield "<p>None yet.</p>\n"
    head = ("", "operation", *(one.title for one in report.designs))
    for start in range(0, len(report.operations), ROWS):
        yield table(head, [_operation(one) for one in report.operations[start : start + ROWS]])


def _operation(one: OperationPart) -> list[str]:
    cells = [f"{one.position:,}", f"<code>{escape(one.text)}</code>"]
    for outcome, merges in zip(one.outcomes, one.merges, strict=True):
        if outcome is None:
            word = "<span class=dim>not run</span>"
        elif outcome:
            errno, _, rule = outcome.partition(": ")
            word = f"<span class={'bad' if one.differs else 'warn'}><code>{escape(errno)}</code></span> {escape(rule)}"
        else:
            word = "<span class=dim>done</span>"
        cells.append(word + (f" <span class=warn>{merges:,} not merged</span>" if merges else ""))
    return cells


def _notes(report: SessionReport) -> str:
    parts = []
    if report.notes:
        rows = [
            [f"{note.position:,}", escape(note.branch or report.branch), escape(note.text)] for note in report.notes
        ]
        parts.append(f"<h2>Bookmarks</h2>\n{table(('position', 'branch', 'note'), rows)}")
    if report.imported:
        rows = [[escape(line)] for line in report.imported]
        parts.append(f"<h2>Report of the import</h2>\n{table(('what was skipped, and why',), rows)}")
    return "".join(parts)


def _ending(report: SessionReport) -> str:
    def digest(one: DesignPart) -> tuple[str, str]:
        return one.title, one.digest

    text = "Who replays the same operations with the same version gets the same digests of the state of every world."
    made = [("made by", f"rmapexplorer {__version__}, Python {platform.python_version()}, numpy {np.__version__}")]
    return f"<h2>Digests</h2>\n<p class=dim>{text}</p>\n{facts([*map(digest, report.designs), *made])}"
