"""The claims of the letter as a table, and the figures of one of them."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from PySide6.QtCore import QObject

from rmapexplorer.claims.catalogue import CLAIMS
from rmapexplorer.claims.job import Judged, Measured, Started, Step
from rmapexplorer.claims.model import HALF_TRUE, HOLDS, ONLY_WHEN, REFUTED, Claim, number
from rmapexplorer.claims.model import Column as World
from rmapexplorer.gui.icons import marker
from rmapexplorer.gui.models.base import DRAW, SORT, Column, Role, TableModel
from rmapexplorer.plain import tab_separated

CHIPS: dict[str, tuple[str, str]] = {
    HOLDS: ("✓ holds", "good"),
    ONLY_WHEN: ("◑ only when", "warn"),
    HALF_TRUE: ("◑ half true", "warn"),
    REFUTED: ("✗ refuted", "bad"),
}
"""Kind of verdict -> the words of its chip and colour token."""

WAITING, RUNNING = "—", "…"


@define
class Result:
    """What is known of a claim so far; ``kind`` is empty until it is judged, ``share`` None while it does not run."""

    figures: dict[str, dict[str, float]] = field(factory=dict)
    kind: str = ""
    sentence: str = ""
    share: float | None = None
    column: str = ""


def paragraphs(claim: Claim) -> str:
    """Where in the letter: ``2, 10``; a dash for what another mail says."""
    return ", ".join(str(number) for number in claim.place.paragraphs) or "–"


class ClaimModel(TableModel):
    """One row a claim."""

    COLUMNS = (
        Column(key="id", title="", help="number of the claim", sample="C18", mono=True, whole=True),
        Column(key="title", title="claim", help="in our own words", sample="one object for a range of pages",
               least="a page->", stretch=True),
        Column(key="place", title="¶", help="paragraph of the letter, as we count them", sample="16, 17", rank=1,
               mono=True),
        Column(key="verdict", title="verdict", help="follows from the figures by the claim's rule",
               sample="◑ only when mm", whole=True),
    )  # fmt: skip

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.results: dict[str, Result] = {claim.id: Result() for claim in CLAIMS}

    def count(self) -> int:
        """All claims."""
        return len(CLAIMS)

    def apply(self, message: object) -> None:
        """Take a message of claims.job."""
        if not isinstance(message, (Started, Step, Measured, Judged)):
            return
        if isinstance(message, Started):
            self.results[message.id] = Result(share=0.0)
        result = self.results[message.id]
        if isinstance(message, Step):
            result.share, result.column = message.done / max(message.total, 1), message.column
        elif isinstance(message, Measured):
            result.figures[message.column] = message.figures
        elif isinstance(message, Judged):
            self.results[message.id] = Result(message.figures, message.kind, message.sentence)
        row = self.row_named(message.id)
        self.touch_rows(row, row)

    def stopped(self) -> None:
        """Nothing runs any more: what was not judged is as if it had not been run."""
        for id_, result in self.results.items():
            if result.share is not None:
                self.results[id_] = Result()
        self.touch_rows(0, self.count() - 1)

    def row_named(self, id_: str) -> int:
        """Row of a claim."""
        return [claim.id for claim in CLAIMS].index(id_)

    def verdict(self, id_: str) -> tuple[str, str]:
        """Words and colour token of a claim's chip."""
        result = self.results[id_]
        if result.kind:
            return CHIPS[result.kind]
        if result.share is not None:
            return f"{RUNNING} {result.share:.0%}", "accent"
        return WAITING, "faint"

    def cell(self, row: int, column: int, role: int) -> Any:
        """One claim in one column."""
        claim, key = CLAIMS[row], self.COLUMNS[column].key
        if role == Role.DisplayRole:
            return {
                "id": claim.id,
                "title": claim.title,
                "place": paragraphs(claim),
                "verdict": self.verdict(claim.id)[0],
            }[key]
        if role == DRAW and key == "verdict":
            return (*self.verdict(claim.id), f"¶ {paragraphs(claim)}")
        if role == Role.ToolTipRole:
            result = self.results[claim.id]
            verdict = f"{result.kind}: {result.sentence}" if result.kind else claim.statement
            return {"place": str(claim.place), "title": f"{claim.title}\n{claim.statement}"}.get(key, verdict)
        if role == Role.ForegroundRole:
            return self.tone("text" if key == "title" else "dim")
        return None


class FigureModel(TableModel):
    """The figures of one claim: a row a world and figure, in the claim's order."""

    COLUMNS = (
        Column(key="figure", title="figure", help="what was measured", sample="pages lost to later",
               least="a shared", stretch=True),
        Column(key="design", title="design", help="the world, with its options", sample="anon_vma_chain 6.18",
               least="anonmm 4b m"),
        Column(key="value", title="value", sample="000,000.00", right=True, mono=True, whole=True),
        Column(key="unit", title="unit", sample="objects", least="bytes"),
    )  # fmt: skip

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.claim: Claim = CLAIMS[0]
        self.rows: list[tuple[World, str, str, float, str]] = []
        """(world, figure, unit, value, meaning)."""

    def count(self) -> int:
        """Rows shown."""
        return len(self.rows)

    def show(self, claim: Claim, figures: dict[str, dict[str, float]]) -> None:
        """Show what has been measured of ``claim``."""
        rows = [
            (world, figure.name, figure.unit, figures[world.name][figure.name], figure.meaning)
            for world in claim.columns
            if world.name in figures
            for figure in claim.figures
            if figure.name in figures[world.name]
        ]
        if claim is self.claim and rows[: len(self.rows)] == self.rows:
            if len(rows) > len(self.rows):
                self.beginInsertRows(self.index(-1, -1), len(self.rows), len(rows) - 1)
                self.rows = rows
                self.endInsertRows()
            return
        self.beginResetModel()
        self.claim, self.rows = claim, rows
        self.endResetModel()

    def text(self, rows: list[int]) -> str:
        """These rows as tab-separated lines."""
        return tab_separated([self.cell(r, c, Role.DisplayRole) for c in range(len(self.COLUMNS))] for r in rows)

    def cell(self, row: int, column: int, role: int) -> Any:
        """One figure in one column."""
        world, figure, unit, value, meaning = self.rows[row]
        key = self.COLUMNS[column].key
        if role == Role.DisplayRole:
            return {
                "design": short_world(world),
                "figure": figure.replace("_", " "),
                "value": number(value),
                "unit": unit,
            }[key]
        if role == SORT:
            return value if key == "value" else self.cell(row, column, Role.DisplayRole)
        if role == Role.ToolTipRole:
            return f"{world.name}\n{meaning}"
        if role == Role.DecorationRole and key == "design" and self.theme is not None:
            return marker(world.key, self.theme)
        if role == Role.ForegroundRole:
            if key == "design" and self.theme is not None:
                return self.theme.design(world.key)
            return self.tone("dim" if key == "unit" else "text")
        return None


def short_world(world: World) -> str:
    """``anonmm 4c``, with the architecture where it is another than the scenario's."""
    key, _, options = world.key.partition(":")
    words = [key, *(part.partition("=")[2] for part in options.split(",") if part)]
    return " ".join([*words, *([world.machine.arch] if world.machine is not None else [])])
