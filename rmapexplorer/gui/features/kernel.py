"""From one difference from the recorded kernel to the next."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rmapexplorer.engine.frames import Frame, Notice
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.models.base import plural


def next_difference(frame: Frame) -> int | None:
    """The first position after the one shown whose state differs from the recorded kernel's, else the first of all."""
    steps = frame.kernel_steps if frame.kernel_steps is not None else np.empty(0, np.int64)
    places = np.flatnonzero(steps) + 1
    after = places[places > frame.position]
    found = after if len(after) else places
    return int(found[0]) if len(found) else None


def nothing_found(frame: Frame) -> str:
    """Why there is no next difference, as a sentence."""
    done = len(frame.kernel_steps) if frame.kernel_steps is not None else 0
    if done < frame.kernel_length:
        return (
            f"No difference from Linux 6.18 in the first {plural(done, 'step')}; {frame.kernel_length - done:,} more "
            "are being compared: ask again in a moment."
        )
    return f"Equal to Linux 6.18 after each of the {plural(done, 'step')} that were recorded."


class KernelSteps(Feature):
    """The action in the Time menu."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="next_difference", text="Next &difference from the kernel", menu="Time", handler="next_difference",
               shortcut=("F8",), ruled=True, needs="kernel",
               tip="Go to the next step whose state differs from what a real kernel was recorded to hold"),
    )  # fmt: skip

    def do_next_difference(self, record: Action, given: dict[str, Any]) -> None:
        """Go there, or say that there is none."""
        frame = self.window.frame
        if frame is None:
            return
        found = next_difference(frame)
        if found is None:
            self.window.show_notice(Notice(level="info", text=nothing_found(frame)))
        elif found == frame.position:
            self.window.show_notice(
                Notice(level="info", text="This is the only step that differs from the recorded kernel.")
            )
        else:
            self.window.commands.run("seek", {"position": found})
