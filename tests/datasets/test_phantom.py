"""The chest phantom: prevalences, co-occurrence, patients, masks, the same pixels for the same seed, the cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lt_core.datasets import PARTS, LabeledImages, Part, Source, builtins, load
from lt_core.datasets.phantom import FACTOR, FINDINGS, LEAST_TEST_POSITIVES, TEST_FLOOR, VAL_AND_TEST, prevalence
from lt_core.datasets.phantom.labels import latent_to_labels, mixing
from lt_core.datasets.phantom.patients import draw, grain
from lt_core.datasets.phantom.render import render
from lt_core.datasets.phantom.store import cached, make_part
from lt_core.datasets.presets import load_preset
from lt_core.home import cache_dir
from lt_core.problems import Invalid


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> LabeledImages:
    """A small set, made once: more images only add to the first ones (tested below)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGTAIL_LAB_HOME", str(tmp_path_factory.mktemp("phantom")))
        patch.setattr("lt_core.datasets.phantom.VAL_AND_TEST", {"val": 100, "test": 200})
        made = load(Source("chest-phantom", options={"train_images": 500}))
    assert isinstance(made, LabeledImages)
    return made


@pytest.fixture(scope="module")
def many_labels() -> NDArray[np.bool_]:
    """Labels of 200,000 independent images of the training part."""
    latent = np.random.default_rng(1).standard_normal((200_000, 15)) @ mixing().T
    return latent_to_labels(latent, "train")[0]


def test_is_what_it_says(phantom: LabeledImages) -> None:
    assert phantom.synthetic
    assert "Synthetic" in phantom.about
    assert "Not for diagnosis" in phantom.about
    assert phantom.class_names == FINDINGS
    assert VAL_AND_TEST == {"val": 800, "test": 1200}
    assert [len(phantom.rows(part)) for part in ("train", "val", "test")] == [500, 100, 200]
    assert phantom.images.read(0).shape == (64, 64)
    assert phantom.images.read(0).dtype == np.uint8
    assert phantom.source == Source("chest-phantom", options={"size": "64", "train_images": 500, "seed": 0})
    (entry,) = [entry for entry in builtins() if entry.key == "chest-phantom"]
    assert {param.name: param.default for param in entry.params} == {"size": "64", "train_images": 4000, "seed": 0}


def test_one_common_factor_and_a_floor_in_test() -> None:
    nih = load_preset("nih")
    published = np.array([nih.positives[nih.class_index(name)] for name in FINDINGS]) / 112_120
    np.testing.assert_allclose(prevalence("train") / published, FACTOR)
    np.testing.assert_array_equal(prevalence("val"), prevalence("train"))
    np.testing.assert_array_equal(prevalence("test"), np.maximum(prevalence("train"), TEST_FLOOR))
    assert 10 <= prevalence("train").min() * 4000 <= 20


def test_margins_are_exact_in_expectation(many_labels: NDArray[np.bool_]) -> None:
    n, p = len(many_labels), prevalence("train")
    z = (many_labels.sum(axis=0) - n * p) / np.sqrt(n * p * (1 - p))
    assert np.abs(z).max() < 4


def test_pairs_occur_together_as_in_nih(many_labels: NDArray[np.bool_]) -> None:
    """The odds of a second finding, given a first, lie above or below chance where NIH's do."""
    nih = load_preset("nih")
    order = [nih.class_index(name) for name in FINDINGS]
    assert nih.pairs is not None
    both = nih.pairs[np.ix_(order, order)] / nih.n_samples
    lift = both / np.outer(np.diag(both), np.diag(both))
    ours = (many_labels.T.astype(float) @ many_labels) / len(many_labels)
    our_lift = ours / np.outer(np.diag(ours), np.diag(ours))
    pairs = np.triu_indices(14, 1)
    clear = (np.abs(np.log(lift[pairs])) > 0.4) & (np.sqrt(np.outer(np.diag(ours), np.diag(ours)))[pairs] > 0.02)
    assert clear.sum() > 25
    assert (np.sign(np.log(our_lift[pairs][clear])) == np.sign(np.log(lift[pairs][clear]))).all()


def test_parts_have_the_stated_prevalences() -> None:
    """Binomial bounds, widened because the images of one patient (two on average, at most eight) are alike."""
    counts: dict[Part, int] = {"train": 4000, **VAL_AND_TEST}
    for part, n in counts.items():
        expected = prevalence(part) * n
        spread = np.sqrt(expected * (1 - prevalence(part)) * 2.5)
        assert (np.abs(draw(0, part, n).positive.sum(axis=0) - expected) < 4 * spread).all()


def test_the_labels_are_those_drawn(phantom: LabeledImages) -> None:
    for part in PARTS:
        rows = phantom.rows(part)
        np.testing.assert_array_equal(phantom.labels[rows], draw(0, part, len(rows)).positive)


@pytest.mark.parametrize("seed", range(8))
def test_test_part_has_enough_of_everything(seed: int) -> None:
    assert draw(seed, "test", 1200).positive.sum(axis=0).min() >= LEAST_TEST_POSITIVES == 50


