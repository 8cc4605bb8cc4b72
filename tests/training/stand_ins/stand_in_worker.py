"""A worker that trains nothing: it holds its run as the system's own lock, says what it does, and ends as told.

It knows nothing of the package, so it is also the other party in tests of the lock. The name in the config decides:
``quick`` finishes at once, ``crash`` dies without a word, anything else goes on until the file ``stop`` is there.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from pathlib import Path

folder = Path(sys.argv[1])
name = json.loads((folder / "config.json").read_text())["name"]
if name == "crash":
    os._exit(3)
lock = (folder / "lock").open("a")
fcntl.flock(lock, fcntl.LOCK_EX)


def say(event: str, **values: object) -> None:
    with (folder / "events.jsonl").open("a") as log:
        log.write(json.dumps({"event": event, "time": time.time(), **values}) + "\n")


say("started", device="cpu", n_train=1)
while name != "quick" and not (folder / "stop").exists():
    time.sleep(0.02)
say("finished" if name == "quick" else "stopped", epoch=0, epochs=1, reported_epoch=None, seconds=0.0)
