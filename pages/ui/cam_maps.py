"""The maps of one image: a row a class, a column a run, on one colour scale."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lt_core.explain import SCALES, CamResult, colour_bar, common_max, on_scale, outlined, overlay, place_of
from lt_core.explain.methods import CamMethod
from lt_core.explain.pictures import enlarged, enlarged_map
from lt_core.explain.scale import Scale
from lt_core.problems import Problem
from pages.ui import cam_cases, cam_chances, cam_choice, cam_save, cam_trust
from pages.ui.cam_cases import Case, Cell, Side

TERMS = (
    "The pointing game (Zhang et al., 2018) asks whether the strongest place is inside the outline; the share of the "
    "map inside (Wang et al., 2020) would equal the share of the image for a map without preference."
)

SIDE = 448
"""Pixels on the longer side of a picture on the page."""

SCALE_WORDS: dict[str, Scale] = {"per class": "class", "over all maps": "all", "own": "own"}
"""How the choice of scale is called, on the page and in its link."""

STYLE = """
<style>
@media (max-width: 640px) {
  [class*="st-key-cam-row"] [data-testid="stHorizontalBlock"] { flex-wrap: nowrap; overflow-x: auto; }
  [class*="st-key-cam-row"] [data-testid="stColumn"] { min-width: 62vw !important; }
}
</style>
"""


def draw(sides: list[Side], case: Case, names: list[str], method: CamMethod) -> None:
    """Draw the maps of ``names`` from every run, what goes with them, and what can be done with them."""
    try:
        with st.spinner("Asking the network …" if len(sides) == 1 else "Asking the networks …", show_time=True):
            cells = cam_cases.cells(sides, case, names, method.key)
    except Problem:
        _layers(sides)  # the choice at fault stays within reach
        raise
    if len(cells) == 1:
        _alone(cells[0], case, method)
    else:
        _grid(cells, sides, case, method)
    cam_trust.draw(cells, case, method)


def _alone(cell: Cell, case: Case, method: CamMethod) -> None:
    """Draw image, map and probabilities side by side."""
    for note in cell.found.notes:
        st.info(note, icon=":material/info:")
    sentence = headline(cell)
    if sentence:
        st.markdown(f"#### {sentence}", help=TERMS)
    pictures, numbers = st.columns([5, 2], gap="large")
    with pictures:
        opacity, outline = _controls([cell])
        plain, mapped = _pictures(cell, cell.found.cam.raw_max, opacity, outline=outline)
        left, right = st.columns(2)
        left.image(plain, caption=f"{case.name}, as the network sees it", width="stretch")
        right.image(mapped, caption=f"What raises the score of {cell.name}", width="stretch")
        _bar("nothing", "most in this image")
        cam = cell.found.cam
        st.caption(
            f"{method.title} at layer {_at(cam)}, scaled to its own maximum of {cam.raw_max:.3g}: it shows where, not "
            "how much. Look at the probability for that. Not for diagnosis."
        )
        with st.container(horizontal=True, gap="small"):
            cam_save.buttons([cell], case, "own", opacity)
        _layers([cell.side])
    with numbers:
        cam_chances.of_one(case, cell)


def headline(cell: Cell) -> str:
    """Return where the map points, in a sentence; nothing where the true place is not known or the map is blank."""
    place = place_of(cell.found.cam, cell.mask)
    if place is None or place.hit is None or place.inside is None:
        return ""
    where = "inside" if place.hit else "beside"
    return (
        f"The strongest place is {where} the true {cell.name}: {place.inside:.0%} of the map lies in the outline, "
        f"which covers {place.area:.0%} of the image"
    )


def _grid(cells: list[Cell], sides: list[Side], case: Case, method: CamMethod) -> None:
    notes = dict.fromkeys(note for cell in cells for note in cell.found.notes if note != cell.found.cam.note)
    for note in notes:
        st.info(note, icon=":material/info:")
    left, right = st.columns([2, 5], gap="medium")
    with left:
        scale = _scale()
    with right:
        opacity, outline = _controls(cells)
    tops = common_max([cell.found.cam for cell in cells], per=scale)
    st.html(STYLE)
    for number, name in enumerate(dict.fromkeys(cell.name for cell in cells)):
        mine = [(cell, float(top)) for cell, top in zip(cells, tops, strict=True) if cell.name == name]
        _row(number, mine, sides, case, scale, opacity, outline=outline)
    at = {f"{cell.side.title}: layer {_at(cell.found.cam)}" for cell in cells}
    st.caption(
        f"{method.title}; {SCALES[scale]}. {'; '.join(sorted(at))}. A loss may stretch its logits, so a stronger map "
        "is not by itself a better one. Not for diagnosis."
    )
    with st.container(horizontal=True, gap="small"):
        cam_save.buttons(cells, case, scale, opacity)
    _layers(sides)
    with st.expander("What the networks say of every class", icon=":material/table_rows:", key="cam-all-classes"):
        cam_chances.of_all(sides, cells, case)


def _scale() -> Scale:
    chosen = st.segmented_control(
        "Colour scale",
        list(SCALE_WORDS),
        default="per class",
        required=True,
        key="cam-scale",
        bind="query-params",
        help="Per class: the maps of a class share one scale, so runs compare. Over all maps: classes compare too, and "
        "weak ones look pale. Own: each map to its own maximum; it shows where, not how much.",
    )
    return SCALE_WORDS[str(chosen)]


def _controls(cells: list[Cell]) -> tuple[float, bool]:
    """Draw how strong maps lie over images, and whether true places are outlined; return both."""
    left, right = st.columns([3, 2], vertical_alignment="bottom", gap="medium")
    opacity = left.slider("Opacity of the map", 0.0, 1.0, 0.6, 0.05, key="cam-opacity", bind="query-params")
    known = any(cell.mask is not None for cell in cells)
    outline = right.toggle(
        "Outline the true place",
        True,
        disabled=not known,
        key="cam-outline",
        bind="query-params",
        help="The set says where the finding is: by a mask or a box."
        if known
        else "No place of these classes is known in this image.",
    )
    return float(opacity), bool(outline) and known


def _row(
    number: int,
    mine: list[tuple[Cell, float]],
    sides: list[Side],
    case: Case,
    scale: Scale,
    opacity: float,
    *,
    outline: bool,
) -> None:
    """Draw the maps of one class: the image, then a map a run, then the colour bar."""
    name = mine[0][0].name
    st.markdown(f"#### {name}{_truth(sides[0], case, name)}")
    with st.container(key=f"cam-row-{number}"):
        columns = st.columns([1] * max(3, len(sides) + 1))
        plain, _ = _pictures(mine[0][0], 0.0, opacity, outline=outline)
        columns[0].image(plain, caption=f"{case.name}, as the network sees it", width="stretch")
        held = {cell.side.title: (cell, top) for cell, top in mine}
        for side, column in zip(sides, columns[1:], strict=False):
            if side.title not in held:
                column.caption(f"**{side.title}** does not know {name}.")
                continue
            cell, top = held[side.title]
            column.image(_pictures(cell, top, opacity, outline=outline)[1], width="stretch")
            column.markdown(_said(cell), help=TERMS if cell.mask is not None else None)
    tops = {top for _, top in mine}
    if scale == "own" or len(tops) > 1:
        _bar("nothing", "most in each map")
    else:
        _bar("0", f"{tops.pop():.3g}")
    for cell, _ in mine:
        if cell.found.cam.note:
            st.caption(f":material/info: **{cell.side.title}**: {cell.found.cam.note}")


def _said(cell: Cell) -> str:
    """Return what stands under a map: the run, its probability, the map's maximum, and where it points."""
    cam = cell.found.cam
    chance = cell.mapped.probability
    lines = [f"**{cell.side.title}**", f"probability **{chance:.3f}** · " + ("blank" if cam.blank else _maximum(cam))]
    place = place_of(cam, cell.mask)
    if place is not None and place.hit is not None and place.inside is not None:
        where = ":material/check: strongest place inside" if place.hit else ":material/close: strongest place beside"
        lines.append(f":gray[{where}; {place.inside:.0%} of the map in {place.area:.0%} of the image]")
    return "  \n".join(lines)


