"""What equals what: losses that contain each other, with the difference as measured now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import streamlit as st

from lt_core.datasets import ClassCounts, LabeledImages
from lt_core.params import Value
from lt_core.stats import ClassPrior, prior_of
from pages.ui import blocks
from pages.ui.loss_names import short

if TYPE_CHECKING:
    from lt_core.losses import LossSpec
    from lt_core.losses.identities import Identity, IdentityCheck

Entry: TypeAlias = tuple[str, dict[str, Value]]
Draw: TypeAlias = Callable[[list[Entry]], None]

MORE = "They need more than knobs to be equal, so that there they still differ."
CSS = """
<style>
[class*=st-key-identity-] { border-top: 1px solid rgba(127, 140, 145, .28); padding-top: .5rem; }
@media (max-width: 640px) { [class*=st-key-identity-] [data-testid=stHorizontalBlock] { gap: .25rem; } }
</style>
"""


def panel(specs: Sequence[LossSpec], data: LabeledImages | ClassCounts, draw: Draw) -> None:
    """Draw one row per identity of ``specs``; its button calls ``draw`` with both sides as (key, values)."""
    from lt_core.losses import all_losses
    from lt_core.losses.identities import identities_of

    st.html(CSS)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            "Losses contain each other. Measured now: value and gradient, logits -20 to 20, float64, your classes."
        )
        everything = st.toggle("All losses", key="identities-all", help="Not only those chosen above.")
    chosen = {spec.key: spec for spec in (all_losses() if everything else specs)}
    found = identities_of(list(chosen.values()))
    if not found:
        st.info("None of the chosen losses contains another one. Turn on All losses to see those that do.")
        return
    prior = prior_of(data)
    for number, identity in enumerate(found):
        with blocks.guarded(f"{identity.left} and {identity.right} cannot be compared."):
            _row(number, identity, _checked(identity, tuple(prior.positives.tolist()), prior.n_samples), draw)


@st.cache_data(max_entries=400, show_spinner=False, hash_funcs={"lt_core.losses.identities.Identity": repr})
def _checked(identity: Identity, positives: tuple[float, ...], n: int) -> IdentityCheck:
    from lt_core.losses import get_loss
    from lt_core.losses.identities import check

    return check(get_loss(identity.left), identity, prior=ClassPrior(positives, n))


def _row(number: int, identity: Identity, result: IdentityCheck, draw: Draw) -> None:
    from lt_core.losses import get_loss
    from lt_core.losses.identities import worded

    left, right = identity.settings()
    to = f" :gray[({worded(identity.to)})]" if identity.to else ""
    other = f"**{identity.said or short(get_loss(identity.right))}**{to}"
    icon = ":green[:material/check_circle:]" if result.holds else ":red[:material/cancel:]"
    with st.container(key=f"identity-{number}"):
        sides, measured, button = st.columns([6, 4, 2], vertical_alignment="center")
        sides.markdown(f"{icon} **{short(get_loss(identity.left))}** = {other}  \n:gray[where {identity.where}]")
        measured.markdown(f":gray[{result.text}]" if result.holds else f":red[{result.text}]")
        button.button(
            "Draw both",
            on_click=draw,
            args=([(identity.left, left), (identity.right, right)],),
            icon=":material/show_chart:",
            type="tertiary",
            key=f"draw-identity-{number}",
            help="Put both into the figure, with these values. " + MORE * bool(identity.condition or identity.factor),
        )
