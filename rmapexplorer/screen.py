"""What a window needs of the system, asked before Qt is: it ends the whole process where a screen does not answer."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import socket
import sys
from pathlib import Path

from rmapexplorer.resources import resource

FONTS = "fonts-dejavu-core"
"""The Debian package of a font."""

INSTALL = "apt-get install --no-install-recommends"

INSTEAD = "rmapexplorer --screenshot PATH makes a picture without one, and rmapexplorer run FILE works in a terminal"


def libraries() -> dict[str, str]:
    """Shared object that Qt's window links to -> the Debian package it is in."""
    lines = Path(resource("system/libraries.txt")).read_text(encoding="utf-8").splitlines()
    return dict(line.split() for line in lines if line.strip())


def missing_packages() -> list[str]:
    """The Debian packages of the libraries that cannot be loaded, sorted."""
    return sorted({package for name, package in libraries().items() if not _loads(name)})


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def not_loaded(error: ImportError) -> str:
    """A sentence: why Qt cannot be imported, and what to install."""
    return f"the window needs Qt, which does not load ({error}); {_remedy()}; the commands (-h) work without it."


def _remedy() -> str:
    packages = missing_packages()
    if packages:
        return f"on Debian or Ubuntu, {INSTALL} {' '.join(packages)} (as root) adds what it lacks"
    return "install the program anew, with the Python packages it depends on"


def unreachable() -> str:
    """Why no window can be opened where Qt's platform is left to the environment, as a sentence; empty where one can."""
    if not sys.platform.startswith("linux"):
        return ""
    platform = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0].partition(";")[0]
    if platform not in ("", "xcb", "wayland"):
        return ""
    display, wayland = os.environ.get("DISPLAY", ""), os.environ.get("WAYLAND_DISPLAY", "")
    troubles = []
    if platform != "xcb" and wayland:
        troubles.append(_wayland(wayland))
    if platform != "wayland" and display:
        troubles.append(_x11(display))
    if not troubles:
        return f"there is no screen to open a window on (DISPLAY and WAYLAND_DISPLAY are not set); {INSTEAD}."
    return "" if "" in troubles else troubles[-1]


def _x11(display: str) -> str:
    plugin = _plugin("libqxcb.so")
    if plugin and not _loads(plugin):
        return f"the window lacks libraries of the system; {_remedy()}."
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return ""  # Qt may bring its own
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = ctypes.c_char_p, ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = xcb.xcb_connect(None, None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if failed:
        return f"the screen DISPLAY={display} does not answer, or does not let you in; {INSTEAD}."
    return ""


def _plugin(name: str) -> str:
    # the file of a platform of the PySide6 that is installed, which is not imported for that; empty where it is not found
    found = importlib.util.find_spec("PySide6")
    places = [
        Path(folder) / "Qt" / "plugins" / "platforms" / name
        for folder in (found and found.submodule_search_locations) or ()
    ]
    return next((str(place) for place in places if place.exists()), "")


def _wayland(name: str) -> str:
    place = name if os.path.isabs(name) else os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), name)
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(place)
    except OSError:
        return f"the screen WAYLAND_DISPLAY={name} does not answer; {INSTEAD}."
    return ""


def no_font() -> str:
    """What to say where no letter can be drawn."""
    return (
        "there is no font on this system, so that every letter would be a box; on Debian or Ubuntu, "
        f"{INSTALL} {FONTS} (as root) adds one."
    )
