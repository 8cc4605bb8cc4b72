"""TensorBoard files hold the numbers of the history, read here as the records they are."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from lt_core.training import Run, RunConfig, train
from lt_core.training.folder.tensorboard import SCALARS


def _scalars(folder: Path) -> dict[tuple[str, int], float]:
    """Return (tag, step) -> value of all event files: length, its checksum, the message, its checksum, over again."""
    from tensorboardX.proto.event_pb2 import Event

    found = {}
    for file in sorted(folder.glob("events.out.tfevents.*")):
        data = file.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            message = Event.FromString(data[12 : 12 + length])
            for value in message.summary.value:
                found[value.tag, message.step] = value.simple_value
            data = data[16 + length :]
    return found


def test_event_files_hold_the_history(config: Callable[..., RunConfig], tmp_path: Path) -> None:
    list(train(config(tensorboard=True), tmp_path / "run"))
    history = Run(tmp_path / "run").history()
    found = _scalars(tmp_path / "run" / "tensorboard")
    expected = {
        (tag, int(row["epoch"])): row[key]
        for _, row in history.iterrows()
        for key, tag in SCALARS.items()
        if row[key] == row[key]
    }
    assert found.keys() == expected.keys()
    assert list(found.values()) == pytest.approx([expected[key] for key in found], rel=1e-6)


def test_nobody_asked_no_file(config: Callable[..., RunConfig], tmp_path: Path) -> None:
    list(train(config(epochs=1), tmp_path / "run"))
    assert not (tmp_path / "run" / "tensorboard").exists()