def test_too_few_by_chance_are_made_up_for() -> None:
    latent = np.random.default_rng(0).standard_normal((1200, 15))
    latent[:, 3] -= 3
    assert (latent_to_labels(latent, "test")[0].sum(axis=0) >= 50).all()
    assert latent_to_labels(latent, "test")[0][:, 3].sum() == 50
    assert latent_to_labels(latent, "train")[0][:, 3].sum() < 50


def test_patients_stay_in_one_part(phantom: LabeledImages) -> None:
    assert phantom.groups is not None
    groups = {part: set(phantom.groups[phantom.rows(part)]) for part in ("train", "val", "test")}
    assert not groups["train"] & groups["test"]
    assert not groups["train"] & groups["val"]
    assert not groups["val"] & groups["test"]
    sizes = np.unique(phantom.groups, return_counts=True)[1]
    assert sizes.max() <= 8
    assert 0.4 < (sizes == 1).mean() < 0.8


def test_every_positive_has_a_mask(phantom: LabeledImages) -> None:
    assert phantom.masks is not None
    for row, column in np.argwhere(phantom.labels == 1)[::3]:
        mask = phantom.masks.read(int(row), int(column))
        assert mask is not None
        assert mask.shape == (64, 64)
        assert mask.any(), f"{FINDINGS[column]} of image {row} is nowhere"
        assert not mask.all()
    for row, column in np.argwhere(phantom.labels == 0)[::997]:
        assert phantom.masks.read(int(row), int(column)) is None


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_changes_the_image_where_its_mask_says(name: str) -> None:
    """The same patients with and without the finding, everything else left as it is."""
    column, n = FINDINGS.index(name), 48
    draws, noise = draw(5, "train", n), grain(5, "train", 0, n, 64)
    present, absent = draws.positive.copy(), draws.positive.copy()
    present[:, column], absent[:, column] = True, False
    ill, masks = render(replace(draws, positive=present), noise)
    well, others = render(replace(draws, positive=absent), noise)
    change = np.abs(ill.astype(int) - well)
    mask = masks[column]
    assert len(others[column]) == 0
    inside = (change * mask).sum(axis=(1, 2)) / mask.sum(axis=(1, 2))
    outside = (change * ~mask).sum(axis=(1, 2)) / (~mask).sum(axis=(1, 2))
    assert (inside > 1).all(), "present, but not to be seen"
    assert np.median(inside / np.maximum(outside, 1e-9)) > 5
    share = (change * _grown(mask)).sum(axis=(1, 2)) / change.sum(axis=(1, 2))
    assert np.median(share) > 0.75
    assert np.quantile(share, 0.05) > 0.5


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    wide = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    return mask | wide[:, :-2, 1:-1] | wide[:, 2:, 1:-1] | wide[:, 1:-1, :-2] | wide[:, 1:-1, 2:]


def test_same_seed_same_pixels_however_many() -> None:
    few, more = make_part(3, "train", 70, 64), make_part(3, "train", 133, 64)
    np.testing.assert_array_equal(few.images, more.images[:70])
    np.testing.assert_array_equal(few.positive, more.positive[:70])
    np.testing.assert_array_equal(few.patient, more.patient[:70])
    row, column = np.argwhere(few.positive)[7]
    np.testing.assert_array_equal(few.masks.read(row, column), more.masks.read(row, column))
    assert (make_part(4, "train", 9, 64).images != few.images[:9]).any()
    assert (make_part(3, "val", 9, 64).images != few.images[:9]).any()


def test_the_larger_size_shows_the_same_patients() -> None:
    small, large = make_part(3, "val", 40, 64), make_part(3, "val", 40, 128)
    np.testing.assert_array_equal(small.positive, large.positive)
    halved = large.images.reshape(40, 64, 2, 64, 2).mean(axis=(2, 4))
    likeness = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(small.images, halved, strict=True)]
    assert min(likeness) > 0.95


def test_the_cache_gives_the_same_and_a_damaged_one_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    counts = {"train": 20, "val": 10}
    made = cached(0, counts, 64)
    (path,) = cache_dir().iterdir()
    content = path.read_bytes()
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 1
    for bad in (content[: len(content) // 2], b"", b"not a zip", bytes(damaged)):
        path.write_bytes(bad)
        again = cached(0, counts, 64)
        np.testing.assert_array_equal(again.images, made.images)
        np.testing.assert_array_equal(again.masks.bits, made.masks.bits)
        np.testing.assert_array_equal(again.masks.rows, made.masks.rows)
        assert path.read_bytes() == content
    with np.load(path, allow_pickle=False) as file:
        assert set(file.files) == {"images", "positive", "ap", "patient", "part", "mask_bits", "mask_rows"}
    assert [file.name for file in cache_dir().iterdir()] == [path.name]


def test_a_kept_set_is_read_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    counts = {"train": 8, "val": 4}
    first = cached(0, counts, 64)
    monkeypatch.setattr("lt_core.datasets.phantom.store.make", lambda *_: pytest.fail("made again"))
    np.testing.assert_array_equal(cached(0, counts, 64).images, first.images)


@pytest.mark.parametrize("options", [{"size": "63"}, {"size": 64}, {"seed": -1}, {"train_images": 0}])
def test_settings_out_of_range_are_refused_by_name(options: dict[str, object]) -> None:
    (name,) = options
    with pytest.raises(Invalid, match=f"chest-phantom.{name}"):
        load(Source("chest-phantom", options=options))
