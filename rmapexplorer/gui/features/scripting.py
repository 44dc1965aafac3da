"""Scripts: run what differs, up to the cursor, discard, save; what the script's panel wants of the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rmapexplorer.engine.frames import Notice
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature

if TYPE_CHECKING:
    from rmapexplorer.core.operations import Operation
    from rmapexplorer.engine.script_questions import SaveScript
    from rmapexplorer.gui.script import ScriptView


class Scripting(Feature):
    """Joins the panel with the engine."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="script_run", text="Run the &script", menu="Edit", handler="script_run", shortcut=("Ctrl+Return",),
               ruled=True, submenu="Scr&ipt", tip="Run what the script has and the history has not; where they part a branch begins"),
        Action(id="script_run_to", text="Run to the &cursor", menu="Edit", handler="script_run_to",
               submenu="Scr&ipt", shortcut=("Ctrl+Shift+Return",), tip="Run the script up to the line of the cursor"),
        Action(id="script_discard", text="&Discard edits of the script", menu="Edit", handler="script_discard",
               submenu="Scr&ipt", shortcut=("Ctrl+Shift+Backspace",), tip="The script shows the history again"),
        Action(id="script_save", text="Save scrip&t as…", menu="File", handler="script_save",
               shortcut=("Ctrl+Alt+Shift+S",), tip="Save the operations of this branch as a script (.rmaps)"),
    )  # fmt: skip

    @property
    def view(self) -> ScriptView | None:
        """The panel; None where the window was made without it."""
        from rmapexplorer.gui.script import ScriptView

        view = self.window.views.get("script")
        return view if isinstance(view, ScriptView) else None

    def built(self) -> None:
        """Listen to the panel."""
        self.view_made("script")

    def view_made(self, name: str) -> None:
        """The panel is another."""
        view = self.view
        if view is not None and name == "script":
            view.ask_requested.connect(self._ask)
            view.run_requested.connect(self._run)
            view.marks_requested.connect(self._mark)
            view.rebuild_requested.connect(self._rebuild)

    def told(self, message: Any) -> None:
        """What the panel hears."""
        view = self.view
        if view is not None:
            from rmapexplorer.engine.frames import PathChanged

            if isinstance(message, PathChanged):
                view.apply(message)
            else:
                view.told(message)

    def _ask(self, question: Any, reply: Callable[[Any], None]) -> None:
        view = self.view  # an answer may come when the panel is another
        self.window.bridge.ask(question, lambda value: reply(value) if view is self.view else None)

    def _run(self, position: int, operations: Sequence[Operation]) -> None:
        window, view = self.window, self.view
        window.player.pause()
        window.bridge.seek(position)  # even where that is shown: a move elsewhere may be under way
        if operations and view is not None:
            count = len(operations)
            title = operations[0].name if count == 1 else f"Running the script: {count:,} operations"
            view.job = window.bridge.submit(list(operations), title)

    def _rebuild(self, calls: str, designs: Sequence[tuple[str, dict[str, str]]]) -> None:
        if calls:
            self.window.bridge.set_calls(calls)
        if designs:
            self.window.bridge.set_designs(designs)

    def _mark(self, marks: Sequence[tuple[int, str]]) -> None:
        from rmapexplorer.engine.bookmarks import SetBookmark

        shown = {(mark.position, mark.text) for mark in getattr(self.window.frame, "bookmarks", ()) if not mark.branch}
        for position, text in marks:
            if (position, text) not in shown:
                self._set_bookmark(SetBookmark, position, text)

    def _set_bookmark(self, make: Any, position: int, text: str) -> None:
        self.window.bridge.change(lambda number: make(number=number, position=position, text=text))

    # actions

    def do_script_run(self, record: Action, given: dict[str, Any]) -> None:
        """Run what differs."""
        if self.view is not None:
            self._front()
            self.view.run()

    def do_script_run_to(self, record: Action, given: dict[str, Any]) -> None:
        """Run up to the cursor."""
        if self.view is not None:
            self._front()
            self.view.run_to_cursor()

    def do_script_discard(self, record: Action, given: dict[str, Any]) -> None:
        """Forget the edits."""
        if self.view is not None:
            self._front()
            self.view.discard()

    def do_script_save(self, record: Action, given: dict[str, Any]) -> None:
        """Ask where the script goes."""
        folder, name = Path(self.window.settings.folder), f"{self.window.files.title}.rmaps"
        self.window.files.dialogs.ask_save(str(folder / name), "Scripts (*.rmaps)", "rmaps", self._save)

    def _front(self) -> None:
        dock = self.window.docks.docks["script"]
        dock.show()
        dock.raise_()

    def _save(self, path: str) -> None:
        from rmapexplorer.engine.script_questions import SaveScript

        target = path if Path(path).suffix else f"{path}.rmaps"
        view, text, heads = self.view, None, True
        if view is not None and (view.edited or not view.follower.state.plain):
            text = view.editor.toPlainText()
            heads = not view.own_heads

        def ended(trouble: str | None) -> None:
            if trouble is None:
                return  # stopped, or it failed: both were told
            level, said = ("error", trouble) if trouble else ("info", f"Saved the script in {target}.")
            self.window.show_notice(Notice(level=level, text=said))

        def make(number: int) -> SaveScript:
            return SaveScript(number=number, path=target, text=text, heads=heads)

        self.window.bridge.job(make, ended)
