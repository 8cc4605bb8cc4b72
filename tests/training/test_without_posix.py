"""What only POSIX systems have is not needed: a run is made, seen and evaluated without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WITHOUT = """
import os, sys
import streamlit, timm, torch, torchvision, pandas, pyarrow, scipy.stats, sklearn.metrics  # theirs to be portable
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("O_CLOEXEC", "pwrite", "sched_getaffinity", "sysconf", "killpg", "setsid", "getuid", "register_at_fork"):
    vars(os).pop(name, None)
from lt_core.cli import main

home = sys.argv[1]
train = ["train", "--data", "digits", "--loss", "ce", "--model", "test_convnext", "--epochs", "1", "--out", home + "/r"]
for words in (train, ["status", home + "/r"], ["resume", home + "/r"], ["evaluate", home + "/r"]):
    if main(words):
        sys.exit(f"{words[0]} failed")
import pages.ui.train_panel, pages.ui.compare_new
"""


def test_training_needs_nothing_that_windows_lacks(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "finished" in done.stdout
    assert (tmp_path / "r" / "predictions-test.npz").exists()
