"""Tables of labels, from file to counts, beside plain pandas: `python -m benchmarks.tables [--rows SHARE] [--nih F]`.

Each line is a process of its own, so that its peak memory is its own. ``--rows 0.1`` takes a tenth of the rows.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS, COLUMNS = 10_000_000, 20
MANY_ROWS, MANY_CLASSES, EACH = 1_500_000, 5_000, 5
PLAIN_ROWS = 100_000
"""Rows of the table of 5,000 classes that pandas can turn into columns at all."""


def zero_one_table(path: Path, rows: int) -> None:
    """Write names of images and 20 columns of 0 and 1, more and less frequent."""
    rng = np.random.default_rng(0)
    share = np.geomspace(0.3, 0.001, COLUMNS)
    with path.open("w") as file:
        file.write("image," + ",".join(f"class {k}" for k in range(COLUMNS)) + "\n")
        for start in range(0, rows, 250_000):
            n = min(250_000, rows - start)
            text = np.full((n, 2 * COLUMNS), ord(","), np.uint8)
            text[:, ::2] = (rng.random((n, COLUMNS)) < share) + ord("0")
            text[:, -1] = ord("\n")
            lines = text.tobytes().decode()
            width = 2 * COLUMNS
            file.writelines(f"{start + k:08d}.png,{lines[k * width : (k + 1) * width]}" for k in range(n))


def names_table(path: Path, rows: int) -> None:
    """Write names of images and about five of 5,000 class names each, joined by ``|``, as frequent as words are."""
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, MANY_CLASSES + 1)
    picked = rng.choice(MANY_CLASSES, (rows, EACH), p=share / share.sum()).tolist()
    with path.open("w") as file:
        file.write("image,labels\n")
        file.writelines(f"{k:08d}.png,{'|'.join(f'code {j}' for j in set(row))}\n" for k, row in enumerate(picked))


def ours(path: str) -> None:
    """Load with this project and count."""
    from lt_core.datasets import load_images

    load_images(path).positives()


def pandas_names(path: str) -> None:
    """Load with pandas and turn joined names into columns, the way a notebook does."""
    import pandas as pd

    frame = pd.read_csv(path)
    column = "labels" if "labels" in frame else "Finding Labels"
    frame[column].str.get_dummies("|").sum()


def pandas_columns(path: str) -> None:
    """Load columns of 0 and 1 with pandas and count."""
    import pandas as pd

    pd.read_csv(path).iloc[:, 1:].sum()


WAYS = {"ours": ours, "pandas": pandas_names, "pandas columns": pandas_columns}


def timed(way: str, path: Path) -> tuple[float, float]:
    """Return seconds and peak GiB of one way in a process of its own, imports aside."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.tables", "--way", way, "--file", str(path)],
                          capture_output=True, text=True, check=True)  # fmt: skip
    seconds, gib = done.stdout.split()[-2:]
    return float(seconds), float(gib)


def child(way: str, path: str) -> None:
    """Print seconds and peak GiB of one way."""
    import pandas  # noqa: F401
    import pyarrow.csv  # noqa: F401

    import lt_core.datasets

    lt_core.datasets.readers.all_readers()
    began = time.perf_counter()
    WAYS[way](path)
    seconds = time.perf_counter() - began
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20))


def compared(what: str, path: Path, plain: str | None) -> None:
    """Print a line: seconds and memory of ours, of the plain way, and their ratio."""
    seconds, gib = timed("ours", path)
    line = f"{what:<44} {seconds:8.2f} s {gib:5.2f} GiB"
    if plain is not None:
        other, other_gib = timed(plain, path)
        line += f" | pandas {other:8.2f} s {other_gib:5.2f} GiB | {other / seconds:5.1f} times as fast"
    print(line, flush=True)


def main() -> None:
    """Write the tables into a temporary folder, time them, print one line each."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--rows", type=float, default=1.0, help="share of the rows")
    asked.add_argument("--nih", help="the published Data_Entry_2017 table")
    asked.add_argument("--way", choices=tuple(WAYS))
    asked.add_argument("--file")
    given = asked.parse_args()
    if given.way:
        return child(given.way, given.file)
    if given.nih:
        compared("NIH ChestX-ray14, 112,120 rows", Path(given.nih), "pandas")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        rows = int(ROWS * given.rows)
        zero_one_table(path, rows)
        compared(f"{rows:,} rows by {COLUMNS} columns of 0 and 1", path, "pandas columns")
        for rows, plain in (
            (min(PLAIN_ROWS, int(MANY_ROWS * given.rows)), "pandas"),
            (int(MANY_ROWS * given.rows), None),
        ):
            names_table(path, rows)
            compared(f"{rows:,} rows by {MANY_CLASSES:,} classes in one column", path, plain)
    return None


if __name__ == "__main__":
    main()
