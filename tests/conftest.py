"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lt_core.datasets import LabeledImages
    from lt_core.stats import LabelStats

os.environ.setdefault("LONGTAIL_LAB_PROBE", "off")  # a run here asks nothing of the machine it is on
if "PYTEST_XDIST_WORKER" in os.environ:  # one core for each: threads of one wait for a core that another has
    os.environ.setdefault("OMP_NUM_THREADS", "1")
SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real files that are not part of the project; tests that want them say so by asking for this."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the folder ../shared with real data sets is not here")
    return SHARED


@pytest.fixture(scope="session")
def nih(shared: Path) -> LabeledImages:
    """The published table of NIH ChestX-ray14, loaded once; nothing changes it."""
    from lt_core.datasets import load_images

    return load_images(shared / "data/nih/Data_Entry_2017_v2020.csv.gz")


@pytest.fixture(scope="session")
def nih_stats(nih: LabeledImages) -> LabelStats:
    """Its statistics, counted once."""
    from lt_core.stats import stats_of

    return stats_of(nih)


@pytest.fixture(autouse=True)
def _charts_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check every specification drawn in a test against the schema of Vega-Lite."""
    from lt_core.charts import layers

    monkeypatch.setattr(layers, "checked", True)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep runs and caches of tests out of the user's own folder; one folder for the whole session."""
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path_factory.getbasetemp() / "home"))
