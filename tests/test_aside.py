"""Work in another process: messages in order, one end, cancel at any time, and trouble is a sentence."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from rmapexplorer.aside import Aside, Ended, Seldom
from rmapexplorer.core.units import KernelError


def count(tell: Callable[[object], None], numbers: int) -> None:
    for number in range(numbers):
        tell(number)


def refuse(tell: Callable[[object], None]) -> None:
    raise KernelError("EINVAL", "there is no such claim", "claim")


def vanish(tell: Callable[[object], None]) -> None:
    tell("here")
    os._exit(3)


def forever(tell: Callable[[object], None]) -> None:
    while True:
        tell("still")
        time.sleep(0.01)


def everything(aside: Aside, seconds: float = 20.0) -> list[object]:
    got: list[object] = []
    end = time.monotonic() + seconds
    while not aside.over and time.monotonic() < end:
        got += aside.take()
        time.sleep(0.005)
    return got


def test_messages_come_in_order_and_the_end_comes_once() -> None:
    aside = Aside(count, 200)
    assert everything(aside) == [*range(200), Ended()]
    assert aside.take() == []


def test_what_is_refused_is_a_sentence() -> None:
    (ended,) = everything(Aside(refuse))
    assert isinstance(ended, Ended)
    assert "there is no such claim" in ended.trouble


def test_a_process_that_vanishes_is_told_of() -> None:
    first, ended = everything(Aside(vanish))
    assert first == "here"
    assert isinstance(ended, Ended) and "ended before it was done" in ended.trouble


def test_cancel_ends_it_at_once_and_twice_is_once() -> None:
    aside = Aside(forever)
    while not aside.take():
        time.sleep(0.01)
    start = time.monotonic()
    aside.cancel()
    aside.cancel()
    assert time.monotonic() - start < 1.0
    assert aside.over and aside.take() == []


def test_progress_is_told_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    often = Seldom()
    assert [often(), often()] == [True, False]
    now[0] += 0.06
    assert often()
