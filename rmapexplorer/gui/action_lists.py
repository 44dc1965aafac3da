"""The actions of the window itself, menu by menu; features add theirs (gui.features).

A record says what an action is called and when it may be used; what it does is a method of gui.commands.
"""

from __future__ import annotations

from typing import Any

from rmapexplorer.gui.action_records import Action

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
    Action(id="save_as", text="Save &as…", menu="File", handler="save_as", shortcut=("Ctrl+Shift+S",),
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
    _operate("spawn", "&New process…", "Ctrl+Shift+N", "A process that did not come from fork", needs=""),
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
    Action(id="cancel", text="Cancel the &job", menu="Time", handler="cancel", shortcut=("Ctrl+.",), needs="job",
           tip="Stop what is running; what was done so far stays"),
    Action(id="go_here", text="&Go to this operation", menu="", handler="go_here", context=("operation",),
           tip="Show the state after this operation"),
)  # fmt: skip

VIEW = (
    Action(id="reset_layout", text="&Reset layout", menu="View", handler="reset_layout", shortcut=("Ctrl+Shift+0",),
           tip="Put every panel back where it belongs"),
    Action(id="pressure", text="&Under memory pressure…", menu="Designs", handler="pressure",
           shortcut=("Ctrl+Alt+V",), tip="What each design pays for a page reclaimed, run here and plotted"),
    Action(id="theme_dark", text="&Dark", menu="View", handler="theme", values={"name": "dark"}, checkable=True,
           submenu="&Theme", ruled=True, tip="Light text on dark"),
    Action(id="theme_light", text="&Light", menu="View", handler="theme", values={"name": "light"}, checkable=True,
           submenu="&Theme", tip="Dark text on light"),
    Action(id="theme_contrast", text="&High contrast, dark", menu="View", handler="theme",
           values={"name": "contrast"}, checkable=True, submenu="&Theme", tip="White on black, strong lines"),
    Action(id="theme_contrast_light", text="High &contrast, light", menu="View", handler="theme",
           values={"name": "contrast_light"}, checkable=True, submenu="&Theme", tip="Black on white, strong lines"),
    Action(id="theme_system", text="&Follow system", menu="View", handler="theme", values={"name": "system"},
           checkable=True, submenu="&Theme", tip="As the desktop says"),
    Action(id="theme_toggle", text="S&witch dark and light", menu="View", handler="theme_toggle", shortcut=("F9",),
           submenu="&Theme", tip="The other of the two themes"),
    Action(id="text_larger", text="Lar&ger text", menu="View", handler="text_larger", shortcut=("Ctrl++", "Ctrl+="),
           submenu="Te&xt size", tip="Everything a step larger"),
    Action(id="text_smaller", text="S&maller text", menu="View", handler="text_smaller", shortcut=("Ctrl+-",),
           submenu="Te&xt size", tip="Everything a step smaller"),
    Action(id="text_normal", text="&Normal text", menu="View", handler="text_normal", shortcut=("Ctrl+0",),
           submenu="Te&xt size", tip="Text of the default size"),
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

TOOLBAR_TIME = ("first", "back", "play", "step", "last")
TOOLBAR_OPERATIONS = ("fork", "exec", "exit", "mmap", "munmap", "mremap", "mprotect", "touch", "reclaim")
