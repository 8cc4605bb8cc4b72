"""CAP's pseudo-labels are the authors' own, and each class keeps its share."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lt_core.losses.pseudo_labels import class_aware_pseudo_labels
from lt_core.problems import Invalid
from tests.losses.test_loss_golden import GOLDEN


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the folder ../shared/golden is not here")
@pytest.mark.parametrize("form", ["paper", "code"])
@pytest.mark.parametrize("case", ["per1", "per08"])
def test_equals_the_authors_code(case: str, form: str) -> None:
    with np.load(GOLDEN / "cap_pseudo_labels.npz", allow_pickle=False) as golden:
        pseudo, mask = class_aware_pseudo_labels(
            torch.tensor(golden["logits"]),
            golden["pos_label_freq"].tolist(),
            positive=float(golden[f"{case}__pos_per"]),
            negative=float(golden[f"{case}__neg_per"]),
            form=form,
        )
        np.testing.assert_array_equal(pseudo.numpy(), golden[f"{case}__pseudo"])
        np.testing.assert_array_equal(mask.numpy(), golden[f"{case}__mask"].astype(bool))


def test_each_class_keeps_its_share_whatever_the_scale_of_the_scores() -> None:
    scores = torch.randn(1000, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    for moved in (scores, 5 * scores - 20, torch.sigmoid(scores)):
        pseudo, _ = class_aware_pseudo_labels(moved, [0.5, 0.031, 0.0])
        assert pseudo.sum(dim=0).tolist() == [500, 31, 0]
        assert moved[:, 0][pseudo[:, 0] == 1].min() >= moved[:, 0][pseudo[:, 0] == 0].max()


def test_a_class_rarer_than_one_image_in_the_pool_is_never_positive() -> None:
    scores = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
    pseudo, trusted = class_aware_pseudo_labels(scores, [0.01])
    assert pseudo.sum() == 0
    assert trusted.sum() == int(0.99 * 0.998 * 50)


def test_only_the_form_of_the_code_wraps_around_to_the_lowest_score() -> None:
    scores = torch.randn(50, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    shares = [0.01, 0.2]
    falling = np.sort(scores.numpy(), axis=0)[::-1]
    wrapped = [scores.numpy()[:, c] >= falling[int(share * 50) - 1, c] for c, share in enumerate(shares)]
    pseudo, trusted = class_aware_pseudo_labels(scores, shares, form="code")
    np.testing.assert_array_equal(pseudo.numpy(), np.stack(wrapped, axis=1))
    assert pseudo[:, 0].sum() == trusted[:, 0].sum() == 50
    with pytest.raises(Invalid, match="form must be one of paper, code"):
        class_aware_pseudo_labels(scores, shares, form="papre")


@pytest.mark.parametrize(
    ("shares", "more", "sentence"),
    [
        ([0.5], {}, "one number per class"),
        ([0.5, 1.5], {}, r"in \[0, 1\]"),
        ([0.5, 0.1], {"positive": 0.0}, r"positive must be in \(0, 1\], got 0"),
    ],
)
def test_bad_input_gets_one_sentence(shares: list[float], more: dict[str, float], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        class_aware_pseudo_labels(torch.zeros(4, 2), shares, **more)
