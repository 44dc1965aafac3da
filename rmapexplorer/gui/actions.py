"""One registry of everything the user can do: it feeds menus, toolbar, context menus and the shortcut sheet.

A record says what an action is called and when it may be used; what it does is a method of gui.commands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from rmapexplorer.gui.icons import icon
from rmapexplorer.gui.theme import Theme


@frozen(kw_only=True)
class State:
    """What the rules look at."""

    position: int = 0
    head: int = 0
    pid: int = 0
    """The selected process, 0 for none."""
    alive: bool = False
    """Whether the selected process lives at the position shown."""
    selected: bool = False
    """Whether anything is selected."""
    job: bool = False
    playing: bool = False


@frozen
class Rule:
    """When an action may be used, and the sentence shown where it may not."""

    test: Callable[[State], bool]
    reason: str


RULES: dict[str, Rule] = {
    "": Rule(lambda state: True, ""),
    "process": Rule(lambda state: state.alive, "Select a living process first."),
    "selection": Rule(lambda state: state.selected, "Nothing is selected."),
    "past": Rule(lambda state: state.position > 0, "This is the beginning: there is nothing before it."),
    "future": Rule(lambda state: state.position < state.head, "This is the last operation: nothing comes after it."),
    "log": Rule(lambda state: state.head > 0, "There are no operations yet."),
    "job": Rule(lambda state: state.job, "Nothing is running."),
}


@frozen(kw_only=True)
class Action:
    """One thing the user can do.

    :param menu: the menu it stands in. :param handler: method of gui.commands.Commands that does it.
    :param needs: key of RULES. :param context: kinds of context menu it also stands in.
    :param form: the form it opens (key of gui.forms.FORMS). :param values: what fills the form, or argues the handler.
    """

    id: str
    text: str
    menu: str
    handler: str
    tip: str
    shortcut: tuple[str, ...] = ()
    icon: str = ""
    needs: str = ""
    context: tuple[str, ...] = ()
    form: str = ""
    values: dict[str, Any] = field(factory=dict)
    checkable: bool = False
    ruled: bool = False
    """A separator stands above it."""
    submenu: str = ""

    @property
    def title(self) -> str:
        """The text without its mnemonic."""
        return self.text.replace("&", "")


MENUS = ("&File", "&Edit", "&Operate", "&Time", "&Designs", "&View", "&Help")
"""Titles of the menus, left to right."""

_SPAN = ("vma", "span", "page")


def _operate(id_: str, text: str, key: str, tip: str, **more: Any) -> Action:
    more.setdefault("form", id_)
    more.setdefault("needs", "process")
    keys = (key,) if key else ()
    return Action(id=id_, text=text, menu="Operate", handler="operate", shortcut=keys, tip=tip, **more)


FILE = (
    Action(id="new", text="&New session", menu="File", handler="new", shortcut=("Ctrl+N",), icon="new",
           tip="Start a blank session with one process"),
    Action(id="open", text="&Open…", menu="File", handler="open", shortcut=("Ctrl+O",), icon="open",
           tip="Open a session, or a recording printed by perf script"),
    Action(id="gallery", text="&Gallery…", menu="File", handler="gallery", shortcut=("Ctrl+G",),
           tip="Every scenario as a card: workloads, and the claims of the letter"),
    Action(id="save", text="&Save", menu="File", handler="save", shortcut=("Ctrl+S",), icon="save", ruled=True,
           tip="Save the session"),
    Action(id="save_as", text="Save &As…", menu="File", handler="save_as", shortcut=("Ctrl+Shift+S",),
           tip="Save the session under another name"),
    Action(id="screenshot", text="S&creenshot…", menu="File", handler="screenshot", shortcut=("Ctrl+Alt+S",),
           icon="camera", ruled=True, tip="Save a picture of the window"),
    Action(id="quit", text="&Quit", menu="File", handler="quit", shortcut=("Ctrl+Q",), ruled=True,
           tip="Close the window"),
)  # fmt: skip

EDIT = (
    Action(id="undo", text="&Undo", menu="Edit", handler="undo", shortcut=("Ctrl+Z",), icon="undo", needs="past",
           tip="Go back before the last operation"),
    Action(id="redo", text="&Redo", menu="Edit", handler="redo", shortcut=("Ctrl+Shift+Z", "Ctrl+Y"), icon="redo",
           needs="future", tip="Do the next operation again"),
    Action(id="copy", text="&Copy", menu="Edit", handler="copy", shortcut=("Ctrl+C",), ruled=True, needs="selection",
           context=("process", "vma", "span", "page", "operation"),
           tip="Copy what is selected as text"),
    Action(id="cancel", text="Cancel the &job", menu="Edit", handler="cancel", shortcut=("Ctrl+.",), needs="job",
           tip="Stop what is running; what was done so far stays"),
)  # fmt: skip

OPERATE = (
    _operate("fork", "&Fork", "Ctrl+Shift+F", "fork(): a child with a copy of the address space", icon="fork",
             context=("process", *_SPAN)),
    _operate("fork_many", "Fo&rk with options…", "Ctrl+Alt+F", "fork() several times, or with a pid and a name",
             form="fork", context=("process",)),
    _operate("clone", "&Clone…", "Ctrl+Alt+C", "clone(): a thread, or a vfork child, in the same address space",
             context=("process",)),
    _operate("exec", "&Exec…", "Ctrl+Shift+V", "execve(): a new, empty address space", icon="exec",
             context=("process",)),
    _operate("exit", "E&xit", "Ctrl+Shift+X", "The process ends", icon="exit", context=("process",)),
    _operate("spawn", "New process…", "Ctrl+Shift+N", "A process that did not come from fork", needs=""),
    _operate("mmap", "&Mmap…", "Ctrl+Shift+M", "mmap(): anonymous or file, private or shared", icon="map", ruled=True,
             context=("process", "span")),
    _operate("munmap", "M&unmap…", "Ctrl+Shift+K", "munmap() of a span", context=_SPAN),
    _operate("mprotect", "M&protect…", "Ctrl+Shift+P", "mprotect() of a span", context=_SPAN),
    _operate("mremap", "Mrema&p…", "Ctrl+Shift+R", "mremap(): move where the kernel finds room", icon="move",
             context=_SPAN, submenu="Mrem&ap", values={"mode": "may move"}),
    _operate("mremap_resize", "&Grow or shrink in place…", "Ctrl+Shift+G", "mremap() without flags", form="mremap",
             context=("vma", "span"), submenu="Mrem&ap", values={"mode": "in place"}),
    _operate("mremap_fixed", "Move to a &fixed target…", "Ctrl+Alt+R", "mremap(MREMAP_MAYMOVE | MREMAP_FIXED)",
             form="mremap", context=("vma", "span"), submenu="Mrem&ap", values={"mode": "fixed"}),
    _operate("mremap_dontunmap", "Move, &dontunmap…", "Ctrl+Alt+D", "mremap(… | MREMAP_DONTUNMAP): the old vma stays",
             form="mremap", context=("vma", "span"), submenu="Mrem&ap", values={"mode": "dontunmap"}),
    _operate("brk", "&Brk…", "Ctrl+Shift+B", "brk(): the end of the heap", context=("process",)),
    _operate("madvise", "M&advise…", "Ctrl+Shift+A", "madvise() with any advice", context=_SPAN, ruled=True,
             submenu="Mad&vise"),
    _operate("madvise_dontneed", "&dontneed…", "Ctrl+Shift+D", "madvise(MADV_DONTNEED): the pages go", form="madvise",
             submenu="Mad&vise", values={"advice": "dontneed"}),
    _operate("madvise_dontfork", "dont&fork…", "Ctrl+Alt+K", "madvise(MADV_DONTFORK): children do not get it",
             form="madvise", submenu="Mad&vise", values={"advice": "dontfork"}),
    _operate("madvise_pageout", "&pageout…", "Ctrl+Alt+O", "madvise(MADV_PAGEOUT): reclaim these pages now",
             form="madvise", submenu="Mad&vise", values={"advice": "pageout"}),
    _operate("touch", "&Touch: write…", "Ctrl+Shift+T", "Write to every page of a span", icon="touch", context=_SPAN,
             values={"access": "w"}),
    _operate("touch_read", "Touch: rea&d…", "Ctrl+Shift+Y", "Read from every page of a span", form="touch",
             context=_SPAN, values={"access": "r"}),
    _operate("reclaim", "Rec&laim…", "Ctrl+Shift+L", "Memory pressure: unmap and swap out pages", icon="reclaim",
             needs="", ruled=True, context=("process",)),
    _operate("swapoff", "S&wapoff", "Ctrl+Alt+W", "swapoff(): everything comes back from swap", needs=""),
    _operate("mlock", "Ml&ock…", "Ctrl+Alt+M", "mlock() of a span: reclaim leaves it alone", context=_SPAN,
             submenu="Loc&ks"),
    _operate("munlock", "M&unlock…", "Ctrl+Alt+U", "munlock() of a span", context=_SPAN, submenu="Loc&ks"),
    _operate("mseal", "M&seal…", "Ctrl+Alt+E", "mseal() of a span: no more mprotect, munmap or mremap", context=_SPAN,
             submenu="Loc&ks"),
    _operate("remap_file_pages", "&Remap file pages…", "Ctrl+Alt+P",
             "remap_file_pages(): a span of a shared file mapping shows another part of the file", context=_SPAN,
             submenu="F&iles"),
    _operate("ftruncate", "&Ftruncate…", "Ctrl+Alt+I", "ftruncate(): what is mapped beyond the new end is lost",
             context=_SPAN, submenu="F&iles"),
    _operate("punch", "&Punch a hole…", "Ctrl+Alt+H", "fallocate(FALLOC_FL_PUNCH_HOLE): private copies stay",
             context=_SPAN, submenu="F&iles"),
)  # fmt: skip

TIME = (
    Action(id="first", text="&First", menu="Time", handler="first", shortcut=("Alt+Home",), icon="first", needs="past",
           tip="Go to the beginning"),
    Action(id="back", text="Step &back", menu="Time", handler="back", shortcut=("Alt+Left",), icon="back",
           needs="past", tip="One operation back"),
    Action(id="play", text="&Play or pause", menu="Time", handler="play", shortcut=("F5",), icon="play", needs="log",
           tip="Run through the operations; from the end it starts over"),
    Action(id="step", text="&Step", menu="Time", handler="step", shortcut=("Alt+Right",), icon="step", needs="future",
           tip="One operation forward"),
    Action(id="last", text="&Last", menu="Time", handler="last", shortcut=("Alt+End",), icon="last", needs="future",
           tip="Go to the last operation"),
    Action(id="slower", text="Slo&wer", menu="Time", handler="slower", shortcut=("Ctrl+[",), ruled=True,
           tip="Half as many operations a second while playing"),
    Action(id="faster", text="Fas&ter", menu="Time", handler="faster", shortcut=("Ctrl+]",),
           tip="Twice as many operations a second while playing"),
    Action(id="go_here", text="&Go to this operation", menu="", handler="go_here", context=("operation",),
           tip="Show the state after this operation"),
)  # fmt: skip

VIEW = (
    Action(id="reset_layout", text="&Reset layout", menu="View", handler="reset_layout", shortcut=("Ctrl+Shift+0",),
           ruled=True, tip="Put every panel back where it belongs"),
    Action(id="pressure", text="&Under memory pressure…", menu="View", handler="pressure", shortcut=("Ctrl+Alt+V",),
           tip="What each design pays for a page reclaimed, run here and plotted", ruled=True),
    Action(id="theme_dark", text="&Dark", menu="View", handler="theme", values={"name": "dark"}, checkable=True,
           submenu="&Theme", ruled=True, tip="Light text on dark"),
    Action(id="theme_light", text="&Light", menu="View", handler="theme", values={"name": "light"}, checkable=True,
           submenu="&Theme", tip="Dark text on light"),
    Action(id="theme_system", text="&Follow system", menu="View", handler="theme", values={"name": "system"},
           checkable=True, submenu="&Theme", tip="As the desktop says"),
    Action(id="theme_toggle", text="S&witch dark and light", menu="View", handler="theme_toggle", shortcut=("F9",),
           submenu="&Theme", tip="The other of the two themes"),
    Action(id="text_larger", text="Lar&ger text", menu="View", handler="text_larger", shortcut=("Ctrl++", "Ctrl+="),
           tip="Everything a step larger"),
    Action(id="text_smaller", text="S&maller text", menu="View", handler="text_smaller", shortcut=("Ctrl+-",),
           tip="Everything a step smaller"),
    Action(id="text_normal", text="&Normal text", menu="View", handler="text_normal", shortcut=("Ctrl+0",),
           tip="Text of the default size"),
)  # fmt: skip

HELP = (
    Action(id="guide", text="&Guide", menu="Help", handler="guide", shortcut=("F1",),
           tip="What the panels show and what can be done in them"),
    Action(id="shortcuts", text="&Shortcuts", menu="Help", handler="shortcuts", shortcut=("Ctrl+/",),
           tip="Every action with its shortcut"),
    Action(id="design_pages", text="&Designs", menu="Help", handler="design_pages", shortcut=("Shift+F1",),
           tip="The story of each design, its structures and its options"),
    Action(id="about", text="&About", menu="Help", handler="about", ruled=True, tip="Version and licence"),
)  # fmt: skip

ACTIONS: tuple[Action, ...] = FILE + EDIT + OPERATE + TIME + VIEW + HELP
"""Everything there is; menus of docks, designs and recent files are made from what is at hand."""

NESTED = ("Loc&ks", "F&iles")
"""Submenus that context menus have too."""

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}

TOOLBAR_TIME = ("first", "back", "play", "step", "last")
TOOLBAR_OPERATIONS = ("fork", "exec", "exit", "mmap", "munmap", "mremap", "mprotect", "touch", "reclaim")


class ActionSet(QObject):
    """The registry as QActions. ``triggered`` carries the action's id and what a context menu knew about its target."""

    triggered = Signal(str, dict)

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._actions = {action.id: self._make(action) for action in ACTIONS}
        self.menus: dict[str, QMenu] = {}
        self.set_theme(theme)
        self.update_state(State())

    def __getitem__(self, id_: str) -> QAction:
        return self._actions[id_]

    def all(self) -> list[QAction]:
        """Every QAction, for the window to listen to their shortcuts."""
        return list(self._actions.values())

    def set_theme(self, theme: Theme) -> None:
        """Colour the icons anew."""
        for action in ACTIONS:
            if action.icon:
                self._actions[action.id].setIcon(icon(action.icon, theme))

    def update_state(self, state: State) -> None:
        """Enable what may be used now; the tip of the rest says why not."""
        for action in ACTIONS:
            rule, q = RULES[action.needs], self._actions[action.id]
            allowed = rule.test(state)
            q.setEnabled(allowed)
            keys = f"  ({action.shortcut[0]})" if action.shortcut else ""
            q.setToolTip(f"{action.tip}{keys}" if allowed else rule.reason)
            q.setStatusTip("")

    def build_menus(self, bar: QMenuBar) -> None:
        """Fill the menu bar; ``menus`` then holds each menu and submenu by its plain title."""
        for title in MENUS:
            self.menus[title.replace("&", "")] = bar.addMenu(title)
        for action in ACTIONS:
            if action.menu:
                self._place(action)

    def context_menu(self, kind: str, target: dict[str, Any], parent: Any) -> QMenu:
        """The menu of what can be done to one process, vma, span, page or operation."""
        menu = QMenu(parent)
        menu.setObjectName("context")
        heading = menu.addAction(_heading(kind, target))
        heading.setEnabled(False)
        menu.addSeparator()
        known = {key: value for key, value in target.items() if key != "comm"}  # of the target, not of a child to be
        for action in sorted(ACTIONS, key=lambda action: action.id == "copy"):
            if kind in action.context:
                if action.id == "copy":
                    menu.addSeparator()
                item = _within(menu, action).addAction(action.text)
                item.setToolTip(action.tip)
                item.setObjectName(action.id)
                item.triggered.connect(lambda _=False, a=action: self.triggered.emit(a.id, dict(known)))
        return menu

    def _make(self, action: Action) -> QAction:
        q = QAction(action.text, self)
        q.setObjectName(action.id)
        q.setIconText(action.title.partition(":")[0].rstrip("…"))
        q.setShortcuts([QKeySequence(keys) for keys in action.shortcut])
        q.setCheckable(action.checkable)
        q.triggered.connect(lambda _=False: self.triggered.emit(action.id, {}))
        return q

    def _place(self, action: Action) -> None:
        menu = self.menus[action.menu]
        if action.submenu:
            key = action.submenu.replace("&", "")
            if key not in self.menus:
                if action.ruled:
                    menu.addSeparator()
                self.menus[key] = menu.addMenu(action.submenu)
            menu = self.menus[key]
        elif action.ruled:
            menu.addSeparator()
        menu.addAction(self._actions[action.id])


