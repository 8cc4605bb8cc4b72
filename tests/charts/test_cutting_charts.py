"""Charts of thresholds: a model has one colour in all of them, and one dashing that no other has."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from lt_core.charts.cutting import COLOURS, ROW, by_threshold, reliability_curve, what_remains
from lt_core.charts.palette import SERIES

MODELS = [f"{letter} · run" for letter in "ABCDEF"]


def _scale(spec: dict[str, Any], channel: str) -> dict[str, str]:
    """The first scale of a channel: what is drawn for each of its values."""
    layers = spec.get("layer", [spec])
    scale = next(layer["encoding"][channel]["scale"] for layer in layers if channel in layer.get("encoding", {}))
    return dict(zip(scale["domain"], map(str, scale["range"]), strict=True))


def _reliable(models: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"model": m, "predicted": 0.4, "observed": 0.5, "observed_low": 0.3, "observed_high": 0.7, "n": 9,
          "n_positive": 4} for m in models]
    )  # fmt: skip


def _remaining(models: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"run": m, "group": "tail", "rule": rule, "gain": 0.1, "gain_low": 0.0, "gain_high": 0.2, "remains": 1.0,
          "remains_low": 0.5, "remains_high": 1.5} for m in models for rule in ("0.5", "own thresholds")]
    )  # fmt: skip


def test_a_model_has_one_colour_in_every_chart_also_where_another_one_is_left_out() -> None:
    shown = MODELS[:3]
    of_all = _scale(reliability_curve(_reliable(shown), models=shown).to_dict(), "color")
    assert of_all == dict(zip(shown, SERIES, strict=False))
    for rest in (shown[1:], shown[2:], shown[:1]):
        left = {model: of_all[model] for model in rest}
        assert _scale(reliability_curve(_reliable(rest), models=shown).to_dict(), "color") == left
        assert _scale(what_remains(_remaining(rest), reference="A", models=shown).to_dict(), "color") == left


def test_six_models_have_six_dashings() -> None:
    table = pd.DataFrame([{"model": m, "threshold": 0.5, "measure": "F1", "value": 0.5} for m in MODELS])
    dashes = _scale(by_threshold(table, table[["model", "threshold"]]).to_dict(), "strokeDash")
    assert list(dashes) == MODELS
    assert len(set(dashes.values())) == len(MODELS)


def test_the_legend_of_six_models_takes_nothing_from_the_curves() -> None:
    def heights(models: list[str]) -> list[float]:
        curves = pd.DataFrame([{"model": m, "threshold": 0.5, "measure": "F1", "value": 0.5} for m in models])
        charts = (by_threshold(curves, curves[["model", "threshold"]]), reliability_curve(_reliable(models)))
        return [float(chart.to_dict()["height"]) for chart in charts]

    (one_below_other, in_two_columns), six = heights(MODELS[:1]), heights(MODELS)
    assert six[0] - one_below_other == 5 * ROW
    assert six[1] - in_two_columns == 2 * ROW
    assert heights(MODELS[:2])[1] == in_two_columns


@pytest.mark.parametrize("ground", ["#FCFCFA", "#10181D"])
def test_lines_of_measures_reach_a_contrast_of_three_to_one_on_light_and_dark(ground: str) -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    for colour in COLOURS:
        light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, colour
