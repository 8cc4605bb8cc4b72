"""The Results page end to end, from the files to every chart of its six views: ``python -m benchmarks.results_page``.

The page itself is run, by Streamlit's own test runner, on predictions and a truth table of 22,433 images by 14 classes
that are read from disk: choosing them, then each view in turn with nothing kept from before but what the page keeps.
Tables and charts are made as they are sent to the browser (Vega-Lite as JSON, tables as Arrow); what the browser does
with them is not in it. Every number has its interval from 1,000 draws of patients. Target: 6 s together on two cores.

Times are by the clock and of processor time; with other work on the machine the second is the one to go by, and the
load is printed. "imports" is what a server does once. The last row is the plain way, scikit-learn in a loop, for F1,
AP and AUROC alone, measured for a few draws and scaled.

``--profile VIEW`` prints where the time of one view goes.
"""

from __future__ import annotations

import os
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.evaluation import DRAWS, loop, made

N, CLASSES = 22_433, 14
VIEWS = ("Classes", "Thresholds", "Errors", "Slices", "Report", "Compare")
SCRIPT = """
from pages.ui.results import cutting, files, sources, views
import streamlit as st
if files.KEPT not in st.session_state:
    other = files.Given({other}, {truth})
    st.session_state["keys"] = [other.key]
    files.keep(other, [])
    files.keep(files.Given({predictions}, {truth}), [])
import cProfile
watch = cProfile.Profile() if st.session_state.get("profiled") else None
if watch:
    watch.enable()
views.draw(cutting.choose(sources.choose()))
if watch:
    watch.disable()
    st.session_state["profile"] = watch
"""


def main() -> None:
    """Measure and print the table, or the profile of one view."""
    profiled = sys.argv[sys.argv.index("--profile") + 1] if "--profile" in sys.argv else ""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LONGTAIL_LAB_HOME"] = folder
        first, second, truth = _written(Path(folder))
        print(f"{'':34}{'seconds':>9}{'cpu s':>9}   load {os.getloadavg()[0]:.1f}, {N:,} x {CLASSES}, {DRAWS:,} draws")
        _timed("imports", _imports)
        from streamlit.testing.v1 import AppTest

        script = SCRIPT.format(predictions=repr(str(first)), other=repr(str(second)), truth=repr(str(truth)))
        app = AppTest.from_string(script, default_timeout=600)
        total = np.zeros(2)
        for view in VIEWS:
            if view == "Compare":
                print(f"{'one model, five views':34}{total[0]:9.2f}{total[1]:9.2f}", flush=True)
                app.session_state["versus"] = [app.session_state["keys"][0]]
                app.session_state["versus-widget"] = app.session_state["versus"]
            app.session_state["results-view"] = view
            said = {"Classes": "reading, joining, Classes", "Compare": "a second model, Compare"}.get(view, view)
            app.session_state["profiled"] = view == profiled
            total += _timed(said, app.run)
            if view == profiled:
                pstats.Stats(app.session_state["profile"]).sort_stats("cumulative").print_stats(70)
            problems = [*app.exception, *app.error]
            assert not problems, problems[0]
        print(f"{'two models, all six views':34}{total[0]:9.2f}{total[1]:9.2f}", flush=True)
    start = time.process_time()
    import warnings

    warnings.simplefilter("ignore")
    loop(made(N, CLASSES), 5)
    print(f"{'scikit-learn, F1, AP, AUROC':34}{'':9}{(time.process_time() - start) * DRAWS / 5:9.0f}")


def _imports() -> None:
    import streamlit.testing.v1  # noqa: F401

    from lt_core.charts.results import class_metric  # noqa: F401
    from lt_core.datasets.readers import all_readers
    from lt_core.evaluation.uncertainty import evaluate
    from pages.ui.results import card, classes, cuts, mistakes, parts, sources, versus, views  # noqa: F401

    all_readers()
    evaluate(made(500, 3), draws=20)


def _timed(name: str, work: Callable[[], object]) -> NDArray[np.float64]:
    start, worked = time.perf_counter(), time.process_time()
    work()
    spent = np.array([time.perf_counter() - start, time.process_time() - worked])
    print(f"{name:34}{spent[0]:9.2f}{spent[1]:9.2f}", flush=True)
    return spent


def _written(folder: Path) -> tuple[Path, Path, Path]:
    """Write the predictions of two models, and the truth with patients, sex and age, as people have them."""
    random = np.random.default_rng(1)
    scored = made(N, CLASSES)
    names = [f"{k:08d}_000.png" for k in range(N)]
    truth = pd.DataFrame(scored.targets.astype(int), columns=list(scored.class_names))
    truth.insert(0, "Image Index", names)
    truth["Patient ID"] = random.integers(0, N // 3, N)
    truth["Patient Gender"], truth["Patient Age"] = random.choice(["F", "M"], N), random.integers(1, 90, N)
    truth.to_csv(folder / "truth.csv", index=False)
    for name, noise in (("first", 0.0), ("second", 0.4)):
        logits = np.log(scored.scores / (1 - scored.scores)) + noise * random.normal(size=scored.scores.shape)
        table = pd.DataFrame(1 / (1 + np.exp(-logits)), columns=[f"prob_{each}" for each in scored.class_names])
        table.insert(0, "Image Index", names)
        table.sample(frac=1, random_state=1).to_csv(folder / f"{name}.csv", index=False)
    return folder / "first.csv", folder / "second.csv", folder / "truth.csv"


if __name__ == "__main__":
    main()
