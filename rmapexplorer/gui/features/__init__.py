"""The features of the window, in the order of their menu entries: one line here for each new one."""

from __future__ import annotations

from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.features.perspectives import Perspectives

FEATURES: tuple[type[Feature], ...] = (Perspectives,)
