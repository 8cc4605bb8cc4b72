"""Two ladders of losses: each step contains the one before, and says what it adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lt_core.losses.identities import BESIDE, Identity
from lt_core.params import Value

COLOUR = "#D4561F"
"""What a step changes, in formulas."""


def _new(tex: str) -> str:
    """Return ``tex`` in the colour of what is new."""
    return rf"\textcolor{{{COLOUR}}}{{{tex}}}"


@dataclass(frozen=True)
class Step:
    """One rung: the loss ``key`` with ``settings``, called ``name``.

    ``changed`` says in plain words what is new, ``formula`` (LaTeX) shows it in ``COLOUR``, ``knobs`` carry it.
    ``contains`` is the identity with which this step turns back into the one before; None on the lowest rung.
    """

    name: str
    key: str
    settings: Mapping[str, Value]
    changed: str
    formula: str
    knobs: tuple[str, ...] = ()
    contains: Identity | None = field(default=None)


@dataclass(frozen=True)
class Ladder:
    """Steps from the plainest loss upwards; ``note`` goes with their charts, whose logit runs to ``limit``."""

    key: str
    title: str
    steps: tuple[Step, ...]
    note: str
    limit: float = 8.0


_FOCAL: dict[str, Value] = {"gamma": 2.0, "use_alpha": False}
_ASL: dict[str, Value] = {"gamma_neg": 4.0, "gamma_pos": 0.0, "clip": 0.05, "detach_focus": False}
_APL: dict[str, Value] = _ASL | {"eps_pos": 1.0, "eps_pos_pow": -2.5, "eps_neg": 0.0}
_RAL: dict[str, Value] = _APL | {"form": "code", "lamb": 1.5}
_LDAM: dict[str, Value] = {"max_margin": 0.5, "scale": 4.0}
_LMF: dict[str, Value] = _LDAM | {"alpha": 1.5, "beta": 1.0, "gamma": 1.5}

_POLYNOMIAL = r"\log p+\varepsilon_1(1-p)+\tfrac{\varepsilon_2}{2}(1-p)^2"

MULTI = Ladder(
    "multi",
    "From BCE to RAL",
    (
        Step(
            "BCE",
            "bce",
            {},
            "Every cell pulls on its logit by how wrong it is.",
            r"\begin{aligned}y=1:\quad&-\log p\\y=0:\quad&-\log(1-p)\end{aligned}",
        ),
        Step(
            "Focal",
            "focal",
            _FOCAL,
            "A cell that is already answered counts less.",
            r"\begin{aligned}y=1:\quad&-" + _new(r"(1-p)^{\gamma}") + r"\log p\\"
            r"y=0:\quad&-" + _new(r"p^{\gamma}") + r"\log(1-p)\end{aligned}",
            ("gamma",),
            Identity("focal", "bce", at={"gamma": 0.0, "use_alpha": False}),
        ),
        Step(
            "ASL",
            "asl",
            _ASL,
            "Positives and negatives get a strength each, and negatives that are nearly answered are dropped.",
            r"\begin{aligned}y=1:\quad&-(1-p)^{" + _new(r"\gamma_+") + r"}\log p\\"
            r"y=0:\quad&-" + _new(r"p_m") + "^{" + _new(r"\gamma_-") + r"}\log(1-" + _new(r"p_m") + r"),\quad "
            + _new(r"p_m=\max(p-m,0)") + r"\end{aligned}",
            ("gamma_pos", "gamma_neg", "clip"),
            Identity(
                "asl",
                "focal",
                at={"gamma_neg": 2.0, "gamma_pos": 2.0, "clip": 0.0, "detach_focus": False},
                to=_FOCAL,
            ),
        ),
        Step(
            "APL",
            "apl",
            _APL,
            "The logarithm is a series; its first two terms get weights of their own, for positives.",
            r"\begin{aligned}y=1:\quad&-(1-p)^{\gamma_+}\big[\log p" + _new(r"+\varepsilon_1(1-p)") +
            _new(r"+\tfrac{\varepsilon_2}{2}(1-p)^2") + r"\big]\\"
            r"y=0:\quad&-p_m^{\gamma_-}\big[\log(1-p_m)" + _new(r"+\varepsilon_-(1-p_m)") + r"\big]\end{aligned}",
            ("eps_pos", "eps_pos_pow", "eps_neg"),
            Identity("apl", "asl", at={"eps_pos": 0.0, "eps_pos_pow": 0.0, "eps_neg": 0.0}),
        ),
        Step(
            "RAL",
            "ral",
            _RAL,
            "A negative the network is sure is positive may be a missing label: it is pushed less.",
            r"\begin{aligned}y=1:\quad&-(1-p)^{\gamma_+}\big[" + _POLYNOMIAL + r"\big]\\"
            r"y=0:\quad&-p_m^{\gamma_-}\big[\log q+\varepsilon_-\,q\big]\," + _new(r"(\lambda-p)\,p^2(\lambda-q)")
            + r"\\&q=1-p_m\end{aligned}",
            ("form", "lamb"),
            Identity("ral", "apl", at={"form": "apl"}),
        ),
    ),
    "The gradient flows through the focusing weight in every step, so that all of them compare.",
)  # fmt: skip
"""Sigmoid losses."""

_MARGIN = r"m_c=m_{\max}\,\frac{n_c^{-1/4}}{\max_j n_j^{-1/4}}"
_LDAM_TEX = r"-\log\frac{e^{%s}}{e^{%s}+\sum_{j\neq t}e^{%s}}"

SINGLE = Ladder(
    "single",
    "From cross-entropy to LMF",
    (
        Step(
            "CE",
            "ce",
            {},
            "The right class must win.",
            _LDAM_TEX % ("z_t", "z_t", "z_j"),
        ),
        Step(
            "LDAM",
            "ldam",
            _LDAM,
            "The right class must win by a margin, and the rarer it is the larger. The scale makes the step steep.",
            _LDAM_TEX
            % (_new("s(") + "z_t" + _new("-m_t)"), _new("s(") + "z_t" + _new("-m_t)"), _new("s") + "z_j")
            + r",\quad " + _new(_MARGIN),
            ("max_margin", "scale"),
            Identity("ldam", "ce", at={"max_margin": 0.0, "scale": 1.0}),
        ),
        Step(
            "LMF",
            "lmf",
            _LMF,
            "A focal part is added, and the margins also weigh the classes.",
            _new(r"\alpha\,m_t") + r"\,L_{\mathrm{LDAM}}" + _new(r"/\,\overline{m}")
            + _new(r"+\beta\,m_t(1-p_t)^{\gamma}(-\log p_t)"),
            ("alpha", "beta", "gamma"),
            next(identity for identity in BESIDE if (identity.left, identity.right) == ("lmf", "ldam")),
        ),
    ),
    "Drawn at scale 4; the published 30 is made for logits within [-1, 1].",
)  # fmt: skip
"""Softmax losses."""

LADDERS: tuple[Ladder, ...] = (MULTI, SINGLE)
