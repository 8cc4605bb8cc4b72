"""Robust asymmetric loss."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from lt_core.losses.asymmetric import polynomial_cells
from lt_core.losses.spec import Paper, Recipe, ReducesTo, loss
from lt_core.losses.stable import Knob
from lt_core.params import Choice, Real, Toggle

FORMS = Choice(
    ("code", "paper", "apl"),
    labels=(
        "code: (λ−p) p² (λ−q), as published in code",
        "paper: (λ−p) alone, as in Eq. 6",
        "apl: without any Hill factor",
    ),
    help="Which factor damps confident negatives. Paper and code differ: the code's silences easy negatives far more.",
)


@loss(
    title="Robust asymmetric loss (RAL)",
    family="focusing",
    labels="multi",
    formula=r"\begin{gathered}"
    r"y=1:\quad-(1-p)^{\gamma_+}\Big[\log p+\varepsilon_1(1-p)+\tfrac{\varepsilon_2}{2}(1-p)^2\Big]\\"
    r"y=0:\quad-p_m^{\gamma_-}\Big[\log q+\varepsilon_-\,q\Big]\,\psi,\quad p_m=\max(p-m,0),\quad q=1-p_m\\"
    r"\psi=\begin{cases}(\lambda-p)\,p^2(\lambda-q)&\text{code}\\\lambda-p&\text{paper}\\1&\text{apl}\end{cases}"
    r"\end{gathered}",
    paper=Paper(
        "Park et al.",
        "Robust Asymmetric Loss for Multi-Label Long-Tailed Learning",
        "ICCV Workshops",
        2023,
        "https://arxiv.org/abs/2308.05542",
    ),
    authors_reduction="sum",
    detaches="detach_focus",
    reduces_to=(
        ReducesTo("apl", at={"form": "apl"}),
        ReducesTo("asl", at={"form": "apl", "eps_pos": 0.0, "eps_pos_pow": 0.0, "eps_neg": 0.0}),
    ),
    what="ASL with a polynomial correction for positives (APL) and a factor that damps confident negatives (Hill), "
    "which may be findings nobody wrote down.",
    when="Chest radiographs with many rare findings and labels that miss some of them.",
    watch="Paper and code disagree (see form). With ε₁ = 1 the pull on a positive dies off quadratically near p = 1. "
    "The authors' own code turns NaN in half precision; this one does not.",
    trained_with=(
        Recipe(
            {"optimizer": "adamw", "weight_decay": 0.0, "schedule": "constant"},
            "Adam at a constant rate of 1e-4, without weight decay: the scheduler is commented out in their loop.",
            "their code, models/get_optimizer.py and train.py",
        ),
    ),
)
def ral(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma_neg: Annotated[Knob, Real(0, 8, tex=r"\gamma_-", help="How strongly easy negatives are silenced.")] = 4.0,
    gamma_pos: Annotated[Knob, Real(0, 4, tex=r"\gamma_+", help="How strongly easy positives are silenced.")] = 0.0,
    clip: Annotated[
        Knob, Real(0, 0.2, step=0.01, tex="m", help="Negatives with a probability below it are left alone.")
    ] = 0.05,
    lamb: Annotated[
        Knob, Real(1, 3, tex=r"\lambda", help="Height of the hill: smaller damps confident negatives more.")
    ] = 1.5,
    eps_pos: Annotated[
        Knob, Real(-2, 2, tex=r"\varepsilon_1", help="First polynomial term of positives; 1 removes it altogether.")
    ] = 1.0,
    eps_pos_pow: Annotated[
        Knob, Real(-5, 5, tex=r"\varepsilon_2", help="Second polynomial term of positives; negative strengthens it.")
    ] = -2.5,
    eps_neg: Annotated[Knob, Real(-1, 1, tex=r"\varepsilon_-", help="First polynomial term of negatives.")] = 0.0,
    form: Annotated[str, FORMS] = "code",
    detach_focus: Annotated[bool, Toggle(help="No gradient through the focusing weights; the authors let it flow.")] = (
        False
    ),
) -> Tensor:
    """Return the (B, C) robust asymmetric loss of ``targets`` in {0, 1} for ``logits`` (Eq. 6, or the code's form)."""
    present, absent = polynomial_cells(
        logits, gamma_neg=gamma_neg, gamma_pos=gamma_pos, clip=clip, eps_pos=eps_pos, eps_pos_pow=eps_pos_pow,
        eps_neg=eps_neg, detach_focus=detach_focus,
    )  # fmt: skip
    p = torch.sigmoid(logits)
    if form == "code":
        q = 1 - (p - clip).clamp(min=0.0)
        absent = absent * (lamb - p) * p**2 * (lamb - q)
    elif form == "paper":
        absent = absent * (lamb - p)
    return targets * present + (1 - targets) * absent
