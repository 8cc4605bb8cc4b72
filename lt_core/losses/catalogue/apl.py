"""Asymmetric polynomial loss."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from lt_core.losses.asymmetric import polynomial_cells
from lt_core.losses.spec import Paper, ReducesTo, loss
from lt_core.losses.stable import Knob
from lt_core.params import Real, Toggle


@loss(
    title="Asymmetric polynomial loss (APL)",
    family="focusing",
    labels="multi",
    formula=r"\begin{gathered}"
    r"y=1:\quad-(1-p)^{\gamma_+}\Big[\log p+\varepsilon_1(1-p)+\tfrac{\varepsilon_2}{2}(1-p)^2\Big]\\"
    r"y=0:\quad-p_m^{\gamma_-}\Big[\log(1-p_m)+\varepsilon_-\,(1-p_m)\Big],\quad p_m=\max(p-m,0)"
    r"\end{gathered}",
    paper=Paper(
        "Huang et al.",
        "Asymmetric Polynomial Loss for Multi-Label Classification",
        "ICASSP",
        2023,
        "https://arxiv.org/abs/2304.05361",
    ),
    authors_reduction="sum",
    detaches="detach_focus",
    reduces_to=(ReducesTo("asl", at={"eps_pos": 0.0, "eps_pos_pow": 0.0, "eps_neg": 0.0}),),
    what="ASL in which the first terms of the logarithm, written as a series in 1 − p, have weights of their own.",
    when="Where ASL works and its pull on positives should be shaped further: more where p is middling, less near 1.",
    watch="The signs are those of the code: ε₁ = 1 takes the first term away, and PolyLoss's ε has the opposite sign. "
    "At the defaults the pull on a positive dies off quadratically near p = 1. The code clamps p at 1e-8, which "
    "takes the gradient from badly wrong positives; this one does not.",
)
def apl(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma_neg: Annotated[Knob, Real(0, 8, tex=r"\gamma_-", help="How strongly easy negatives are silenced.")] = 4.0,
    gamma_pos: Annotated[Knob, Real(0, 4, tex=r"\gamma_+", help="How strongly easy positives are silenced.")] = 0.0,
    clip: Annotated[
        Knob, Real(0, 0.3, step=0.01, tex="m", help="Negatives with a probability below it are left alone.")
    ] = 0.05,
    eps_pos: Annotated[
        Knob, Real(-2, 2, tex=r"\varepsilon_1", help="First polynomial term of positives; 1 removes it altogether.")
    ] = 1.0,
    eps_pos_pow: Annotated[
        Knob, Real(-5, 5, tex=r"\varepsilon_2", help="Second polynomial term of positives; negative strengthens it.")
    ] = -2.5,
    eps_neg: Annotated[Knob, Real(-1, 1, tex=r"\varepsilon_-", help="First polynomial term of negatives.")] = 0.0,
    detach_focus: Annotated[
        bool, Toggle(help="No gradient through the focusing weight, as in the authors' code.")
    ] = True,
) -> Tensor:
    """Return the (B, C) asymmetric polynomial loss of ``targets`` in {0, 1} given ``logits``.

    The form is that of the authors' code, with the gradient of the focusing weights blocked by default as there.
    """
    present, absent = polynomial_cells(
        logits, gamma_neg=gamma_neg, gamma_pos=gamma_pos, clip=clip, eps_pos=eps_pos, eps_pos_pow=eps_pos_pow,
        eps_neg=eps_neg, detach_focus=detach_focus,
    )  # fmt: skip
    return targets * present + (1 - targets) * absent
