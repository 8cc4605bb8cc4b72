"""The text of a loss that is written out: complete, readable, as a formatter writes it, refused where it must be."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from lt_core.losses import LossSpec, all_losses, get_loss
from lt_core.losses.export import as_module, as_python, class_name
from lt_core.losses.own import VARIABLE
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.stats import ClassPrior
from tests.losses.alone import PRIORS, module_of, settings_of
from tests.losses.guide import guide_code

SPECS = all_losses()
every = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key)


def test_the_few_lines_name_only_what_is_no_default() -> None:
    text = as_python(get_loss("ral"), {"gamma_neg": 2.0, "form": "code", "eps_pos": 1.0}, None)
    assert 'criterion = get_loss("ral").criterion(gamma_neg=2.0)\n' in text
    assert "prior" not in text
    text = as_python(get_loss("ldam"), {}, ClassPrior([9.5, 3], 20), "sum")
    assert "positives = [9.5, 3]" in text
    assert 'criterion = get_loss("ldam").criterion(prior, reduction="sum")\n' in text


@every
def test_the_text_says_what_it_is_and_leans_on_nothing_of_ours(spec: LossSpec) -> None:
    text = as_module(spec, {}, PRIORS["counts"])
    assert text == as_module(spec, {}, PRIORS["counts"])
    for said in (spec.title, spec.paper.url, "MIT", "LongTail Lab", "LICENSE"):
        assert said in text
    assert " ".join(str(spec.paper).split()) in " ".join(text.split())
    assert "lt_core" not in text
    for ours in ("Annotated", "Knob", "Param", "@loss", "Real(", "Toggle("):
        assert ours not in text
    assert re.search(rf"^class {class_name(spec)}\(nn\.Module\):$", text, re.MULTILINE)
    assert all(len(line) <= 120 for line in text.splitlines() if " " in line), "only an address may be longer"


def test_every_text_is_as_the_formatter_writes_it_and_imports_only_what_it_uses(tmp_path: Path) -> None:
    wide = ClassPrior(range(1, 200), 1000, propensities=[0.123456789] * 199)
    for spec in SPECS:
        for number, prior in enumerate((*PRIORS.values(), wide)):
            (tmp_path / f"{spec.key}_{number}_module.py").write_text(as_module(spec, {}, prior))
            text = as_python(spec, settings_of(spec)[1], prior, "sum")
            (tmp_path / f"{spec.key}_{number}_lines.py").write_text(text)
    ours = "lint.isort.known-first-party=['lt_core']"
    for command in (["format", "--diff"], ["check", "--select", "F401,F811,F821,I,W,UP"]):
        arguments = ["ruff", *command, "--isolated", "--line-length=120", "--config", ours, str(tmp_path)]
        done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_names_of_classes() -> None:
    assert class_name(get_loss("ral")) == "RobustAsymmetricLoss"
    assert class_name(get_loss("db")) == "DistributionBalancedLoss"
    names = [class_name(spec) for spec in SPECS]
    assert all(name.isidentifier() and "Loss" in name for name in names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("write", [as_module, as_python])
def test_what_a_criterion_refuses_is_refused(write: Callable[..., str]) -> None:
    with pytest.raises(Invalid, match=r"asl\.gamma_neg must be in \[0, 8\], got 99"):
        write(get_loss("asl"), {"gamma_neg": 99}, None)
    with pytest.raises(Invalid, match="db needs the class counts"):
        write(get_loss("db"), {}, None)
    with pytest.raises(Unknown, match="reduction 'median'"):
        write(get_loss("asl"), {}, None, "median")


def test_the_module_refuses_what_does_not_fit() -> None:
    module = module_of(get_loss("db"), {}, PRIORS["counts"], "authors")
    with pytest.raises(ValueError, match="counts of 6 classes"):
        module(torch.zeros(2, 1), torch.zeros(2, 1))
    with pytest.raises(ValueError, match="logits"):
        module(torch.zeros(2, 6), torch.zeros(2, 1))


def test_a_function_that_needs_the_library_cannot_be_written_out() -> None:
    from lt_core.losses.export.gather import Gathered
    from lt_core.losses.export.names import Home

    with pytest.raises(Problem, match="cannot be written out"):
        Gathered(Home("lt_core.losses.registry", "get_loss"), {}).add(get_loss)
    with pytest.raises(Problem, match="not a function at the top of its file"):
        Gathered(Home(__name__, "lambda"), {}).add(lambda: 0)


def test_the_page_offers_both_texts_with_the_settings_in_view() -> None:
    def page() -> None:
        from lt_core.losses import get_loss
        from lt_core.stats import ClassPrior
        from pages.ui.loss_export import buttons

        prior = ClassPrior([30, 5, 1], 40)
        buttons("DB", get_loss("db"), {"mu": 0.7}, prior, "sum", key="first")
        buttons("ASL", get_loss("asl"), {}, prior, "authors", key="second")

    shown = AppTest.from_function(page, default_timeout=60).run()
    assert not shown.exception
    assert not shown.error
    prior = ClassPrior([30, 5, 1], 40)
    expected = [write(get_loss("db"), {"mu": 0.7}, prior, "sum") for write in (as_python, as_module)]
    expected += [write(get_loss("asl"), {}, prior, "authors") for write in (as_python, as_module)]
    assert [code.value for code in shown.code] == [text.strip() for text in expected]
    names = [button.proto.label for button in shown.get("download_button")]
    assert names == [f"Download {name}.py" for name in ("use_db", "db_loss", "use_asl", "asl_loss")]


TRICKY = r'''
import math as m
from functools import partial, wraps
from typing import Annotated, Any, Literal

import numpy as np
import torch.nn.functional as F
from torch import Tensor

import lt_core.losses.stable as st
from lt_core.losses import Paper, loss, stable
from lt_core.losses.catalogue.focal import focal
from lt_core.losses.stable import Knob, softplus as plus
from lt_core.params import Choice, Real

LOW, HIGH = 0.25, m.pi
"""Two bounds."""
SCALE: float = LOW * 2
Strength = Annotated[Knob, Real(0, 3, tex="k", help="A knob.")]


class Box:
    width = HIGH

    def __init__(self, by: float) -> None:
        self.by = by

    def of(self, x: Tensor) -> Tensor:
        return x.clamp(-self.width, self.width) * self.by


def loud(function: Any) -> Any:
    @wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return 1.0 * function(*args, **kwargs)

    return inner


@loud
def power(x: Tensor, how: Literal['up', "down"] = "up", *, by: Knob = SCALE) -> Tensor:
    # a comment above the body: λ
    return sum(part for part in (x * by, x)) if how == "up" else x


def short(x): return stable.power(x, 0.5)


@loss(title="Tricky (3) loss: λ", family="f", labels="multi", formula="k", paper=Paper("A", "B", "C", 2026, ""),
      authors_reduction="mean", what="a", when="b", watch="c \alpha")
def tricky(logits: Tensor, targets: Tensor, *, counts: Tensor, k: Strength = 1.5,
           form: Annotated[str, Choice(("a", "b"))] = "a") -> Tensor:
    """Return cells."""
    st_like = {"m": st.softplus(-logits), "λ": plus(logits)}  # λ before a name that is replaced: st.softplus
    boxed = partial(Box(k).of, logits)()
    by_class = counts / counts.amax()
    def inner(x: Tensor) -> Tensor:
        return F.relu(x) + LOW
    return (targets * st_like["m"] + (1 - targets) * st_like["λ"]) * by_class + inner(power(boxed, by=k)) \
        + short(logits**2) + focal(logits, targets) + float(np.float64(HIGH)) * (1 if form == "a" else 2)
'''


def test_a_file_written_in_every_manner_is_taken_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tricky.py").write_text(TRICKY, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    spec = get_loss("tricky")
    logits, targets = torch.linspace(-3, 3, 12).double().reshape(2, 6), torch.eye(2, 6).double()
    for values in ({}, {"k": 0.5, "form": "b"}):
        text = as_module(spec, values, PRIORS["counts"])
        assert "lt_core" not in text
        module = module_of(spec, values, PRIORS["counts"], "none")
        ours = spec.criterion(PRIORS["counts"], "none", **values)
        torch.testing.assert_close(module(logits, targets), ours(logits, targets), rtol=1e-12, atol=0)
    assert class_name(spec) == "TrickyLoss"
    monkeypatch.delenv(VARIABLE)
    all_losses()


def test_the_example_of_the_guide_is_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = next(block for block in guide_code() if "@loss(" in block)
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    prior, spec = ClassPrior([50, 5, 0], 60), get_loss("rarity_bce")
    logits, targets = torch.linspace(-3, 3, 12).double().reshape(4, 3), torch.eye(4, 3)
    module, ours = module_of(spec, {"tau": 1.25}, prior, "sum"), spec.criterion(prior, "sum", tau=1.25)
    assert torch.equal(module(logits, targets), ours(logits, targets))
    assert VARIABLE in as_python(spec, {}, prior)
    monkeypatch.delenv(VARIABLE)
    all_losses()
