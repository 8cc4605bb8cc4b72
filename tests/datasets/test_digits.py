"""The long-tailed digits: the ratio asked for, balanced parts, real handwriting."""

from __future__ import annotations

import numpy as np
import pytest

from lt_core.datasets import LabeledImages, Source, load
from lt_core.datasets.digits import training_counts
from lt_core.problems import Invalid


def digits(**options: object) -> LabeledImages:
    made = load(Source("digits", options=options))
    assert isinstance(made, LabeledImages)
    return made


def counts(made: LabeledImages, part: str) -> list[int]:
    return made.labels[made.rows(part)].sum(axis=0).astype(int).tolist()


@pytest.mark.parametrize("ratio", [1, 2, 10, 20, 37, 50, 100])
def test_the_ratio_is_met_exactly(ratio: int) -> None:
    made = digits(imbalance_ratio=ratio)
    train = counts(made, "train")
    assert max(train) / min(train) == ratio
    assert train == sorted(train, reverse=True)
    assert counts(made, "test") == [40] * 10
    assert counts(made, "val") == [12] * 10
    assert f"imbalance ratio {ratio}." in made.about


def test_counts_fall_exponentially() -> None:
    n = training_counts(20, 122)
    assert n.tolist() == [round(6 * 20 ** (1 - c / 9)) for c in range(10)]


def test_one_label_each_and_no_image_twice() -> None:
    made = digits()
    assert made.kind == "single"
    assert not made.synthetic
    assert (made.labels.sum(axis=1) == 1).all()
    assert made.ids is not None
    assert len(set(made.ids.tolist())) == len(made)


def test_pixels_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    made, source = digits(size="8"), load_digits()
    assert made.ids is not None
    for row in (0, 100, 500):
        index = int(str(made.ids[row]).removeprefix("digit-"))
        np.testing.assert_array_equal(made.images.read(row), np.rint(source.images[index] * 255 / 16))
        assert made.labels[row].argmax() == source.target[index]


def test_enlarging_keeps_the_mean() -> None:
    native, large = digits(size="8"), digits(size="64")
    assert large.images.read(0).shape == (64, 64)
    for row in range(20):
        assert abs(native.images.read(row).mean() - large.images.read(row).mean()) < 12


def test_the_seed_decides_which_images() -> None:
    first, again, other = digits(seed=1), digits(seed=1), digits(seed=2)
    assert first.ids is not None
    assert again.ids is not None
    assert other.ids is not None
    assert first.ids.tolist() == again.ids.tolist()
    assert first.ids.tolist() != other.ids.tolist()
    assert counts(first, "train") == counts(other, "train")


def test_a_ratio_out_of_range_is_refused() -> None:
    with pytest.raises(Invalid, match=r"digits.imbalance_ratio must be in \[1, 100\], got 101"):
        digits(imbalance_ratio=101)
