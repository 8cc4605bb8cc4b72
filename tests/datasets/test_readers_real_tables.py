"""Real label tables reproduce the facts their publishers state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lt_core.datasets import FileImages, LabeledImages, NoImages, Source, load, to_uint8_batch
from lt_core.problems import Problem


def loaded(source: Source | Path) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


def positives(data: LabeledImages) -> dict[str, int]:
    return dict(zip(data.class_names, (data.labels == 1).sum(axis=0).tolist(), strict=True))


def test_nih_folder(shared: Path) -> None:
    data = loaded(shared / "data/nih/nih_starter_Data_Entry.csv")
    counts = positives(data)
    assert (len(data), len(counts), counts["Infiltration"], counts["Hernia"], counts["Edema"]) == (621, 14, 123, 20, 18)
    assert int((data.labels == 0).all(axis=1).sum()) == 100
    assert data.groups is not None
    assert len(set(data.groups)) == 621
    assert isinstance(data.images, FileImages)
    assert list(data.images.missing()) == []
    everything = to_uint8_batch(data.images, range(len(data)))
    assert everything.shape == (621, 224, 224, 1), "the six RGBA images are grey"


def test_nih_full_table(nih: LabeledImages) -> None:
    data, counts = nih, positives(nih)
    assert len(data) == 112_120
    assert data.groups is not None
    assert len(set(data.groups)) == 30_805
    assert list(counts.values()) == [
        11559,
        2776,
        4667,
        2303,
        13317,
        2516,
        1686,
        227,
        19894,
        5782,
        6331,
        3385,
        1431,
        5302,
    ]
    assert isinstance(data.images, NoImages)
    assert any("labels only" in warning for warning in data.warnings)


def test_ham10000_tables(shared: Path) -> None:
    data = loaded(shared / "data/ham10000/HAM10000_metadata_kaggle.csv")
    counts = positives(data)
    assert (len(data), data.kind, counts["nv"], counts["df"]) == (10_015, "single", 6_705, 115)
    assert data.groups is not None
    assert len(set(data.groups)) == 7_470
    with_parts = loaded(shared / "data/ham10000/ham10000_7496_labels.csv")
    assert {part: len(with_parts.rows(part)) for part in ("train", "val", "test")} == {
        "train": 5387, "val": 597, "test": 1512,
    }  # fmt: skip
    learning = with_parts.labels[np.concatenate([with_parts.rows("train"), with_parts.rows("val")])].sum(axis=0)
    assert learning.tolist() == [183, 264, 583, 60, 491, 4323, 80]


def test_latin1_table(shared: Path) -> None:
    data = loaded(shared / "data/latin1/metadata.csv")
    assert (len(data), positives(data)) == (55, {"COVID-19": 35, "Pneumonia": 2})
    assert int(np.isnan(data.labels).all(axis=1).sum()) == 15
    assert int((data.labels == 0).all(axis=1).sum()) == 3
    assert any("Latin-1" in warning for warning in data.warnings)


def test_another_nih_table(shared: Path) -> None:
    counts = positives(loaded(shared / "data/nih/sample_labels.csv"))
    assert (counts["Infiltration"], counts["Hernia"]) == (966, 13)


def test_probabilities_are_no_labels_and_a_full_folder_is_asked_about(shared: Path) -> None:
    with pytest.raises(Problem, match="looks like predictions of a model"):
        load(shared / "data/nih/nih_starter_predictions.csv")
    with pytest.raises(Problem, match="holds 7 files with labels"):
        load(shared / "data/nih")
