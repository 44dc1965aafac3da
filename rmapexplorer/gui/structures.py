"""The structures panel: the neighbourhood of the selection, the forest, the matrix, and what a design has besides, as tabs.

What is always told: how much is shown of how much, and why. Every picture has a table twin. The pictures of everything
ask the engine through ``asker``; the neighbourhood comes with the frame.
"""

from __future__ import annotations

import numpy as np
from attrs import evolve
from PySide6.QtCore import QPoint, QPointF, Signal
from PySide6.QtWidgets import QStackedWidget, QToolTip, QWidget

from rmapexplorer.core.design import Design
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.frames import Detail, Frame, Structure
from rmapexplorer.engine.incidence import Atlas, Chart, ForestPicture, ForestQuestion
from rmapexplorer.engine.page_chains import ChainsPicture, ChainsQuestion, GroupsPicture, GroupsQuestion
from rmapexplorer.engine.patch import PatchQuestion
from rmapexplorer.engine.picture import NODES_SHOWN, NeighbourhoodQuestion
from rmapexplorer.engine.tiles import Tile
from rmapexplorer.gui import places
from rmapexplorer.gui.panel import HeaderButton, HeaderTabs, Panel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.structure_asker import Asker
from rmapexplorer.gui.structure_chains import Chains
from rmapexplorer.gui.structure_forest import Forest
from rmapexplorer.gui.structure_groups import Groups
from rmapexplorer.gui.structure_items import scrolling
from rmapexplorer.gui.structure_layout import MORE, MOST_NODES, stubbed
from rmapexplorer.gui.structure_matrix import Matrix
from rmapexplorer.gui.structure_picture import Picture
from rmapexplorer.gui.structure_spots import Spots
from rmapexplorer.gui.structure_table import Target, TwinTable
from rmapexplorer.gui.structure_walk import walked
from rmapexplorer.gui.structure_words import EMPTY, FOOTERS, WHY, no_objects, nothing_here
from rmapexplorer.gui.theme import Theme, Themes

NEIGHBOURHOOD, FOREST, MATRIX, CHAINS, GROUPS = "Neighbourhood", "Forest", "Matrix", "Chains", "Groups"
WIDE_LIMIT = 120
"""Objects of a rank once the user asked for more."""


