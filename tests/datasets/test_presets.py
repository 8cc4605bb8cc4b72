"""The published class counts: facts that anyone can look up."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lt_core.datasets import ClassCounts, builtins, load
from lt_core.datasets.presets import all_presets, load_preset
from lt_core.home import PRESETS
from lt_core.problems import Invalid, Unknown

FACTS = {
    "nih": ("multi", 112_120, 14, 19_894, 227, 87.64),
    "ham10000": ("single", 10_015, 7, 6_705, 115, 58.30),
    "isic2019": ("single", 25_331, 8, 12_875, 239, 53.87),
    "chexpert": ("multi", 187_641, 14, 105_831, 2_441, 43.36),
    "voc-mlt": ("multi", 1_142, 20, 775, 4, 193.75),
    "coco-mlt": ("multi", 1_909, 80, 1_128, 6, 188.0),
}


@pytest.mark.parametrize("key", FACTS)
def test_published_facts(key: str) -> None:
    counts = load(key)
    assert isinstance(counts, ClassCounts)
    kind, n, classes, most, fewest, ratio = FACTS[key]
    assert (counts.kind, counts.n_samples, counts.n_classes) == (kind, n, classes)
    assert (counts.positives.max(), counts.positives.min()) == (most, fewest)
    assert counts.positives.max() / counts.positives.min() == pytest.approx(ratio, abs=0.005)


def test_every_preset_is_listed_with_its_source() -> None:
    presets = all_presets()
    assert {preset.key for preset in presets} == set(FACTS)
    for preset in presets:
        assert preset.url.startswith("https://")
        assert preset.citation
        assert preset.citation in preset.about
        assert "Counts only" in preset.about
    listed = {entry.key: entry for entry in builtins()}
    assert all(not listed[key].has_images and not listed[key].params for key in FACTS)
    assert builtins()[0].key == "chest-phantom"
    assert listed["chest-phantom"].has_images
    assert listed["digits"].has_images


@pytest.mark.parametrize("key", ["nih", "voc-mlt", "coco-mlt"])
def test_pairs_fit_the_counts(key: str) -> None:
    counts = load_preset(key)
    assert counts.pairs is not None
    np.testing.assert_array_equal(counts.pairs, counts.pairs.T)
    np.testing.assert_array_equal(np.diag(counts.pairs), counts.positives)
    assert (counts.pairs <= np.minimum.outer(counts.positives, counts.positives)).all()


def test_nih_pairs_from_the_issue() -> None:
    nih = load_preset("nih")
    assert nih.pairs is not None
    assert nih.pairs[nih.class_index("Effusion"), nih.class_index("Infiltration")] == 4_000
    assert nih.pairs[nih.class_index("Edema"), nih.class_index("Hernia")] == 3


def test_nih_equals_its_table(shared: Path) -> None:
    table = pd.read_csv(shared / "data" / "nih" / "Data_Entry_2017_v2020.csv.gz", index_col=False)
    labels = table["Finding Labels"].str.get_dummies("|")
    nih = load_preset("nih")
    names = list(nih.class_names)
    assert nih.pairs is not None
    np.testing.assert_array_equal(labels[names].to_numpy().T @ labels[names].to_numpy(), nih.pairs)
    ap = (table["View Position"] == "AP").to_numpy()
    with (PRESETS / "nih-projection.csv").open(encoding="utf-8") as file:
        rows = {row["class"]: (int(row["positives"]), int(row["ap"])) for row in csv.DictReader(file)}
    assert rows.pop("(all images)") == (len(table), int(ap.sum()))
    assert rows == {name: (int(labels[name].sum()), int(labels[name][ap].sum())) for name in names}


def test_ham10000_equals_its_table(shared: Path) -> None:
    table = pd.read_csv(shared / "data" / "ham10000" / "HAM10000_metadata_kaggle.csv")
    ham = load_preset("ham10000")
    assert dict(zip(ham.class_names, ham.positives.tolist(), strict=True)) == table["dx"].value_counts().to_dict()


def test_chexpert_rows_add_up_to_all_studies() -> None:
    with (PRESETS / "chexpert.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            assert int(row["positives"]) + int(row["uncertain"]) + int(row["negatives"]) == 187_641, row["class"]


def test_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(Unknown, match="did you mean 'ham10000'"):
        load_preset("ham1000")


@pytest.mark.parametrize(
    ("kind", "names", "positives", "n", "what"),
    [
        ("multi", ("a", "a"), [1, 2], 5, "same name"),
        ("multi", ("a", "b"), [1], 5, "counts of shape"),
        ("multi", ("a", "b"), [1, 6], 5, "must be in"),
        ("single", ("a", "b"), [1, 2], 5, "must sum to 5"),
    ],
)
def test_counts_that_cannot_be_are_refused(
    kind: str, names: tuple[str, ...], positives: list[int], n: int, what: str
) -> None:
    with pytest.raises(Invalid, match=what):
        ClassCounts("k", "Title", kind, names, np.array(positives, dtype=np.int64), n)  # type: ignore[arg-type]
