"""File > Export: pictures, tables, graphs, and the report of a session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PySide6.QtCore import Signal

from rmapexplorer.core.places import Places
from rmapexplorer.engine.frames import HistoryEntry, Notice, PathChanged, SessionOpened
from rmapexplorer.formats.writing import mismatch
from rmapexplorer.gui import places
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from rmapexplorer.engine.stage import Stage
    from rmapexplorer.gui.export_dialog import PictureDialog
    from rmapexplorer.gui.window import MainWindow

    Pieces = Iterable[str | bytes]
    Make = Callable[[Stage], Generator[tuple[int, int] | None, None, Pieces]]
    """Gathers on the engine thread, a little at each step, and returns what is to be written."""

CSV = "Tables (*.csv)"
GRAPHS = "Graphviz (*.dot);;GraphML (*.graphml)"
PAGES = "Web pages (*.html)"


def _export(id_: str, text: str, tip: str, **more: Any) -> Action:
    return Action(id=f"export_{id_}", text=text, menu="File", submenu="E&xport", tip=tip, **more)


class Exports(Feature):
    """Asks where to, gathers and writes aside, tells how it ended."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        _export("picture", "&Picture…", "The window or one panel as PNG, 1 to 4 times as fine, or as SVG",
                handler="export_picture", shortcut=("Ctrl+Shift+E",)),
        _export("report", "&Report of the session…", "One HTML file: figures of all designs, curves, refused merges, "
                "operations, bookmarks", handler="export_report"),
        _export("curves", "&Curves as CSV…", "A row for each operation of the branch, a column for each figure of each "
                "design, as `rmapexplorer export --csv` writes it", handler="export_curves"),
        _export("curves_in_sight", "C&urves in sight as CSV…", "The operations and the figures that the overhead plots "
                "show now", handler="export_curves_in_sight"),
        _export("vmas", "&VMAs as CSV…", "Every vma of every process under the design in view",
                handler="export_table", values={"table": "vmas"}),
        _export("processes", "Pr&ocesses as CSV…", "The living processes with their counts",
                handler="export_table", values={"table": "processes"}),
        _export("history", "&History as CSV…", "Every operation of this branch with its outcome",
                handler="export_table", values={"table": "history"}),
        _export("graph", "&Graph of the selection…", "What the structures panel shows, for Graphviz or as GraphML",
                handler="export_graph", needs="selection"),
        _export("graph_all", "Graph of &everything…", "All vmas, links and objects of the design in view, for Graphviz "
                "or as GraphML", handler="export_graph_all"),
    )  # fmt: skip

    ended = Signal(str, str)
    """Path, and a sentence of trouble or nothing; from any thread."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.dialog: PictureDialog | None = None
        self._entries: list[HistoryEntry] = []
        self._writers: list[threading.Thread] = []
        self._again: dict[str, Callable[[], None]] = {}
        self.ended.connect(self._told_end)

    def built(self) -> None:
        """The submenu stands with the other ways to save."""
        actions = self.window.actions_
        actions.menus["File"].insertMenu(actions["screenshot"], actions.menus["Export"])

    def told(self, message: Any) -> None:
        """The history, as it is to be exported."""
        if isinstance(message, SessionOpened):
            self._entries = []
        elif isinstance(message, PathChanged):
            self._entries[message.keep :] = message.entries

    # pictures

    def parts(self) -> dict[str, tuple[str, QWidget]]:
        """What can become a picture now: the window, and every panel in sight."""
        from rmapexplorer.gui.export_dialog import WINDOW
        from rmapexplorer.gui.layout import PLACES

        found: dict[str, tuple[str, QWidget]] = {WINDOW: ("The whole window", self.window)}
        for place in PLACES:
            view = self.window.views[place.name]
            if not view.visibleRegion().isEmpty():  # nor behind a tab
                found[place.name] = (place.title, view)
        return found

    def do_export_picture(self, record: Action, given: dict[str, Any]) -> None:
        """Ask for part and scale."""
        from rmapexplorer.gui.export_dialog import PictureDialog

        if self.dialog is not None:
            self.dialog.close()
            self.dialog.deleteLater()
        self.dialog = PictureDialog(self.parts(), self.window)
        self.dialog.chosen.connect(self._picture)
        self.dialog.show()

    def _picture(self, part: str, scale: int, suffix: str) -> None:
        filters = {"png": "Pictures (*.png)", "svg": "Drawings (*.svg)"}[suffix]
        self._ask(part, filters, suffix, lambda path: self.save_picture(path, part, scale, suffix))

    def save_picture(self, path: str, part: str, scale: int, suffix: str) -> None:
        """Paint a part of the window at a scale and write it to ``path`` aside."""
        from rmapexplorer.gui import export_pictures

        found = self.parts().get(part)
        if found is None:
            self._fail(f"The panel {part} is not in sight any more; show it and export again.")
            return
        title, widget = found
        background = self.window.themes.current.color("bg")
        if suffix == "svg":
            data = export_pictures.svg(widget, f"{self.window.files.title}: {title}", background)
            self._aside(path, lambda: [data])
            return
        picture = export_pictures.image(widget, scale, background)
        if picture.isNull():
            self._fail("There is not enough memory for a picture of that size; choose a smaller scale.")
            return
        self._aside(path, lambda: [export_pictures.png(picture)])

    # tables

    def do_export_curves(self, record: Action, given: dict[str, Any]) -> None:
        """All curves of the branch, with every probe that its log has."""

        def make(stage: Stage) -> Generator[tuple[int, int] | None, None, Pieces]:
            from rmapexplorer.engine.probing import completed
            from rmapexplorer.exports import tables

            grid = stage.grid
            yield from completed(stage, grid)
            return tables.csv_pieces(tables.curves(stage, grid))

        self._ask("curves", CSV, "csv", lambda path: self.engine_writes(path, "Writing the curves", make))

    def do_export_curves_in_sight(self, record: Action, given: dict[str, Any]) -> None:
        """The range in sight of what is plotted, as far as it is known."""
        view = self.window.views["overhead"]
        titles, first, values = view.visible_values() if hasattr(view, "visible_values") else ((), 0, np.empty((0, 0)))
        if not len(values):
            self._fail("No curve is in sight; show the overhead panel and export again.")
            return

        def pieces() -> Pieces:
            from rmapexplorer.exports import tables

            rows = ([first + number, *row] for number, row in enumerate(values.tolist()))
            return tables.csv_pieces(tables.Table(head=("position", *titles), rows=rows))

        self._ask("curves", CSV, "csv", lambda path: self._aside(path, pieces))

    def do_export_table(self, record: Action, given: dict[str, Any]) -> None:
        """Vmas, processes or history as they are now."""
        name, frame = given["table"], self.window.frame
        if frame is None:
            self._fail("There is no session to export yet.")
            return
        entries = list(self._entries) if name == "history" else []
        how = places.shown()

        def pieces() -> Pieces:
            from rmapexplorer.exports import tables

            if name == "processes":
                return tables.csv_pieces(tables.processes(frame))
            table = tables.history(entries, how) if name == "history" else tables.vmas(frame, how)
            return tables.csv_pieces(table)

        self._ask(name, CSV, "csv", lambda path: self._aside(path, pieces))

    # what the engine gathers

    def do_export_report(self, record: Action, given: dict[str, Any]) -> None:
        """The state shown and how it came about."""
        how = places.shown()

        def make(stage: Stage) -> Generator[tuple[int, int] | None, None, Pieces]:
            from rmapexplorer.engine.session_report import gather
            from rmapexplorer.exports.html import html

            report = yield from gather(stage)
            return html(report, how)

        self._ask("report", PAGES, "html", lambda path: self.engine_writes(path, "Writing the report", make))

    def do_export_graph(self, record: Action, given: dict[str, Any]) -> None:
        """The picture of the selection."""
        from rmapexplorer.engine.graph_export import of_structure

        frame = self.window.frame
        if frame is None or frame.detail is None or not frame.detail.structure.nodes:
            self._fail("Nothing is linked to the selection in this design; select a page that was written.")
            return
        how = places.shown()
        graph = of_structure(frame.detail.structure, f"{frame.detail.title}, after operation {frame.position}")
        self._ask("selection", GRAPHS, "dot", lambda path: self._aside(path, lambda: _graph(graph, path, how)))

    def do_export_graph_all(self, record: Action, given: dict[str, Any]) -> None:
        """Every vma and every object of the design in view."""
        how = places.shown()

        def write(path: str) -> None:
            def make(stage: Stage) -> Generator[tuple[int, int] | None, None, Pieces]:
                from rmapexplorer.engine.graph_export import WholeGraph

                return _graph((yield from WholeGraph().gather(stage)), path, how)

            self.engine_writes(path, "Writing the graph", make)

        self._ask("graph", GRAPHS, "dot", write)

    def engine_writes(self, path: str, title: str, make: Make) -> None:
        """A job: gather, then write; with progress and cancel like every job, and nothing changed where it is stopped."""
        from rmapexplorer.engine.steps import Steps

        def work(stage: Stage) -> Generator[tuple[int, int] | None, None, None]:
            from rmapexplorer.formats.writing import atomically, trouble

            try:
                pieces = yield from make(stage)
                yield from atomically(path, pieces)
            except OSError as error:
                self.ended.emit(path, trouble(path, error))
            else:
                self.ended.emit(path, "")

        def again() -> None:
            self.window.bridge.job(lambda number: Steps(number, title, work))

        self._again[path] = again
        again()

    # writing

    def _ask(self, name: str, filters: str, suffix: str, then: Callable[[str], None]) -> None:
        files = self.window.files
        stem = "".join(c if c.isalnum() or c in "-_. " else "-" for c in files.title)
        folder = Path(self.window.settings.folder)
        suggested = str(folder / f"{stem}-{name.replace('_', '-')}.{suffix}")

        def chosen(path: str) -> None:
            if sentence := _mismatch(path, suffix):
                self._fail(sentence)
            else:
                then(path)

        files.dialogs.ask_save(suggested, filters, suffix, chosen)

    def _aside(self, path: str, pieces: Callable[[], Pieces]) -> None:
        def write() -> None:
            from rmapexplorer.formats import writing

            try:
                writing.write(path, pieces())
            except OSError as error:
                self.ended.emit(path, writing.trouble(path, error))
            else:
                self.ended.emit(path, "")

        def again() -> None:
            self._writers = [one for one in self._writers if one.is_alive()]
            self._writers.append(threading.Thread(target=write, name="export", daemon=True))
            self._writers[-1].start()

        self._again[path] = again
        again()

    def _told_end(self, path: str, trouble: str) -> None:
        again = self._again.pop(path, None)
        if trouble:
            if again is not None:
                self._again[path] = again
            self.window.show_notice(Notice(level="error", text=trouble, retry=("export", path)))
        else:
            self.window.show_notice(Notice(level="info", text=f"Exported {path}."))

    def retry(self, path: str) -> None:
        """Write once more what could not be written to ``path``."""
        if (again := self._again.get(path)) is not None:
            again()

    def _fail(self, sentence: str) -> None:
        self.window.show_notice(Notice(level="error", text=sentence))

    def closing(self) -> None:
        """What is being written is finished first."""
        for one in self._writers:
            one.join()
        if self.dialog is not None:
            self.dialog.close()


def _mismatch(path: str, suffix: str) -> str:
    """Why what the suffix stands for must not have that name; a graph is of the kind its name says."""
    kinds = {"html": "HTML", "csv": "CSV", "png": "PNG", "svg": "SVG"}
    if suffix == "dot" and not mismatch(path, "GraphML"):
        return ""
    return mismatch(path, kinds.get(suffix, "DOT"))


def _graph(graph: Any, path: str, how: Places) -> Pieces:
    from rmapexplorer.engine.graph_export import with_places
    from rmapexplorer.exports.graph import dot, graphml

    graph = with_places(graph, how)
    return graphml(graph) if path.endswith((".graphml", ".xml")) else dot(graph)
