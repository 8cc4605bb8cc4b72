"""Why does the model say that: Grad-CAM maps, and how they are drawn."""

from __future__ import annotations

from lt_core.explain.borrowing import model_lock
from lt_core.explain.cam import METHODS, CamResult, grad_cam
from lt_core.explain.colours import colour_scale
from lt_core.explain.layers import Layer, choose_layer, target_layers
from lt_core.explain.localisation import Localisation, localisation
from lt_core.explain.of_run import Explanation, dataset_of_run, explain_run, explain_to_file, place_of
from lt_core.explain.pictures import outline, outlined, overlay
from lt_core.explain.sheet import colour_bar, save_overlay

__all__ = [
    "METHODS",
    "CamResult",
    "Explanation",
    "Layer",
    "Localisation",
    "choose_layer",
    "colour_bar",
    "colour_scale",
    "dataset_of_run",
    "explain_run",
    "explain_to_file",
    "grad_cam",
    "localisation",
    "model_lock",
    "outline",
    "outlined",
    "overlay",
    "place_of",
    "save_overlay",
    "target_layers",
]
