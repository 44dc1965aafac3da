"""The frame of a report: style sheet with light and dark, and the small parts of HTML it is made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from rmapexplorer.designs.looks import look_words, shaded
from rmapexplorer.resources import resource

_TOKENS = ("bg", "panel", "line", "text", "dim", "accent", "good", "bad", "warn")

_SHEET = """
* { box-sizing: border-box; }
body { background: var(--bg); color: var(--text); font: 15px/1.5 system-ui, "Noto Sans", "DejaVu Sans", sans-serif;
  margin: 0 auto; max-width: 1180px; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 34px 0 8px; }
p { margin: 6px 0; max-width: 76ch; } .dim { color: var(--dim); }
.box { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; width: 100%; }
th { color: var(--dim); font-weight: 500; text-align: left; }
th, td { border-bottom: 1px solid var(--line); padding: 4px 10px; vertical-align: top; }
tr:last-child td { border-bottom: none; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, .m { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 12.5px; }
.best { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.charts { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(360px, 1fr)); }
figure { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; margin: 0; padding: 8px 10px 2px; }
figcaption { font-size: 13px; } figcaption span { color: var(--dim); }
svg.chart { display: block; width: 100%; height: auto; }
svg text { fill: var(--dim); font: 10.5px system-ui, "DejaVu Sans", sans-serif; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .curve { fill: none; stroke-width: 1.8; }
svg .points { fill: none; stroke-width: 0.8; }
.key { display: inline-flex; align-items: center; gap: 7px; margin: 0 18px 4px 0; }
dl { display: grid; gap: 2px 18px; grid-template-columns: max-content 1fr; margin: 8px 0; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
@media print { body { max-width: none; } figure, tr { break-inside: avoid; } }
"""


def style(designs: Sequence[str]) -> str:
    """The sheet: tokens of both themes, and the class ``d<k>`` for the curve of design k."""
    tokens: dict[str, Any] = json.loads(resource("themes/tokens.json").read_text(encoding="utf-8"))

    def theme(name: str) -> str:
        lines = [f"--{token}: {tokens[name][token]};" for token in _TOKENS]
        found = [shaded(key, tokens[name][look_words(key)[0]], tokens[name]["text"]) for key in designs]
        return " ".join(lines + [f"--d{number}: {color};" for number, color in enumerate(found)])

    curves = "\n".join(f".d{number} {{ stroke: var(--d{number}); }}" for number in range(len(designs)))
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {theme('dark')} }} }}"
    return f":root {{ color-scheme: light dark; {theme('light')} }}\n{dark}\n{_SHEET}{curves}\n"


def dash(design: str) -> str:
    """The dash of a world's curve, a word of exports.charts.DASHES."""
    return look_words(design)[2]


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: int | None = None) -> str:
    """A table of cells that are HTML already; columns from ``numbers`` on are numbers."""

    def row(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} class="n">{cell}</{tag}>'
            if numbers is not None and column >= numbers
            else f"<{tag}>{cell}</{tag}>"
            for column, cell in enumerate(cells)
        )

    body = "\n".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
    return f'<div class="box"><table>\n<tr>{row([escape(word) for word in head], "th")}</tr>\n{body}\n</table></div>\n'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, both plain text."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs) + "</dl>\n"
