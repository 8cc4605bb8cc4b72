"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real files that are not part of the project; tests that want them say so by asking for this."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the folder ../shared with real data sets is not here")
    return SHARED


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep runs and caches of tests out of the user's own folder; one folder for the whole session."""
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path_factory.getbasetemp() / "home"))
