"""Figures without a browser: what is drawn is where its value is, in SVG and in PNG."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from lt_core.charts.palette import GROUP_COLOURS
from lt_core.evaluation.reliability import reliability
from lt_core.evaluation.uncertainty import Evaluation, compare
from lt_core.losses import all_losses
from lt_core.review import drawing
from lt_core.review.figures import calibration_figure, classes_figure, difference_figure, ticks_of
from lt_core.review.mathml import mathml
from tests.review.conftest import GROUPS, NAMES, scored_of

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def centre(polygon: ElementTree.Element) -> tuple[float, float]:
    points = np.array([[float(v) for v in pair.split(",")] for pair in polygon.attrib["points"].split()])
    return float(points[:, 0].mean()), float(points[:, 1].mean())


def test_every_dot_lies_where_the_axis_says_its_value_is(evaluation: Evaluation) -> None:
    root = parsed(classes_figure(evaluation, "auroc").svg())
    texts = {t.text: (float(t.attrib["x"]), float(t.attrib["y"])) for t in root.iter(f"{SVG}text")}
    zero, one = texts["0.0"][0], texts["1.0"][0]
    dots = [centre(polygon) for polygon in root.iter(f"{SVG}polygon")]
    values = evaluation.classes.set_index("class")["auroc"]
    for name in NAMES[:4]:
        label = next(y for said, (_, y) in texts.items() if said and said.startswith(f"{name[:33]}"))
        near = min(dots, key=lambda dot: abs(dot[1] - label))
        assert (near[0] - zero) / (one - zero) == pytest.approx(values[name], abs=2e-3), name
    assert "not defined" in texts


def test_a_figure_is_white_says_what_it_is_and_keeps_names_as_text(evaluations: dict[str, Evaluation]) -> None:
    svg = classes_figure(evaluations, "f1").svg(name="a")
    root = parsed(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] == "a-t a-d"
    assert next(root.iter(f"{SVG}rect")).attrib["fill"] == "#FFFFFF"
    assert "plain: from" in str(next(root.iter(f"{SVG}desc")).text)
    assert not list(root.iter(f"{SVG}script"))
    assert not list(root.iter(f"{SVG}img"))


def test_the_png_is_the_same_picture_larger(evaluation: Evaluation) -> None:
    figure = classes_figure(evaluation, "f1")
    image = Image.open(io.BytesIO(figure.png(scale=2)))
    assert image.size == (round(2 * figure.width), round(2 * figure.height))
    pixels = np.asarray(image.convert("RGB")).astype(int)
    assert (pixels[0, 0] == 255).all()
    root = parsed(figure.svg())
    first = next(p for p in root.iter(f"{SVG}polygon") if p.attrib["fill"] == GROUP_COLOURS["tail"])
    x, y = centre(first)
    wanted = [int(GROUP_COLOURS["tail"][k : k + 2], 16) for k in (1, 3, 5)]
    assert np.abs(pixels[round(2 * y), round(2 * x)] - wanted).max() <= 3


def test_without_a_font_of_many_letters_names_are_spelled_in_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawing._spelled("Ménière – 3") == "Ménière – 3"
    monkeypatch.setattr(drawing, "_font_file", lambda: None)
    assert drawing._spelled("Ménière – ≥ 3 × Łódź") == "Meniere - >= 3 x Lodz"
    words = drawing.Drawing(200, 40, "t", "a")
    words.text(5, 30, "Ménière", size=20)
    ink = np.asarray(Image.open(io.BytesIO(words.png(scale=1))).convert("L"))
    plain = drawing.Drawing(200, 40, "t", "a")
    plain.text(5, 30, "Meniere", size=20)
    np.testing.assert_array_equal(ink, np.asarray(Image.open(io.BytesIO(plain.png(scale=1))).convert("L")))
    assert ink.min() < 100


def test_a_model_against_itself_lies_on_the_line_of_no_difference() -> None:
    same = compare(scored_of(0), scored_of(0), groups=GROUPS, draws=20)
    root = parsed(difference_figure(same).svg())
    line = next(line for line in root.iter(f"{SVG}line") if line.attrib["stroke-width"] == "1.2")
    dots = [centre(p)[0] for p in root.iter(f"{SVG}polygon")][3:]  # after the three of the key
    assert len(dots) == 5
    assert dots == pytest.approx([float(line.attrib["x1"])] * 5, abs=0.2)


def test_there_is_a_panel_for_every_class() -> None:
    root = parsed(calibration_figure(reliability(scored_of(0))).svg())
    said = [t.text for t in root.iter(f"{SVG}text") if t.attrib.get("font-weight") == "bold"]
    assert len(said) == 1 + len(NAMES)


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-0.3, 0.3), (0.0, 0.0), (0.93, 0.97)])
def test_ticks_are_even_and_hold_the_ends(ends: tuple[float, float]) -> None:
    ticks = ticks_of(*ends)
    assert ticks[0] <= ends[0] + 1e-9
    assert ticks[-1] >= ends[1] - 1e-9
    assert np.allclose(np.diff(ticks), ticks[1] - ticks[0])
    assert 2 <= len(ticks) <= 12


def test_every_formula_of_a_loss_is_mathml() -> None:
    for spec in all_losses():
        found = mathml(spec.formula)
        assert found is not None, spec.key
        root = ElementTree.fromstring(found)
        tex = re.findall(r"\\frac|\\tfrac", spec.formula)
        assert sum(1 for e in root.iter() if e.tag.endswith("mfrac")) == len(tex), spec.key


def test_formulas_are_read_as_latex_reads_them() -> None:
    plain = re.sub(r" xmlns=\"[^\"]*\"| display=\"block\"| stretchy=\"false\"", "", str(mathml(r"\frac12 x_i^2")))
    assert plain == (
        "<math><mrow><mfrac><mn>1</mn><mn>2</mn></mfrac>"
        "<msubsup><mi>x</mi><mi>i</mi><mrow><mn>2</mn></mrow></msubsup></mrow></math>"
    )
    assert "munder" in str(mathml(r"\max_j n_j"))
    assert "&lt;" in str(mathml(r"x<y"))
    for unread in (r"\href{x}{y}", "}", r"\begin{matrix}a\end{matrix}", r"\frac{1}"):
        assert mathml(unread) is None, unread
