"""The view of the classes: a row of the table can be picked only where there are images behind it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

SCRIPT = """
import numpy as np
from lt_core.datasets import ArrayImages, ClassCounts, LabeledImages, Source
from lt_core.stats import stats_of
from pages.ui import data_measures

if {counts}:
    data = ClassCounts("k", "Counts", "multi", ("a", "b"), np.array([9, 3]), 10)
    data_measures.panel_of_counts(Source("k"), stats_of(data))
else:
    images = ArrayImages(np.zeros((4, 8, 8), np.uint8))
    labels = np.array([[1, 0], [1, 1], [1, 0], [0, 0]], np.float32)
    data = LabeledImages("k", "Set", ("a", "b"), labels, images, "multi", Source("k"))
    data_measures.panel(data, Source("k"), None, stats_of(data))
"""


@pytest.mark.parametrize("counts", [False, True])
def test_rows_of_classes_are_picked_only_where_images_are(counts: bool) -> None:
    app = AppTest.from_string(SCRIPT.format(counts=counts), default_timeout=60).run()
    assert not app.exception
    classes = [frame for frame in app.dataframe if "class" in frame.value and "positives" in frame.value]
    pickable = [frame for frame in classes if list(frame.proto.selection_mode)]
    assert len(pickable) == (0 if counts else 1)
