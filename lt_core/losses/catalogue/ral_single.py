"""Robust asymmetric loss over a softmax."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.spec import Paper, Recipe, ReducesTo, loss
from lt_core.losses.stable import Knob, power
from lt_core.params import Real


@loss(
    title="Robust asymmetric loss, softmax (RAL)",
    family="focusing",
    labels="single",
    formula=r"\begin{gathered}"
    r"-\sum_c\tilde T_c\,w_c\log p_c,\quad p=\mathrm{softmax}(z),\quad u=1-p,\quad x^s=\max(x,s)\\"
    r"w=(1-A-B)^{\gamma},\quad\gamma=\gamma_+\ \text{for}\ c=t,\ \gamma_-\ \text{otherwise},\quad "
    r"\tilde T_c=(1-s)\,[c=t]+\frac{s}{C}\\"
    r"A=p\,\Big[\log p^s+\varepsilon_1(1-p^s)+\tfrac{\varepsilon_2}{2}(1-p^s)^2\Big]\log p\\"
    r"B=-(1-A)\,\big[\log u^s+\varepsilon_-\,u^s\big]\,(\lambda-u)\,u^2"
    r"\end{gathered}",
    paper=Paper(
        "Park et al.",
        "Robust Asymmetric Loss for Multi-Label Long-Tailed Learning",
        "ICCV Workshops",
        2023,
        "https://arxiv.org/abs/2308.05542",
    ),
    authors_reduction="mean",
    reduces_to=(
        ReducesTo("ce", at={"gamma_pos": 0.0, "gamma_neg": 0.0, "smoothing": 0.0}),
        ReducesTo("asl_single", at={"gamma_pos": 0.0, "gamma_neg": 0.0}),
    ),
    what="Label-smoothed cross-entropy with a weight that dips for probabilities near 0.1 to 0.2.",
    when="To reproduce what RAL's repository does with one class an image; as a loss of its own it differs little from "
    "label smoothing.",
    watch="It is in the authors' code alone, not in the paper. Two masks of ASL are missing there, so the weight is no "
    "focusing weight: it is near 1 at both ends. One number is both the smoothing and the floor inside the logarithms. "
    "Far from the defaults 1 - A - B can turn negative, where the authors' code gives NaN for a fractional γ; here it "
    "is the real part of the power.",
    extension="The real part of the power where 1 - A - B is negative, which equals the authors' code for whole γ.",
    trained_with=(
        Recipe(
            {"optimizer": "adamw", "weight_decay": 0.0, "schedule": "constant"},
            "Adam at a constant rate of 1e-4, without weight decay: the scheduler is commented out in their loop.",
            "their code, models/get_optimizer.py and train.py",
        ),
    ),
)
def ral_single(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma_pos: Annotated[Knob, Real(0, 4, tex=r"\gamma_+", help="Exponent of the right class's weight.")] = 0.0,
    gamma_neg: Annotated[Knob, Real(0, 8, tex=r"\gamma_-", help="Exponent of the other classes' weights.")] = 4.0,
    smoothing: Annotated[
        Knob, Real(0, 0.3, step=0.01, tex="s", help="Label mass shared by all classes, and floor inside the logs.")
    ] = 0.1,
    lamb: Annotated[Knob, Real(1, 3, tex=r"\lambda", help="Height of the hill in B.")] = 1.5,
    eps_pos: Annotated[Knob, Real(-2, 2, tex=r"\varepsilon_1", help="First polynomial term of A.")] = 1.0,
    eps_pos_pow: Annotated[Knob, Real(-5, 5, tex=r"\varepsilon_2", help="Second polynomial term of A.")] = -2.5,
    eps_neg: Annotated[Knob, Real(-1, 1, tex=r"\varepsilon_-", help="Polynomial term of B.")] = 0.0,
) -> Tensor:
    """Return the (B,) robust asymmetric loss of one-hot ``targets`` given ``logits``, as in the authors' code.

    1 - A - B is taken as (1 - A)(1 - K), with B = (1 - A) K.
    """
    log_p = torch.log_softmax(logits, dim=1)
    p, log_pe = _floored(log_p, smoothing)
    rest = -torch.expm1(log_p)
    sure = rest > 0  # elsewhere log(rest) is multiplied by rest^2 = 0
    rest_e, log_rest_e = _floored(torch.log(torch.where(sure, rest, torch.finfo(rest.dtype).eps)), smoothing)
    far = 1 - p
    a = torch.exp(log_p) * (log_pe + eps_pos * far + eps_pos_pow / 2 * far**2) * log_p
    k = -(log_rest_e + eps_neg * rest_e) * (lamb - rest) * rest**2
    base = (1 - a) * (1 - k)
    gamma = targets * gamma_pos + (1 - targets) * gamma_neg
    weight = power(base.abs(), gamma) * torch.where(base < 0, torch.cos(torch.pi * gamma), 1.0)
    smoothed = (1 - smoothing) * targets + smoothing / logits.shape[1]
    return -(smoothed * weight * log_p).sum(dim=1)


def _floored(log_x: Tensor, floor: Knob) -> tuple[Tensor, Tensor]:
    """Return max(x, floor) and its logarithm, from log x; ``floor`` may be 0."""
    level = log_x.new_ones(()) * floor
    some = level > 0
    log_level = torch.where(some, torch.log(torch.where(some, level, 1.0)), -torch.inf)
    log_floored = torch.where(log_x >= log_level, log_x, log_level)
    return torch.exp(log_floored), log_floored
