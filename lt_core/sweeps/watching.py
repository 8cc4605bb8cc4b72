"""Follow runs that other processes make, by the event files they write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lt_core.sweeps.trials import Trial
from lt_core.training.folder.events import Event
from lt_core.training.folder.store import Run


@dataclass
class Watch:
    """What has been told of a few runs; ``news`` gives what is new."""

    folders: dict[str, Path]
    told: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def news(self, keys: Sequence[str]) -> Iterator[tuple[str, Event]]:
        """Yield (key, event) for every epoch of these runs that was not told yet."""
        for key in keys:
            size = _size(self.folders[key] / "events.jsonl")
            if size == self.sizes.get(key):  # asked five times a second: what has not grown says nothing new
                continue
            self.sizes[key] = size
            seen = [entry for entry in Run(self.folders[key]).events() if entry["event"] == "epoch"]
            for entry in seen[self.told.get(key, 0) :]:
                yield key, entry
            self.told[key] = len(seen)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def known_before(trials: Sequence[Trial], folders: dict[str, Path]) -> Watch:
    """Return a watch that has been told whatever the runs of ``trials`` say now."""
    watch = Watch({trial.key: folders[trial.key] for trial in trials})
    for _ in watch.news(list(watch.folders)):
        pass
    return watch
