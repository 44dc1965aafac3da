"""Copy as: what is selected or pointed at as /proc/PID/maps, smaps, Python, script or plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtGui import QGuiApplication

from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Notice
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature

if TYPE_CHECKING:
    from rmapexplorer.core.operations import Operation

_PLACES = ("process", "vma", "span", "page")
_ALL = (*_PLACES, "operation")


def _copy(id_: str, text: str, tip: str, context: tuple[str, ...]) -> Action:
    return Action(id=f"copy_{id_}", text=text, menu="Edit", handler="copy_as", values={"form": id_}, context=context,
                  submenu="Copy &as", needs="selection", tip=tip)  # fmt: skip


class CopyAs(Feature):
    """One handler for all forms; what only the engine knows is asked for first."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        _copy("maps", "/proc/PID/&maps", "The vmas as /proc/PID/maps prints them", _PLACES),
        _copy("smaps", "/proc/PID/&smaps", "The vmas as smaps prints them: Rss, Pss, shared, private, swap", _PLACES),
        _copy("python", "&Python", "Operations as constructors of rmapexplorer.core.operations that run", _ALL),
        _copy("script", "S&cript", "Operations as lines of a script", _ALL),
        _copy("plain", "Plain &text", "In words: counts of the process, a line for each vma or operation", _ALL),
    )

    def context(self, kind: str, target: dict[str, Any]) -> dict[str, Any]:
        """Where several operations are selected in the history, it is about all of them."""
        positions = self._selected_positions() if kind == "operation" else []
        if len(positions) > 1 and target.get("position") in positions:
            return {**target, "positions": tuple(positions)}
        return target

    def _selected_positions(self) -> list[int]:
        view = self.window.views["history"]
        table, model = getattr(view, "table", None), getattr(view, "model", None)
        if table is None or model is None:
            return []
        return sorted(model.position_of(index.row()) for index in table.selectionModel().selectedRows())

    def do_copy_as(self, record: Action, given: dict[str, Any]) -> None:
        """Copy the operations of the target, or else its vmas."""
        positions = given.get("positions") or ([given["position"]] if "position" in given else [])
        if positions:
            self._ask_operations(positions, given["form"])
        else:
            self._copy_places(given)

    def _copy_places(self, given: dict[str, Any]) -> None:
        from rmapexplorer.gui import copy_text

        frame, pid = self.window.frame, given.get("pid", self.window.selection.pid)
        vpn = given.get("vpn", self.window.selection.vpn if "pid" not in given else -1)
        span = given.get("span")
        span = Span(*span) if isinstance(span, tuple) else span or (Span(vpn, vpn + 1) if vpn >= 0 else None)
        rows = copy_text.rows_of(frame, pid, span) if frame is not None else []
        if frame is None or not rows:
            self._say(f"Process {pid} maps nothing there at this operation: there is nothing to copy.")
            return
        form = given["form"]
        if form == "maps":
            self._put(copy_text.maps(frame, rows))
        elif form == "plain":
            self._put(copy_text.plain(frame, pid, rows, span is None))
        elif form == "smaps":
            from rmapexplorer.engine.lookups import SmapsOf

            self.window.bridge.ask(SmapsOf(pid), partial(self._smaps, copy_text.smaps, frame, rows))
        else:
            self._operations(form, copy_text.mmaps(frame, pid, rows, span is None))

    def _smaps(self, write: Callable[..., str], frame: Any, rows: Sequence[int], answer: Any) -> None:
        text = write(frame, rows, answer) if answer is not None else ""
        if text:
            self._put(text)
        else:
            self._say("The session has moved on, so that smaps was not copied; try again.")

    def _ask_operations(self, positions: Sequence[int], form: str) -> None:
        from rmapexplorer.engine.lookups import OperationsAt

        self.window.bridge.ask(OperationsAt(tuple(positions)), partial(self._operations, form))

    def _operations(self, form: str, ops: Sequence[Operation] | None) -> None:
        if not ops:
            self._say("There is no operation to copy: this is the beginning.")
            return
        if form == "python":
            from rmapexplorer.gui.copy_text import python

            self._put(python(ops))
        elif form == "script":
            from rmapexplorer.formats.script_operations import print_operation

            self._put("".join(f"{print_operation(op)}\n" for op in ops))
        else:
            from rmapexplorer.core.operations import describe

            self._put("".join(f"{describe(op)}\n" for op in ops))

    def _put(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)

    def _say(self, text: str) -> None:
        self.window.show_notice(Notice(level="info", text=text))
