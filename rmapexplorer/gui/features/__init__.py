"""The features of the window, in the order of their menu entries: one line here for each new one."""

from __future__ import annotations

from rmapexplorer.gui.features.addresses import Addresses
from rmapexplorer.gui.features.autosave import Autosave
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.features.copy_as import CopyAs
from rmapexplorer.gui.features.exports import Exports
from rmapexplorer.gui.features.find import Find
from rmapexplorer.gui.features.follow import Follow
from rmapexplorer.gui.features.help_pages import HelpPages
from rmapexplorer.gui.features.kernel import KernelSteps
from rmapexplorer.gui.features.machine import MachineFeature
from rmapexplorer.gui.features.map_drag import MapDrag
from rmapexplorer.gui.features.palette import PaletteFeature
from rmapexplorer.gui.features.perspectives import Perspectives
from rmapexplorer.gui.features.preferences import PreferencesFeature
from rmapexplorer.gui.features.scripting import Scripting
from rmapexplorer.gui.features.selection_history import SelectionHistory
from rmapexplorer.gui.features.story import Story
from rmapexplorer.gui.features.structures import StructurePictures
from rmapexplorer.gui.features.time_travel import TimeTravel
from rmapexplorer.gui.features.tour import TourFeature
from rmapexplorer.gui.features.traces import Traces
from rmapexplorer.gui.features.trouble import TroubleFeature

FEATURES: tuple[type[Feature], ...] = (
    Perspectives, Addresses, Autosave, Exports, CopyAs, PaletteFeature, Find, SelectionHistory, PreferencesFeature, HelpPages,
    TourFeature, KernelSteps, Traces, MachineFeature, MapDrag, Story, TimeTravel, Follow,
    StructurePictures, Scripting, TroubleFeature,
)  # fmt: skip
