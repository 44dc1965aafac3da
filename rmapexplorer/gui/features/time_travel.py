"""Moving about in the log: bookmarks, the markers A and B, breakpoints, differences of two positions, branches' names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rmapexplorer.engine.frames import Frame, Notice, SessionOpened
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature

if TYPE_CHECKING:
    from rmapexplorer.engine.breakpoints import Stopped
    from rmapexplorer.engine.conditions import Condition
    from rmapexplorer.engine.state_diff import StateDiff
    from rmapexplorer.gui.breakpoints_dialog import BreakpointsDialog
    from rmapexplorer.gui.diff_window import DiffWindow
    from rmapexplorer.gui.name_dialog import NameDialog
    from rmapexplorer.gui.theme import Theme

MARKED = ("timeline", "overhead", "history")
"""Views that show the markers."""


class TimeTravel(Feature):
    """Bookmarks live in the session; markers and breakpoints in the window."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="run_fast", text="R&un fast", menu="Time", handler="run", shortcut=("F7",), needs="future",
               ruled=True, values={"backward": False},
               tip="To the next breakpoint or the last operation; nothing is drawn on the way"),
        Action(id="run_back", text="Run bac&k to a breakpoint", menu="Time", handler="run", shortcut=("Shift+F7",),
               needs="past", values={"backward": True}, tip="To the last place before where a breakpoint holds"),
        Action(id="breakpoints", text="Breakp&oints…", menu="Time", handler="breakpoints", shortcut=("Ctrl+F7",),
               tip="Conditions that stop a run: walk visits > 100, merge refused, operation mremap"),
        Action(id="bookmark", text="&Bookmark…", menu="Time", handler="bookmark", shortcut=("Ctrl+B", "Ctrl+Alt+J"),
               needs="log", submenu="Book&marks", ruled=True, context=("operation",),
               tip="Set a bookmark at this operation and write something there; where there is one, change its text or take it away"),
        Action(id="bookmark_next", text="Ne&xt bookmark", menu="Time", handler="bookmark_go", shortcut=("F2",),
               submenu="Book&marks", needs="log", values={"step": 1}, tip="Go to the next bookmark"),
        Action(id="bookmark_previous", text="Pre&vious bookmark", menu="Time", handler="bookmark_go",
               submenu="Book&marks", shortcut=("Shift+F2",), needs="log", values={"step": -1},
               tip="Go to the bookmark before"),
        Action(id="marker_a", text="Set marker &A here", menu="Time", handler="marker", shortcut=("Ctrl+Alt+A",),
               submenu="Markers &A and B", needs="log", values={"which": 0}, context=("operation",),
               tip="The span from A to B: its operations, differences and statistics"),
        Action(id="marker_b", text="Set marker &B here", menu="Time", handler="marker", shortcut=("Ctrl+Alt+B",),
               submenu="Markers &A and B", needs="log", values={"which": 1}, context=("operation",),
               tip="The span from A to B: its operations, differences and statistics"),
        Action(id="markers_clear", text="&Clear the markers", menu="Time", handler="markers_clear",
               submenu="Markers &A and B", tip="Take the markers away; the history shows everything again"),
        Action(id="diff_markers", text="W&hat changed from A to B…", menu="Time", handler="diff_markers",
               submenu="Markers &A and B", shortcut=("Ctrl+Alt+X",), needs="log",
               tip="What changed between the markers: processes, vmas, structures and curves"),
        Action(id="diff_here", text="What changed &from here to the state shown…", menu="", handler="diff_here",
               needs="log", context=("operation",), tip="What changed from this operation to the one shown"),
        Action(id="statistics", text="Stat&istics from A to B", menu="Time", handler="statistics",
               submenu="Markers &A and B", shortcut=("Ctrl+Alt+G",),
               tip="Smallest, mean and largest value of every curve between the markers"),
        Action(id="branch_rename", text="&Rename the branch…", menu="Time", handler="branch_rename",
               tip="Give the branch shown another name"),
    )  # fmt: skip

    markers: tuple[int | None, int | None] = (None, None)
    dialog: BreakpointsDialog | None = None
    diff: DiffWindow | None = None
    naming: NameDialog | None = None

    def built(self) -> None:
        """Playing stops at breakpoints."""
        self.window.player.playing_changed.connect(self._playing)

    # -- what the window tells ----------------------------------------------------------------------------------------

    def told(self, message: Any) -> None:
        """Another session: its own span."""
        if isinstance(message, SessionOpened):
            self._set_markers((None, None))
            for dialog in (self.diff, self.naming):
                if dialog is not None:
                    dialog.close()

    def set_frame(self, frame: Frame) -> None:
        """Markers stay within the branch."""
        if not frame.busy:
            kept = tuple(min(p, frame.head) if p is not None else None for p in self.markers)
            if kept != self.markers:
                self._set_markers((kept[0], kept[1]))
        if self.dialog is not None:
            self.dialog.set_designs(tuple(state.key for state in frame.designs))

    def set_theme(self, theme: Theme) -> None:
        """Pass the colours on."""
        for dialog in (self.dialog, self.diff):
            if dialog is not None:
                dialog.set_theme(theme)

    def views_changed(self) -> None:
        """New views show the markers too."""
        self._set_markers(self.markers)

    def closing(self) -> None:
        """The dialogs go with the window."""
        for dialog in (self.dialog, self.diff, self.naming):
            if dialog is not None:
                dialog.close()

    # -- bookmarks ----------------------------------------------------------------------------------------------------

    def _bookmarks(self) -> dict[int, str]:
        frame = self.window.frame
        return {mark.position: mark.text for mark in frame.bookmarks if not mark.branch} if frame is not None else {}

    def do_bookmark(self, record: Action, given: dict[str, Any]) -> None:
        """Ask for the text of a new bookmark, or of the one that is there, which can be taken away then."""
        position = given.get("position", self.window.position)
        text = self._bookmarks().get(position)
        self._ask_name(
            f"{'New bookmark' if text is None else 'Bookmark'} after operation {position:,}",
            text or "", lambda name: "", lambda name: self._write(position, name),
        )  # fmt: skip
        if text is not None and self.naming is not None:
            self.naming.offer_removal("&Take it away", lambda: self._write(position, None))

    def _write(self, position: int, text: str | None) -> None:
        from rmapexplorer.engine.bookmarks import SetBookmark

        self.window.bridge.change(lambda number: SetBookmark(number=number, position=position, text=text))

    def do_bookmark_go(self, record: Action, given: dict[str, Any]) -> None:
        """To the next bookmark, or the one before."""
        step, here = given["step"], self.window.position
        found = [p for p in self._bookmarks() if (p > here if step > 0 else p < here)]
        if found:
            self.window.commands.run("seek", {"position": min(found) if step > 0 else max(found)})
        else:
            self._say(f"There is no bookmark {'after' if step > 0 else 'before'} operation {here:,}. Ctrl+B sets one.")

    # -- markers ------------------------------------------------------------------------------------------------------

    def do_marker(self, record: Action, given: dict[str, Any]) -> None:
        """Put a marker somewhere."""
        markers = list(self.markers)
        markers[given["which"]] = max(0, min(given.get("position", self.window.position), self.window.head))
        self._set_markers((markers[0], markers[1]))

    def do_markers_clear(self, record: Action, given: dict[str, Any]) -> None:
        """No span any more."""
        self._set_markers((None, None))

    def _set_markers(self, markers: tuple[int | None, int | None]) -> None:
        self.markers = markers
        for name in MARKED:
            view = self.window.views[name]
            if hasattr(view, "set_markers"):
                view.set_markers(*markers)

    def do_statistics(self, record: Action, given: dict[str, Any]) -> None:
        """The table of statistics, in the overhead's place."""
        dock, view = self.window.docks.docks["overhead"], self.window.views["overhead"]
        dock.show()
        dock.raise_()
        if hasattr(view, "show_statistics"):
            view.show_statistics()

    # -- running ------------------------------------------------------------------------------------------------------

    def conditions(self) -> list[Condition]:
        """The breakpoints that are on."""
        from rmapexplorer.engine.conditions import Malformed, parse

        found = []
        for line in self.window.settings.breakpoints:
            if not line.startswith("-"):
                try:
                    found.append(parse(line))
                except Malformed:
                    continue  # from another version of the program: the dialog shows what is wrong with it
        return found

    def do_run(self, record: Action, given: dict[str, Any]) -> None:
        """Run to a breakpoint without drawing on the way."""
        conditions, backward = self.conditions(), given["backward"]
        if backward and not conditions:
            self._say("There are no breakpoints to run back to. Add one with Time > Breakpoints (Ctrl+F7).")
            return
        self.window.player.pause()
        self._until(conditions, backward, True, lambda stopped: self._came(stopped, conditions, backward))

    def _until(self, conditions: list[Condition], backward: bool, goes: bool, reply: Any) -> None:
        from rmapexplorer.engine.breakpoints import RunUntil

        title = "Running back to a breakpoint" if backward else "Running to a breakpoint"
        self.window.bridge.job(
            lambda number: RunUntil(
                number=number, conditions=conditions, backward=backward, goes=goes,
                title=title if conditions else "Running to the end",
            ),
            reply,
        )  # fmt: skip

    def _came(self, stopped: Stopped | None, conditions: list[Condition], backward: bool) -> None:
        if stopped is None:
            return
        if stopped.met:
            self._tell_stop(stopped, conditions)
        elif backward:
            self._say(f"No breakpoint holds before operation {stopped.start:,}; the state shown is the same.")
        elif conditions:
            self._say(f"No breakpoint held after operation {stopped.start:,}; this is the last operation.")

    def _tell_stop(self, stopped: Stopped, conditions: list[Condition]) -> None:
        said = [
            conditions[n].text + ("" if conditions[n].design else f" ({design})")
            for n, design in zip(stopped.met, stopped.designs, strict=True)
        ]
        self._say(f"Stopped after operation {stopped.position:,}: {'; '.join(said)}.")

    def _playing(self, playing: bool) -> None:
        conditions = self.conditions() if playing else []
        if not conditions:
            return
        player = self.window.player
        player.hold(True)

        def found(stopped: Stopped | None) -> None:
            if player.playing:
                player.stop_at = stopped.position if stopped is not None and stopped.met else -1
                player.hold(False)
                self._stop = (stopped, conditions)

        self._until(conditions, False, False, found)
        if not self._listening:
            self._listening = True
            player.stopped.connect(lambda: self._tell_stop(*self._stop))

    _listening = False
    _stop: Any = None

    def do_breakpoints(self, record: Action, given: dict[str, Any]) -> None:
        """Show the list of breakpoints."""
        if self.dialog is None:
            from rmapexplorer.gui.breakpoints_dialog import BreakpointsDialog

            self.dialog = BreakpointsDialog(self.window.settings, self.window.themes.current, self.window)
            self.dialog.requested.connect(self.window.commands.run)
            if self.window.frame is not None:
                self.set_frame(self.window.frame)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.line.setFocus()

    # -- differences --------------------------------------------------------------------------------------------------

    def do_diff_markers(self, record: Action, given: dict[str, Any]) -> None:
        """What changed between the markers; where one is missing the state shown stands for it."""
        a, b = self.markers
        here = self.window.position
        if a is None and b is None:
            self._say("Set marker A or B first (Ctrl+Alt+A, Ctrl+Alt+B): the other end is then the state shown.")
            return
        self.compare(here if a is None else a, here if b is None else b)

    def do_diff_here(self, record: Action, given: dict[str, Any]) -> None:
        """What changed from the operation pointed at to the state shown."""
        self.compare(given.get("position", 0), self.window.position)

    def compare(self, one: int, other: int) -> None:
        """Ask for the difference of two positions and show it."""
        from rmapexplorer.engine.state_diff import CompareStates

        self.window.bridge.job(lambda number: CompareStates(number=number, one=one, other=other), self._compared)

    def _compared(self, found: StateDiff | None) -> None:
        if found is None:
            return
        if self.diff is None:
            from rmapexplorer.gui.diff_window import DiffWindow

            self.diff = DiffWindow(self.window.themes.current, self.window)
            self.diff.requested.connect(self.window.commands.run)
            self.diff.swapped.connect(self.compare)
        self.diff.show_diff(found)
        self.diff.show()
        self.diff.raise_()

    # -- branches -----------------------------------------------------------------------------------------------------

    def do_branch_rename(self, record: Action, given: dict[str, Any]) -> None:
        """Ask for another name of the branch shown."""
        frame = self.window.frame
        if frame is None:
            return
        old, others = frame.branch, [name for name in frame.branches if name != frame.branch]

        def problem(name: str) -> str:
            from rmapexplorer.engine.bookmarks import name_problem

            return name_problem(name, others)

        self._ask_name(f"Rename the branch {old}", old, problem, lambda name: self._rename(old, name))

    def _rename(self, old: str, new: str) -> None:
        from rmapexplorer.engine.bookmarks import RenameBranch

        if new != old:
            self.window.bridge.change(lambda number: RenameBranch(number=number, old=old, new=new))

    def _ask_name(self, title: str, text: str, problem: Any, then: Any) -> None:
        from rmapexplorer.gui.name_dialog import NameDialog

        if self.naming is not None:
            self.naming.close()
        self.naming = NameDialog(title, text, problem, self.window)
        self.naming.named.connect(then)
        self.naming.open()

    def _say(self, sentence: str) -> None:
        self.window.show_notice(Notice(level="info", text=sentence))
