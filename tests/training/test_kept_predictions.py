"""What a run keeps of its answers: who the images are of, and how the logits become probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch.nn import functional as F

from lt_core.datasets import load_images
from lt_core.losses import get_loss
from lt_core.losses.registry import all_losses
from lt_core.stats import ClassPrior
from lt_core.training import Run, RunConfig, train
from lt_core.training.job import prepare
from lt_core.training.parts import part_of
from lt_core.training.predicting import predict, predictions_of

Make = Callable[..., RunConfig]


def test_the_patients_of_a_data_set_are_kept_with_the_predictions(config: Make) -> None:
    settings = config()
    job = prepare(settings)
    data = load_images(settings.data)
    known = replace(data, groups=np.array([f"patient {k // 3}" for k in range(len(data))]))
    job.parts["val"] = part_of(known, "val", settings, job.train.pixels.shape[1:])
    found, _ = predict(job, "val")
    assert found.patients is not None
    assert found.patients.tolist() == [f"patient {k // 3}" for k in found.rows]
    assert predict(job, "test")[0].patients is None


@pytest.mark.parametrize("head", ["cosine", "linear"])
def test_probabilities_are_read_at_the_scale_of_the_loss(config: Make, tmp_path: Path, head: str) -> None:
    settings = config(loss="ldam_multilabel", loss_values={"scale": 20.0}, head=head, epochs=1)
    list(train(settings, tmp_path / "run"))
    run = Run(tmp_path / "run")
    found = run.predictions("test")
    assert found.logit_scale == 20
    if head == "cosine":
        assert np.abs(found.logits).max() <= 1 + 1e-6
    np.testing.assert_allclose(found.probabilities, expit(20 * found.logits.astype(np.float64)), rtol=1e-12)
    computed = predictions_of(run, "train")
    assert computed.logit_scale == 20


def test_other_losses_have_no_scale(config: Make) -> None:
    assert predict(prepare(config(loss="asl")), "val")[0].logit_scale == 1


@pytest.mark.parametrize("key", [spec.key for spec in all_losses() if spec.key.startswith("ldam")])
def test_a_margin_loss_without_margins_is_the_cross_entropy_of_these_probabilities(key: str) -> None:
    torch.manual_seed(0)
    prior = ClassPrior((50.0, 20.0, 5.0), 60, class_names=("a", "b", "c"))
    criterion = get_loss(key).criterion(prior=prior, reduction="mean", max_margin=0.0, scale=12.0)
    z = torch.randn(7, 3, dtype=torch.float64)
    scaled = criterion.logit_scale * z
    if get_loss(key).labels == "multi":
        y = torch.randint(0, 2, (7, 3)).double()
        expected = F.binary_cross_entropy_with_logits(scaled, y)
    else:
        y = torch.randint(0, 3, (7,))
        expected = F.cross_entropy(scaled, y)
    torch.testing.assert_close(criterion(z, y), expected)