def _maximum(cam: CamResult) -> str:
    return f"maximum {cam.raw_max:.3g}"


def _truth(side: Side, case: Case, name: str) -> str:
    if case.truth is None:
        return ""
    value = case.truth[side.class_names.index(name)]
    said = "unknown" if np.isnan(value) else "present" if value == 1 else "absent"
    return f" :gray[truly {said}]" if said != "unknown" else " :gray[truth unknown]"


def _pictures(cell: Cell, top: float, opacity: float, *, outline: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the image and the map over it, 1 being the raw value ``top``, the true place outlined where asked for."""
    plain = enlarged(cell.found.shown, SIDE)
    size = (plain.shape[0], plain.shape[1])
    mapped = overlay(plain, enlarged_map(on_scale(cell.found.cam, top), size), opacity)
    shape = cam_cases.fitting(cell.mask, size) if outline else None
    return (plain, mapped) if shape is None else (outlined(plain, shape), outlined(mapped, shape))


def _bar(least: str, most: str) -> None:
    """Draw the colour bar."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(least, width="content")
        st.image(np.rot90(colour_bar(240, 12), -1), width=240, alt="Colour bar: dark violet is little, yellow the most")
        st.caption(most, width="content")


def _at(cam: CamResult) -> str:
    return f"{cam.layer} ({cam.layer_size[0]} x {cam.layer_size[1]} places, {cam.reshape})"


def _layers(sides: list[Side]) -> None:
    with st.expander("Layer" if len(sides) == 1 else "Layers", icon=":material/layers:", key="cam-layer-box"):
        cam_choice.layers(sides)