def _within(menu: QMenu, action: Action) -> QMenu:
    """The menu itself, or its submenu for the action."""
    if action.submenu not in NESTED:
        return menu
    inner = menu.findChild(QMenu, action.submenu, Qt.FindChildOption.FindDirectChildrenOnly)
    if inner is None:
        inner = menu.addMenu(action.submenu)
        inner.setObjectName(action.submenu)
    return inner


def _heading(kind: str, target: dict[str, Any]) -> str:
    where = target.get("span", f"{target['vpn']:x}" if isinstance(target.get("vpn"), int) else "")
    who = f"{target.get('comm', '')} {target['pid']}".strip() if target.get("pid") else ""
    if kind == "operation":
        return f"operation {target.get('position', '')}".strip()
    if kind == "process":
        return f"process {who}".strip()
    return " · ".join(part for part in (f"{kind} {where}".strip(), who) if part)


def shortcut_sheet() -> str:
    """The registry as Markdown: every action with its shortcut and what it does, a table a menu."""
    parts = []
    for title in (menu.replace("&", "") for menu in MENUS):
        rows = [action for action in ACTIONS if action.menu == title]
        if rows:
            lines = [f"| {a.title} | {' or '.join(a.shortcut) or '–'} | {a.tip.replace('|', 'and')} |" for a in rows]
            parts.append("\n".join([f"### {title}", "", "| action | keys | what it does |", "|---|---|---|", *lines]))
    return "\n\n".join(parts)
