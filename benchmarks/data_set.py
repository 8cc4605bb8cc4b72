"""A table as large as NIH ChestX-ray14, from file to all charts of the Data set page: `python -m benchmarks.data_set`.

The table is drawn here with the published prevalences (`--file` times the published one). Beside it, in the same run,
the plain way: pandas reads, scikit-learn binarises, numpy multiplies, and Altair draws the same two charts. Imports
are not timed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
from sklearn.preprocessing import MultiLabelBinarizer

from lt_core.charts.chord import chord_diagram
from lt_core.charts.distribution import class_counts, labels_per_image
from lt_core.charts.tail import binned_ranks, rank_curve
from lt_core.charts.together import pair_map
from lt_core.datasets import ClassCounts, load, load_images
from lt_core.datasets.readers import all_readers
from lt_core.stats import stats_of
from lt_core.stats.measures import measures
from lt_core.stats.pairs import counts_among, pair_table
from lt_core.stats.pairs_cells import pair_cells
from lt_core.stats.pairs_order import class_order
from lt_core.stats.tail_fit import tail_fit

ROWS, PATIENTS = 112_120, 30_805


def drawn_table(path: Path) -> None:
    """Write a Data_Entry table: 14 findings with the published prevalences, drawn independently."""
    rng = np.random.default_rng(0)
    counts = load("nih")
    assert isinstance(counts, ClassCounts)
    present = rng.random((ROWS, counts.n_classes)) < counts.positives / counts.n_samples
    names = np.array(counts.class_names)
    patient = np.sort(rng.integers(1, PATIENTS, ROWS))
    frame = pd.DataFrame(
        {
            "Image Index": [f"{p:08d}_{k % 1000:03d}.png" for k, p in enumerate(patient)],
            "Finding Labels": ["|".join(names[row]) or "No Finding" for row in present],
            "Follow-up #": rng.integers(0, 20, ROWS),
            "Patient ID": patient,
            "Patient Age": rng.integers(1, 95, ROWS),
            "Patient Gender": rng.choice(["M", "F"], ROWS),
            "View Position": rng.choice(["PA", "AP"], ROWS),
        }
    )
    frame.to_csv(path, index=False)


def ours(path: Path) -> None:
    """Load, count, measure, and make the specification of every chart of the views Classes, Together and Tail."""
    stats = stats_of(load_images(path))
    measures(stats)
    pair_table(stats)
    table = stats.table()
    everything = list(range(len(stats.class_names)))
    order = class_order(stats, everything)
    fit = tail_fit(stats.positives)
    assert fit is not None
    charts = (
        class_counts(table),
        labels_per_image(stats.labels_per_image()),
        pair_map(pair_cells(stats, order), [stats.class_names[c] for c in order]),
        chord_diagram(counts_among(stats, everything), table),
        rank_curve(binned_ranks(table), fit=fit.table(list(stats.class_names))),
    )
    for chart in charts:
        chart.to_dict()


def plain(path: Path) -> None:
    """Read, binarise, multiply, and draw the bars and the heat map."""
    frame = pd.read_csv(path)
    binarizer = MultiLabelBinarizer()
    labels = binarizer.fit_transform(frame["Finding Labels"].str.split("|"))
    together = labels.T @ labels
    names = binarizer.classes_
    bars = alt.Chart(pd.DataFrame({"class": names, "n": np.diag(together)})).mark_bar().encode(x="n:Q", y="class:N")
    cells = pd.DataFrame({"a": np.repeat(names, len(names)), "b": np.tile(names, len(names)), "n": together.ravel()})
    heat = alt.Chart(cells).mark_rect().encode(x="b:N", y="a:N", color="n:Q")
    bars.to_dict()
    heat.to_dict()


def seconds(way: Callable[[Path], None], path: Path) -> float:
    """Return how long one way takes."""
    began = time.perf_counter()
    way(path)
    return time.perf_counter() - began


def main() -> None:
    """Time both ways by turns and print their medians and ratio."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--file", type=Path, help="the published Data_Entry_2017 table")
    asked.add_argument("--times", type=int, default=5)
    given = asked.parse_args()
    all_readers()
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder) / "Data_Entry_2017.csv"
        if given.file is None:
            drawn_table(path)
        for way in (ours, plain):  # what is imported at first use is imported
            way(path)
        times = {way.__name__: [seconds(way, path) for _ in range(given.times)] for way in (ours, plain)}
    median = {name: statistics.median(taken) for name, taken in times.items()}
    print(f"{path.name}: file to all charts {median['ours']:.2f} s (target 1.5 s), the plain way to two charts "
          f"{median['plain']:.2f} s, {median['plain'] / median['ours']:.1f} times as long")  # fmt: skip


if __name__ == "__main__":
    main()
