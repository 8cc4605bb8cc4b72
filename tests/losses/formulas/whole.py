"""Multi-label losses that look across a row or a batch: ``formula(z, y, **context) -> loss after the reduction``.

``z`` is a list of rows of mpmath numbers, ``y`` the (B, C) targets. The context has the hyper-parameters, ``n`` (the
counts,
at least 1) and ``total``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

WHOLE: dict[str, Callable[..., Any]] = {}
"""The formula of each loss."""
