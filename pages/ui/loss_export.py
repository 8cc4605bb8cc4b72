"""A loss with its settings as code to copy or to download."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from lt_core.params import Value
from lt_core.stats import ClassPrior
from pages.ui import blocks

if TYPE_CHECKING:
    from lt_core.losses import LossSpec

HEIGHT = 420
"""Pixels of the box a text scrolls in."""


def buttons(
    name: str, spec: LossSpec, values: Mapping[str, Value], prior: ClassPrior | None, reduction: str, *, key: str
) -> None:
    """Draw a popover with the loss as code: a few lines that use this library, and a module that needs only PyTorch.

    ``reduction`` is authors, mean, batch, sum or none; ``key`` is this popover's own.
    """
    with st.popover(f"Code of {name}", icon=":material/code:", key=key):
        library, module = st.tabs(["Python", "Standalone module"])
        with library, blocks.guarded("This loss cannot be written out."):
            from lt_core.losses.export import as_python

            st.caption("Uses this library: `lt_core` must be on the Python path.")
            _text(as_python(spec, values, prior, reduction), f"use_{spec.key}.py", f"{key}-python")
        with module, blocks.guarded("This loss cannot be written out."):
            from lt_core.losses.export import as_module

            st.caption("Needs PyTorch and nothing else: the loss with every function it uses.")
            _text(as_module(spec, values, prior, reduction), f"{spec.key}_loss.py", f"{key}-module")


def _text(text: str, file_name: str, key: str) -> None:
    st.download_button(
        f"Download {file_name}",
        text,
        file_name=file_name,
        mime="text/x-python",
        icon=":material/download:",
        key=key,
        on_click="ignore",
    )
    st.code(text, "python", height=min(HEIGHT, 60 + 24 * text.count("\n")))
