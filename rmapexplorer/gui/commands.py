"""What the actions do: ``handler`` of an action's record names a method here. The window owns the widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication

from rmapexplorer import __version__
from rmapexplorer.engine.frames import Notice, PathChanged
from rmapexplorer.gui import targets
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.actions import BY_ID
from rmapexplorer.gui.form_fields import FieldError
from rmapexplorer.gui.forms import OperationForm
from rmapexplorer.gui.operations import FORMS, Invalid
from rmapexplorer.gui.settings import TEXT_SCALES
from rmapexplorer.gui.style import actual_theme
from rmapexplorer.gui.theme import OPPOSITE

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

SHIFT_FORMS = ("fork", "exit", "swapoff")
"""Operations that run at once, and open their form with Shift."""


class Commands(QObject):
    """Handlers of the registry, and the form that is open."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.form: OperationForm | None = None
        self._doers: list[QObject] = [self]

    def add(self, features: Sequence[QObject]) -> None:
        """Features do their own actions: ``do_<handler>`` is looked for here first, then in them, in order."""
        self._doers += features

    def run(self, id_: str, given: dict[str, Any]) -> None:
        """Do the action ``id_``; ``given`` is what a view or menu knew about its target.

        Ids without a record are ways a view moves the others: seek, view, select, branch.
        """
        record = BY_ID.get(id_)
        if record is None:
            self._move(id_, given)
            return
        self._doer(record)(record, {**record.values, **given})

    def _doer(self, record: Action) -> Callable[[Action, dict[str, Any]], None]:
        name = f"do_{record.handler}"
        does: Callable[[Action, dict[str, Any]], None] = next(
            getattr(doer, name) for doer in self._doers if hasattr(doer, name)
        )
        return does

    def _move(self, id_: str, given: dict[str, Any]) -> None:
        window = self._window
        if id_ == "seek":
            window.player.pause()
            window.bridge.seek(int(given["position"]))
        elif id_ == "view":
            window.bridge.view(given["design"])
        elif id_ == "select":
            window.selection.select(given["pid"], given.get("vpn", -1))
        elif id_ == "branch":
            window.bridge.branch(given["name"])

    # operations

    def do_operate(self, record: Action, given: dict[str, Any]) -> None:
        """Run an operation, at once where it needs nothing more, else through its form."""
        window = self._window
        now = given.pop("now", False)
        given = self._with_mark(record, given)
        values = targets.prefill(record.form, window.frame, window.selection.pid, window.selection.vpn, given)
        shift = bool(QApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier) and window.clicked()
        instant = now or (FORMS[record.form].instant and record.id in SHIFT_FORMS and not shift)
        if instant and self.form is None:  # behind an open form nothing runs: its place is taken by the other form
            self._run_now(record, values)
        else:
            self.open_form(record, values)

    def _with_mark(self, record: Action, given: dict[str, Any]) -> dict[str, Any]:
        """``given`` with the span that is marked in the memory map, where nothing was pointed at and the form has a span."""
        marked = getattr(self._window.views["memory_map"], "marked", lambda: None)()
        takes = any(field.key == "span" for field in FORMS[record.form].fields)
        if marked is None or not takes or given.keys() & {"pid", "span", "vpn"}:
            return given
        return {**given, "pid": marked[0], "span": marked[1]}

    def _run_now(self, record: Action, values: dict[str, Any]) -> None:
        """Run with what is known; where something is missing the form asks for it."""
        form = self._make(record, values)
        try:
            ops = form.operations()
        except (Invalid, FieldError):
            self._show(form, record)
            form.submit()
            return
        form.deleteLater()
        self._window.submit(ops, record.form)

    def open_form(self, record: Action, values: dict[str, Any]) -> OperationForm:
        """Open the form of an operation, in place of the one that is open."""
        form = self._make(record, values)
        self._show(form, record)
        return form

    def _make(self, record: Action, values: dict[str, Any]) -> OperationForm:
        form = OperationForm(record.form, self._window.themes.current, self._window)
        form.hide()
        form.fill(values, targets.tasks(self._window.frame))
        return form

    def _show(self, form: OperationForm, record: Action) -> None:
        if self.form is not None:
            self.form.shut()
        self.form = form
        form.submitted.connect(self._window.submit)
        form.closed.connect(lambda: self._closed(form))
        form.culprit_requested.connect(self._window.selection.select)
        button = self._window.toolbar.buttons.get(record.form)
        spot = self._window.mapFromGlobal(QPoint(0, 0))
        if button is not None and button.isVisible():
            spot = button.mapTo(self._window, QPoint(0, button.height() + 8))
        elif self._window.toolbar.isVisible():
            spot = QPoint(self._window.width() // 3, self._window.toolbar.geometry().bottom() + 8)
        self._window.toolbar.set_open(record.form)
        form.show()
        form.raise_()
        form.place(spot)
        first = next((line for key, line in form.lines.items() if key != "pid"), next(iter(form.lines.values()), None))
        if first is not None:  # swapoff has nothing to fill in
            first.editor.setFocus()

    def _closed(self, form: OperationForm) -> None:
        if self.form is form:
            self.form = None
            self._window.toolbar.set_open("")

    def close_form(self) -> None:
        """Close the form that is open."""
        if self.form is not None:
            self.form.shut()

    def refused(self, notice: Notice) -> bool:
        """Give a refusal to the form that submitted last; False where none did."""
        form = self.form
        if form is None or not (form.waiting or (form.verdict is not None and notice.level == "refused")):
            return False
        form.refused(notice)
        return True

    def path_changed(self, message: PathChanged) -> None:
        """Tell the form what became of its operation. What another design refused goes to the message bar."""
        if self.form is not None:
            verdict = self.form.verdict
            if self.form.told(message.entries) and verdict is not None:
                self._window.messagebar.show_notice(verdict)

    # files

    def do_new(self, record: Action, given: dict[str, Any]) -> None:
        """A blank session."""
        self._window.files.new()

    def do_open(self, record: Action, given: dict[str, Any]) -> None:
        """Open a file."""
        self._window.files.open(given.get("path", ""))

    def do_gallery(self, record: Action, given: dict[str, Any]) -> None:
        """Show the gallery."""
        self._window.menus.windows.show_gallery()

    def do_save(self, record: Action, given: dict[str, Any]) -> None:
        """Save."""
        self._window.files.save()

    def do_save_as(self, record: Action, given: dict[str, Any]) -> None:
        """Save under another name."""
        self._window.files.save_as()

    def do_screenshot(self, record: Action, given: dict[str, Any]) -> None:
        """Save a picture of the window."""
        self._window.files.save_picture(self._window.save_picture)

    def do_quit(self, record: Action, given: dict[str, Any]) -> None:
        """Close the window."""
        self._window.close()

    # edit

    def do_undo(self, record: Action, given: dict[str, Any]) -> None:
        """One operation back."""
        self._window.player.pause()
        self._window.bridge.undo()

    def do_redo(self, record: Action, given: dict[str, Any]) -> None:
        """One operation forward."""
        self._window.player.pause()
        self._window.bridge.redo()

    def do_copy(self, record: Action, given: dict[str, Any]) -> None:
        """The target as text to the clipboard; without one the rows of the table that has the keyboard."""
        table = None if given else QApplication.focusWidget()
        if isinstance(table, QAbstractItemView) and table.selectionModel().hasSelection():
            key = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
            table.keyPressEvent(key)  # the shortcut took the key from it
        else:
            QGuiApplication.clipboard().setText(self._window.selection_text(given))

    def do_cancel(self, record: Action, given: dict[str, Any]) -> None:
        """Stop the job."""
        self._window.bridge.cancel(self._window.statusbar.job)

    # time

    def do_first(self, record: Action, given: dict[str, Any]) -> None:
        """Go to the beginning."""
        self._move("seek", {"position": 0})

    def do_back(self, record: Action, given: dict[str, Any]) -> None:
        """One operation back."""
        self._move("seek", {"position": max(0, self._window.position - 1)})

    def do_step(self, record: Action, given: dict[str, Any]) -> None:
        """One operation forward."""
        self._move("seek", {"position": min(self._window.head, self._window.position + 1)})

    def do_last(self, record: Action, given: dict[str, Any]) -> None:
        """Go to the last operation."""
        self._move("seek", {"position": self._window.head})

    def do_play(self, record: Action, given: dict[str, Any]) -> None:
        """Play or pause."""
        self._window.player.toggle()

    def do_slower(self, record: Action, given: dict[str, Any]) -> None:
        """Half the speed."""
        self._window.player.set_speed(self._window.player.speed / 2)

    def do_faster(self, record: Action, given: dict[str, Any]) -> None:
        """Twice the speed."""
        self._window.player.set_speed(self._window.player.speed * 2)

    def do_go_here(self, record: Action, given: dict[str, Any]) -> None:
        """Show the state after the operation pointed at."""
        self._move("seek", given)

    # view

    def do_reset_layout(self, record: Action, given: dict[str, Any]) -> None:
        """Put every panel back."""
        self._window.docks.reset()

    def do_theme(self, record: Action, given: dict[str, Any]) -> None:
        """Use a theme."""
        self._window.looks.use_theme(given["name"], soon=True)

    def do_theme_toggle(self, record: Action, given: dict[str, Any]) -> None:
        """The other theme."""
        looks = self._window.looks
        looks.use_theme(OPPOSITE[actual_theme(looks.theme)], soon=True)

    def do_pressure(self, record: Action, given: dict[str, Any]) -> None:
        """Show the designs under memory pressure."""
        self._window.menus.windows.show_pressure()

    def do_text_larger(self, record: Action, given: dict[str, Any]) -> None:
        """Larger text."""
        self._resize_text(1)

    def do_text_smaller(self, record: Action, given: dict[str, Any]) -> None:
        """Smaller text."""
        self._resize_text(-1)

    def do_text_normal(self, record: Action, given: dict[str, Any]) -> None:
        """Text of the default size."""
        self._window.looks.use_text(100, soon=True)

    def _resize_text(self, by: int) -> None:
        at = TEXT_SCALES.index(self._window.settings.text_percent) + by
        self._window.looks.use_text(TEXT_SCALES[min(len(TEXT_SCALES) - 1, max(0, at))], soon=True)

    # help

    def do_guide(self, record: Action, given: dict[str, Any]) -> None:
        """Open the guide."""
        self._window.show_page("guide")

    def do_shortcuts(self, record: Action, given: dict[str, Any]) -> None:
        """Open the list of shortcuts."""
        self._window.show_page("shortcuts")

    def do_design_pages(self, record: Action, given: dict[str, Any]) -> None:
        """Show the page of a design."""
        self._window.menus.windows.show_design(given.get("design", ""))

    def do_about(self, record: Action, given: dict[str, Any]) -> None:
        """Say what this is."""
        text = f"rmapexplorer {__version__}: what each Linux reverse-mapping design costs and breaks. MIT licence."
        self._window.messagebar.show_notice(Notice(level="info", text=text))
