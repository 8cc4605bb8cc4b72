"""The epochs of a run as TensorBoard event files, for those who watch their runs there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType

from lt_core.home import made
from lt_core.problems import Problem
from lt_core.training.folder.events import Event

FOLDER = "tensorboard"
SCALARS = {
    "train_loss": "loss/train",
    "val_loss": "loss/validation",
    **{
        f"{metric}_{group}": f"{metric}/{group}"
        for metric in ("ap", "f1")
        for group in ("macro", "head", "medium", "tail")
    },
    "learning_rate": "run/learning_rate",
    "images_per_second": "run/images_per_second",
}
"""Keys of an epoch's event, and what they are called in TensorBoard; the step is the epoch, from 1."""


class Board:
    """Writes ``tensorboard/events.out.tfevents.*`` in a run's folder where ``on``; does nothing otherwise.

    A run that goes on gets a further file, and TensorBoard takes the later value of an epoch that was made again.
    Written by this thread: tensorboardX's own dies of a full disk, and whoever writes then waits for it for ever.
    """

    def __init__(self, folder: Path, *, on: bool) -> None:
        self._writer = None
        if on:
            try:
                from tensorboardX.event_file_writer import EventsWriter
            except ImportError:
                raise Problem("tensorboard needs the package tensorboardX: pip install -r requirements.txt") from None
            self._writer = EventsWriter(str(made(folder / FOLDER) / "events"))

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            with suppress(OSError):  # every epoch is on the disk, or it has been said why not
                self._writer.close()

    def tell(self, entry: Event) -> None:
        """Write the numbers of an epoch's event; what is not defined is left out. Raises ``OSError`` on a full disk."""
        if self._writer is None or entry["event"] != "epoch":
            return
        from tensorboardX.proto.event_pb2 import Event as Record
        from tensorboardX.summary import scalar

        for key, tag in SCALARS.items():
            if (value := entry.get(key)) is not None:
                record = Record(step=entry["epoch"], wall_time=entry["time"], summary=scalar(tag, value))
                self._writer.write_event(record)
        self._writer.flush()
