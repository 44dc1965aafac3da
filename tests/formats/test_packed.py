"""A packed log says what the log says, and takes less memory."""

from __future__ import annotations

import pytest

from rmapexplorer import cli
from rmapexplorer.bench.recordings import allocator
from rmapexplorer.core.operations import Fork
from rmapexplorer.formats import packed
from rmapexplorer.formats.packed import TOGETHER, Packed
from rmapexplorer.formats.perf import Translator

LOG = [Fork(pid=1, child=at) for at in range(2 * TOGETHER + 3)]


@pytest.mark.parametrize("size", [0, 1, TOGETHER, TOGETHER + 1, len(LOG)])
def test_it_is_the_log(size):
    log = Packed(LOG[:size])
    assert list(log) == LOG[:size] and len(log) == size and list(log) == list(log)
    assert [log[at] for at in range(-size, size)] == [LOG[:size][at] for at in range(-size, size)]
    assert log[1:5] == LOG[:size][1:5]
    with pytest.raises(IndexError):
        log[size]


def test_an_operation_takes_little():
    translator = Translator()
    translator.feed_lines([line.encode() for line in allocator(20_000)])
    translator.finish()
    log = Packed(translator.log.operations)
    assert list(log) == translator.log.operations
    assert sum(map(len, log._packs)) < 20 * len(log)


def test_only_a_long_log_is_packed(monkeypatch):
    monkeypatch.setattr(packed, "LONG", 2)
    assert packed.packed(LOG[:2]) == LOG[:2]
    assert isinstance(packed.packed(LOG[:3]), Packed)


@pytest.mark.parametrize("command", ["run", "compare"])
def test_commands_say_the_same_of_a_long_log(command, tmp_path, monkeypatch, capsys):
    path, out = tmp_path / "a.perf.txt", [tmp_path / "1.json", tmp_path / "2.json"]
    path.write_text("\n".join(allocator(1500)) + "\n")
    said = []
    for long, json in zip((packed.LONG, 10), out, strict=True):
        monkeypatch.setattr(packed, "LONG", long)
        assert cli.main([command, str(path), "--json", str(json)]) == 0
        said.append(capsys.readouterr())
    assert said[0] == said[1] and out[0].read_bytes() == out[1].read_bytes()
