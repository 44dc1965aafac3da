"""The pages of the help by key, as Markdown: written ones under resources/help, the others made from what the program knows."""

from __future__ import annotations

import re

from rmapexplorer.gui.actions import shortcut_sheet
from rmapexplorer.gui.layout import PLACES
from rmapexplorer.resources import resource

TITLES = {
    "why": "What a reverse map is for",
    "guide": "Reading the window",
    "panels": "The panels",
    "letter": "The letter of March 2004",
    "shortcuts": "Shortcuts",
    "vocabulary": "Words",
    "script": "Scripts",
    "formats": "Files",
    "simulated": "What is simulated",
    "bench": "How fast it is",
}
"""Key -> title of the pages that are not about one design."""

PARTS = (
    ("Begin here", ("why",)),
    ("Using the explorer", ("guide", "panels", "shortcuts", "script", "formats", "bench")),
    ("The subject", ("letter", "vocabulary", "simulated")),
)
"""The branches of the tree, in order; the designs follow as a third."""

DESIGN = "design/"
"""Keys of the pages of designs begin so."""

_LINK = re.compile(r"\[[^\]]*\]\(([^)]+)\)")


def design_keys() -> tuple[str, ...]:
    """Keys of the pages of designs, oldest first."""
    from rmapexplorer.designs.registry import DESIGNS

    return tuple(DESIGN + design.key for design in DESIGNS)


def title(key: str) -> str:
    """The title of a page."""
    return TITLES.get(key) or key.removeprefix(DESIGN)


def text(key: str) -> str:
    """A page as Markdown. KeyError: there is none of that key."""
    if key == "shortcuts":
        return f"# Shortcuts\n\n{_panels()}\n\n{shortcut_sheet()}"
    if key in TITLES:
        written = resource(f"help/{key}.md").read_text(encoding="utf-8")
        return written + _operations() if key == "script" else written
    from rmapexplorer.designs.registry import DESIGNS
    from rmapexplorer.gui.design_page import page

    return page({DESIGN + design.key: design for design in DESIGNS}[key])


def links(markdown: str) -> list[str]:
    """Where the links of a page lead."""
    return _LINK.findall(markdown)


def _operations() -> str:
    from rmapexplorer.formats.script_operations import EXAMPLES

    lines = [f"| {name} | `{example}` |" for name, example in EXAMPLES.items()]
    return "\n".join(["", "| operation | example |", "|---|---|", *lines, ""])


def _panels() -> str:
    rows = [f"| {place.title} | {place.shortcut} |" for place in PLACES]
    return "\n".join(["### Panels", "", "| panel | brings it to the front |", "|---|---|", *rows])


def unlinked(markdown: str) -> str:
    """The text of links without where they lead."""
    return re.sub(r"\[([^\]]*)\]\([^)]+\)", r"\1", markdown)
