"""Files somebody may put into the folder of own losses: a sound one, and one for each mistake."""

from __future__ import annotations

from collections.abc import Mapping

HEAD = """
from typing import Annotated
import torch
from torch import Tensor
from lt_core.losses import Paper, ReducesTo, loss
from lt_core.params import Real
about = dict(title="T", family="f", formula="k", paper=Paper("A", "B", "C", 2026, "https://x.org"),
             authors_reduction="mean", what="a", when="b", watch="c")
multi = about | dict(labels="multi")
"""
GOOD = """
@loss(**multi)
def mine(logits: Tensor, targets: Tensor, *, k: Annotated[float, Real(0, 4, tex="k", help="A knob.")] = 1.0) -> Tensor:
    return k * (logits - targets) ** 2
"""
DECLARED = HEAD + "@loss(**multi)\ndef mine(logits, targets):\n    "
MISTAKES: Mapping[str, tuple[str, str]] = {
    "syntax": ("x = 1\ny = = 2\n", r"is not valid Python: .*\(line 2\)"),
    "encoding": ("# coding: no-such\n", r"is not valid Python: .*no-such"),
    "import": ("import os\n\nnosuchname\n", r"stops in line 3: NameError: name 'nosuchname' is not defined"),
    "exit": ("import sys\nsys.exit(3)\n", r"stops in line 2: SystemExit: 3"),
    "nothing": ("x = 1\n", r"declares no loss: .*@loss"),
    "taken": (HEAD + GOOD.replace("mine", "bce"), r"declares 'bce', a name that is taken by a built-in loss"),
    "ours": (
        HEAD + "from lt_core.losses.catalogue.bce import bce\nloss(**multi)(bce)\n",
        r"declares 'bce', whose func",
    ),
    "default": (
        HEAD + GOOD.replace("= 1.0", "= 9.0"),
        r"has a mistake in its declaration.*mine\.k must be in \[0, 4\], got 9",
    ),
    "lacking": (HEAD + "@loss(title='x')\ndef mine(): pass\n", r"stops in line \d+: TypeError: .*missing .*'watch'"),
    "identity": (
        HEAD + GOOD.replace("**multi", "**multi, reduces_to=(ReducesTo('bce', at={'q': 0}),)"),
        r"has a mistake in its declaration.*\['q'\]",
    ),
    "other side": (
        HEAD + GOOD.replace("**multi", "**multi, reduces_to=(ReducesTo('nosuch', at={'k': 0}),)"),
        r"mine is said to reduce to 'nosuch', which is no loss",
    ),
    "labels": (HEAD + GOOD.replace("**multi", "**about, labels='both'"), r"mine must have labels one of multi, single"),
    "year": (HEAD.replace("2026", "'2026'") + GOOD, r"mine must name its paper"),
    "text": (HEAD.replace('what="a"', 'what=""') + GOOD, r"mine must say its what"),
    "name": (HEAD + GOOD.replace("mine", "Mine"), r"Mine must have a name of small letters"),
    "shape": (DECLARED + "return logits.sum(1)\n", r"mine must return cells, of the shape \(3, 4\).*got \(3,\)"),
    "type": (DECLARED + "return 0.0\n", r"mine .*(must return a tensor|fails on a batch)"),
    "nan": (DECLARED + "return torch.log(logits.abs()) * targets\n", r"mine is not finite"),
    "steep": (DECLARED + "return logits.abs().sqrt()\n", r"mine has a gradient that is not finite"),
    "in place": (DECLARED + "return logits.add_(1)\n", r"mine changes its inputs in place"),
    "in place too": (DECLARED + "return targets.mul_(2) * logits\n", r"mine changes its inputs in place"),
    "detached": (DECLARED + "return logits.detach() * targets\n", r"mine cannot be differentiated"),
    "random": (DECLARED + "return logits * torch.rand(3, 4)\n", r"mine gives two answers to one question"),
    "raises": (DECLARED + "raise RuntimeError('so\\nwhat')\n", r"mine fails on a batch .*RuntimeError: so what"),
    "wants": (DECLARED.replace("targets)", "targets, *, more)") + "return logits\n", r"mine fails on a batch .*more"),
}
"""By name: the file, and the pattern of the sentence it is answered with."""
