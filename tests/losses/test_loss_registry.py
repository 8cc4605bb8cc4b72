"""A new loss is one new file and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lt_core.losses import Paper, ReducesTo, all_losses, catalogue, get_loss, loss
from lt_core.losses.spec import REGISTRY
from lt_core.problems import Problem, Unknown
from lt_core.stats import ClassPrior

NEW = '''
"""A loss somebody adds."""
from typing import Annotated
from torch import Tensor
from lt_core.losses.spec import Paper, loss
from lt_core.params import Real

@loss(title="Added", family="test", labels="multi", formula="k", paper=Paper("A", "B", "C", 2030, "https://x"),
      authors_reduction="batch", what="a", when="b", watch="c")
def added(logits: Tensor, targets: Tensor, *, epoch: int, keep: Tensor | None = None,
          k: Annotated[float, Real(0, 2, tex="k", help="A knob.")] = 1.0) -> Tensor:
    """Return cells."""
    cells = (logits - targets) ** 2 * (k + epoch)
    return cells if keep is None else cells * keep
'''


@pytest.fixture
def added_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "added.py").write_text(NEW)
    monkeypatch.setattr(catalogue, "__path__", [*catalogue.__path__, str(tmp_path)])
    yield
    REGISTRY.pop("added", None)
    sys.modules.pop("lt_core.losses.catalogue.added", None)


def test_one_new_file_is_found(added_file: None) -> None:
    assert "added" in {spec.key for spec in all_losses()}
    spec = get_loss("added")
    assert spec.data == {"epoch", "keep"}
    assert not spec.needs_prior
    assert spec.reduction_text == "sum over cells / images"
    assert [param.name for param in spec.params] == ["k"]


def test_epoch_and_data_reach_the_loss(added_file: None) -> None:
    logits, targets = torch.ones(2, 3), torch.zeros(2, 3)
    criterion = get_loss("added").criterion(k=2.0)
    assert criterion(logits, targets) == 6
    criterion.set_epoch(3)
    assert criterion(logits, targets) == 15
    assert criterion(logits, targets, keep=torch.eye(2, 3)) == 5
    assert get_loss("added").bind(epoch=1)(logits, targets).sum() == 12


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError) as caught:
        get_loss("assl")
    assert "unknown loss 'assl': did you mean 'asl'? known are bce, " in str(caught.value)
    assert isinstance(caught.value, Problem)


def test_the_order_is_that_of_publication() -> None:
    keys = [spec.key for spec in all_losses()]
    assert keys.index("bce") < keys.index("focal") < keys.index("db") < keys.index("ral") < keys.index("ce")


def declare(key: str, **more: object) -> None:
    def body(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return logits

    body.__name__ = key
    about = dict.fromkeys(("title", "family", "formula", "what", "when", "watch"), "x")
    loss(**about, labels="multi", paper=Paper("", "", "", 2000, ""), authors_reduction="mean", **more)(body)  # type: ignore[arg-type]


def test_two_losses_of_one_name_are_refused() -> None:
    get_loss("bce")
    with pytest.raises(ValueError, match="two losses are called 'bce'"):
        declare("bce")


def test_an_identity_that_names_no_parameter_is_refused() -> None:
    with pytest.raises(Unknown, match="half_done"):
        declare("half_done", reduces_to=(ReducesTo("bce", at={"gamma": 0.0}),))
    assert "half_done" not in REGISTRY


def test_only_losses_that_use_counts_need_them() -> None:
    needs = {spec.key for spec in all_losses() if spec.needs_prior}
    assert {"db", "ldam", "lmf"} <= needs
    assert not needs & {"bce", "focal", "asl", "ral", "ce"}


def test_a_class_without_example_counts_as_one() -> None:
    logits, targets = torch.randn(4, 3, generator=torch.Generator().manual_seed(1)), torch.eye(4, 3)
    for key, y in (("db", targets), ("ldam", torch.tensor([0, 1, 2, 0])), ("lmf", torch.tensor([0, 1, 2, 0]))):
        zero, one = (get_loss(key).bind(ClassPrior([50, 5, n], 60))(logits, y) for n in (0, 1))
        assert torch.equal(zero, one)