class Structures(Panel):
    """Tabs on the left of its header; table, fit, how much is shown and why on the right."""

    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("Structures", parent)
        self.setObjectName("structures")
        self._frame: Frame | None = None
        self._detail: Detail | None = None
        self._revealed = 0
        self._wide: Structure | None = None
        self._patch: Structure | None = None
        self._framed: tuple[tuple[int, int], tuple[int, int]] | None = None
        self._limit = NODES_SHOWN
        self._stale: set[str] = set()
        self._chosen = self._moving = self._led = False
        self._spots = Spots(None, None, 0)
        self._spotted = True
        self.atlas = Atlas()
        self.asker = Asker(self)
        self.tabs = HeaderTabs()
        self.tabs.setAccessibleName("Pictures of the structures")
        self.tabs.setUsesScrollButtons(False)
        self.pages = QStackedWidget()
        self.picture, self.forest, self.matrix = Picture(selection), Forest(selection), Matrix(selection)
        self.chains, self.groups = Chains(selection), Groups(selection)
        self.table = TwinTable(selection)
        self.whole = HeaderButton("fit", "Fit the whole picture into the panel")
        self.twin = HeaderButton("table", "Show the picture as a table")
        self.twin.setCheckable(True)
        self.why = HeaderButton("why", "Why not everything is drawn")
        self._views: dict[str, QWidget] = {}
        self._assemble_pages()
        self._connect(themes)
        self._renew()

    def _assemble_pages(self) -> None:
        self.set_title_widget(self.tabs)
        for button in (self.twin, self.whole, self.why):
            self.header_layout().addWidget(button)
        self.set_body(self.pages)
        self.add_tab(NEIGHBOURHOOD, self.picture)
        self.add_tab(FOREST, self.forest)
        self.add_tab(MATRIX, self.matrix)
        self._views[CHAINS], self._views[GROUPS] = scrolling(self.chains), scrolling(self.groups)
        for page in (self._views[CHAINS], self._views[GROUPS], self.table):
            self.pages.addWidget(page)

    def _connect(self, themes: Themes) -> None:
        self.tabs.currentChanged.connect(self._tab_changed)
        self.whole.clicked.connect(self._fit)
        self.twin.toggled.connect(lambda _: self._show_page())
        self.why.clicked.connect(self._explain)
        for view in (self.picture, self.forest, self.matrix, self.chains, self.groups, self.table):
            view.context_requested.connect(self.context_requested)
        self.picture.more_wanted.connect(self._widen)
        self.picture.moved.connect(self._picture_moved)
        self.forest.wanted.connect(lambda: self.asker.ask("forest"))
        self.forest.moved.connect(self._forest_moved)
        self.matrix.wanted.connect(self._matrix_moved)
        self.matrix.framed.connect(self._open_patch)
        self.asker.add("forest", self._forest_question, self._forest_came)
        self.asker.add("matrix", lambda: self.matrix.whole_question(self.atlas), self._matrix_came)
        self.asker.add("part", lambda: self.matrix.part_question(self.atlas), self._part_came)
        self.asker.add("wide", self._wide_question, self._wide_came)
        self.asker.add("patch", self._patch_question, self._patch_came)
        self.asker.add("chains", self._chains_question, self._chains_came)
        self.asker.add("groups", GroupsQuestion, self._groups_came)
        themes.changed.connect(self.set_theme)
        self.set_theme(themes.current)

    def add_tab(self, title: str, page: QWidget) -> None:
        """Another picture of the structures."""
        self._views[title] = page
        self.pages.addWidget(page)
        self.tabs.addTab(title)

    @property
    def tab(self) -> str:
        """Title of the tab that is shown."""
        return self.tabs.tabText(self.tabs.currentIndex())

    def show_tab(self, title: str) -> None:
        """Turn to a tab, in any case of letters, without that being the user's choice."""
        self._moving = True
        for number in range(self.tabs.count()):
            if self.tabs.tabText(number).lower() == title.lower():
                self.tabs.setCurrentIndex(number)
        self._moving = False

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        super().set_theme(theme)
        self.tabs.set_theme(theme)
        for view in (self.picture, self.forest, self.matrix, self.chains, self.groups, self.table):
            view.set_theme(theme)

    def set_reduced_motion(self, reduced: bool) -> None:
        """Whether new boxes are there at once."""
        self.picture.reduced_motion = reduced

    def new_session(self) -> None:
        """Another session begins with its neighbourhood; where that is too much for boxes the matrix comes by itself."""
        self._chosen = False
        self.forest.forget_folding()
        self.twin.setChecked(False)
        self.show_tab(NEIGHBOURHOOD)

    def inherit(self, old: Structures) -> None:
        """Stand where the panel before this one stood."""
        self.forest.folding = old.forest.folding
        self._chosen, self._revealed = old._chosen, old._revealed
        self.twin.setChecked(old.twin.isChecked())
        if old._frame is not None:
            self._offer(old._frame.view)
        self.show_tab(old.tab)

    # --- frames

    def set_frame(self, frame: Frame) -> None:
        """Show the structure of the frame's detail; the picture in view asks for what it needs besides."""
        old, self._frame = self._frame, frame
        before, self._detail = self._detail, frame.detail
        if _spot(before) != _spot(frame.detail) or old is None or old.view != frame.view:
            self._limit, self._patch = NODES_SHOWN, None
        if old is not None and old.generation != frame.generation:
            self.forest.forget_folding()
        same = old is not None and old.vmas is frame.vmas and _state(old) == _state(frame)
        self._wide = self._wide if same and self._limit > NODES_SHOWN else None
        self._offer(frame.view)
        self._spotted = False
        if not same:
            self.forest.outdated()
            self.matrix.outdated()
        self._stale |= {FOREST, CHAINS, GROUPS} if same else {FOREST, MATRIX, CHAINS, GROUPS}
        if self._limit > NODES_SHOWN and self._wide is None:
            self.asker.ask("wide")
        if not self._chosen and frame.detail is not None and frame.detail.structure.total > MOST_NODES:
            self._ask_matrix()
        elif self._led and not self._chosen and frame.detail is not None:
            self._led = False
            self.show_tab(NEIGHBOURHOOD)  # the matrix came by itself, for a selection with more than boxes can show
        self._ask_current()
        self._renew()

    def set_walk_step(self, revealed: int) -> None:
        """Mark what the first ``revealed`` steps of the walk visit; with none or all of them, everything."""
        self._revealed = revealed
        self._spotted = False
        self._renew()

    def _offer(self, view: str) -> None:
        # the tab that only some designs have
        kind = kind_of(view)
        extra = GROUPS if kind.GROUPS else CHAINS if kind.page_chains is not Design.page_chains else ""
        for number in reversed(range(3, self.tabs.count())):
            if self.tabs.tabText(number) != extra:
                self._moving = True
                self.tabs.removeTab(number)
                self._moving = False
        if extra and self.tabs.count() == 3:
            self.tabs.addTab(extra)

    # --- questions

    def _ask_current(self) -> None:
        frame = self._frame
        if frame is None or frame.busy or self.tab not in self._stale:
            return
        if self.tab == MATRIX:
            self._ask_matrix()
        elif self.tab != NEIGHBOURHOOD:
            self._stale.discard(self.tab)
            self.asker.ask(self.tab.lower())

    def _ask_matrix(self) -> None:
        if self._frame is not None and not self._frame.busy and MATRIX in self._stale:
            self._stale.discard(MATRIX)
            self.matrix.ask_again()
            self.asker.ask("matrix")
            self.asker.ask("part")

    def _forest_question(self) -> ForestQuestion:
        self._respot()
        forest = self.forest
        return ForestQuestion(
            atlas=self.atlas, folding=forest.folding, must=forest.must(), size=forest.size_wanted(),
            across=forest.pitch[0], down=forest.pitch[1],
        )  # fmt: skip

    def _forest_came(self, picture: ForestPicture) -> None:
        self.forest.set_picture(picture)
        self._shell()

    def _forest_moved(self) -> None:
        if self.tab == FOREST:
            self._count()

    def _matrix_came(self, answer: tuple[Chart, Tile]) -> None:
        self._respot()
        self.matrix.set_answer(*answer, whole=True)
        total = self._detail.structure.total if self._detail is not None else 0
        if not self._chosen and total > MOST_NODES and len(answer[0].row) and self.tab == NEIGHBOURHOOD:
            self.show_tab(MATRIX)
            self._led = True
        self._shell()

    def _part_came(self, answer: tuple[Chart, Tile]) -> None:
        self.matrix.set_answer(*answer, whole=False)
        self._shell()

    def _matrix_moved(self) -> None:
        if self.matrix.chart is not None and self.tab == MATRIX:
            self.asker.ask("matrix" if self.matrix.outgrown() else "part")
            self._count()
            self.set_footer(self._footer_words())

    def _wide_question(self) -> NeighbourhoodQuestion | None:
        detail = self._detail
        return NeighbourhoodQuestion(pid=detail.pid, vpn=detail.vpn, limit=self._limit) if detail is not None else None

    def _wide_came(self, structure: Structure) -> None:
        self._wide = structure
        self._renew()

    def _widen(self, rank: int) -> None:
        if self._limit < WIDE_LIMIT and self._patch is None:
            self._limit = WIDE_LIMIT
            self.asker.ask("wide")
        else:
            self._chosen = True
            self.show_tab(MATRIX)

    def _open_patch(self, rows: tuple[int, int], columns: tuple[int, int]) -> None:
        self._framed = (rows, columns)
        self.asker.ask("patch")

    def _patch_question(self) -> PatchQuestion | None:
        return PatchQuestion(atlas=self.atlas, rows=self._framed[0], columns=self._framed[1]) if self._framed else None

    def _patch_came(self, structure: Structure) -> None:
        self._framed = None
        if structure.nodes:
            self._patch, self._chosen = structure, True
            self.show_tab(NEIGHBOURHOOD)
            self._renew()

    def _chains_question(self) -> ChainsQuestion:
        detail = self._detail
        return ChainsQuestion(pid=detail.pid, vpn=detail.vpn) if detail is not None else ChainsQuestion()

    def _chains_came(self, picture: ChainsPicture) -> None:
        self.chains.set_picture(picture)
        self._shell()

    def _groups_came(self, picture: GroupsPicture) -> None:
        self.groups.set_picture(picture)
        self._shell()

    # --- what is shown

    def _tab_changed(self, number: int) -> None:
        self._chosen = self._chosen or not self._moving
        self._show_page()
        self._ask_current()
        self._renew()

    def _show_page(self) -> None:
        page = self.table if self.twin.isChecked() else self._views.get(self.tab, self.picture)
        self.pages.setCurrentWidget(page)
        self.pages.setFocusProxy(page)
        self._shell()

    def _respot(self) -> None:
        if not self._spotted:
            self._spotted = True
            self._spots = Spots(self._frame, None, self._revealed)
            self.forest.set_spots(self._spots)
            self.matrix.set_spots(self._spots)

    def _renew(self) -> None:
        detail = self._detail
        structure = self._patch or self._wide or (detail.structure if detail is not None else Structure())
        whole = structure
        if detail is not None and self._patch is None:
            structure = walked(structure, detail.walk, self._revealed)
        self.picture.set_structure(placed(stubbed(structure)), whole)
        if self.tab in (FOREST, MATRIX):
            self._respot()
        self._shell()

    def _shell(self) -> None:
        """Header, footer and emptiness of the tab in view."""
        empty = self._emptiness()
        self.set_empty(empty)
        self.set_footer("" if empty else self._footer_words())
        if empty and self.tab != NEIGHBOURHOOD:
            self.set_hint("")
        else:
            self._count()
        table = self.twin.isChecked()
        self.whole.setVisible(not empty and self.tab in (NEIGHBOURHOOD, FOREST, MATRIX))
        self.whole.setEnabled(not table)  # not hidden: what was pressed stays under the mouse
        self.twin.setVisible(not empty)
        self.why.setVisible(not empty)
        self.why.setToolTip(WHY[self.tab])
        if table and not empty:
            self.table.model_.set_table(*self._rows())

    def _count(self) -> None:
        words = {
            NEIGHBOURHOOD: self._neighbourhood_words, FOREST: self.forest.count_words, MATRIX: self.matrix.count_words,
            CHAINS: self.chains.count_words, GROUPS: self.groups.count_words,
        }[self.tab]()  # fmt: skip
        self.set_hint(words)

    def _picture_moved(self) -> None:
        if self.tab == NEIGHBOURHOOD and self.picture.isVisible():
            self._count()

    def _neighbourhood_words(self) -> str:
        structure = self.picture.structure
        boxes = sum(node.state != MORE for node in self.picture.layout_now.nodes)
        outside = len(self.picture.outside()) if self.picture.isVisible() else 0
        cut = f"{outside:,} of {boxes:,} outside the panel · " if outside else ""  # first: what follows may be elided
        return f"{cut}{boxes:,} of {max(structure.total, boxes + sum(structure.left_out)):,} objects"

    def _footer_words(self) -> str:
        note = self.picture.structure.note if self.tab == NEIGHBOURHOOD else ""
        if self.tab == MATRIX and self.matrix.chart is not None:
            return f"{self.matrix.level_words()} · {FOOTERS[MATRIX]}"
        return note or FOOTERS[self.tab]

    def _emptiness(self) -> str | None:
        if self.tab == NEIGHBOURHOOD:
            structure = self.picture.structure
            return None if structure.nodes else structure.note or nothing_here(self._frame)
        if self.tab in (FOREST, MATRIX):
            chart = self.matrix.chart if self.tab == MATRIX else self.forest.picture and self.forest.picture.chart
            if chart is None or self._frame is None:
                return None if self._frame is not None else EMPTY
            nothing = not len(chart.row) if self.tab == MATRIX else not chart.columns
            return no_objects(kind_of(self._frame.view), chart) if nothing else None
        return None

    def _rows(self) -> tuple[tuple[str, ...], list[np.ndarray], list[Target]]:
        if self.tab == NEIGHBOURHOOD:
            return self.picture.table()
        views = {FOREST: self.forest, MATRIX: self.matrix, CHAINS: self.chains, GROUPS: self.groups}
        heads, columns, targets = views[self.tab].table()
        return tuple(heads), columns, targets

    def _fit(self) -> None:
        if self.tab == NEIGHBOURHOOD:
            self.picture.fit_all()
        elif self.tab == FOREST:
            self.forest.fit_all()
        else:
            self.matrix.fit()

    def _explain(self) -> None:
        place = self.why.mapToGlobal(QPointF(0, self.why.height()).toPoint())
        QToolTip.showText(place, WHY[self.tab], self.why)


def placed(structure: Structure) -> Structure:
    """The structure with the places in its boxes written as they are shown."""
    write = places.shown().text
    nodes = [
        evolve(n, title=write(n.title), subtitle=write(n.subtitle), kernel=write(n.kernel)) for n in structure.nodes
    ]
    return evolve(structure, nodes=tuple(nodes)) if places.shown().in_bytes else structure


def kind_of(view: str) -> type[Design]:
    """The design of a world's key; the base of all for an unknown one."""
    return next((kind for kind in DESIGNS if kind.key == view.partition(":")[0]), Design)


def _spot(detail: Detail | None) -> tuple[int, int]:
    return (detail.pid, detail.vpn) if detail is not None else (0, -1)


def _state(frame: Frame) -> tuple[int, int, str, str]:
    return frame.generation, frame.position, frame.view, frame.branch
