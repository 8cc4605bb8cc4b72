"""Why does the model say that: class activation maps, how they are drawn, and how far they can be trusted."""

from __future__ import annotations

from lt_core.explain.batches import CamBatch, cam_batch, cam_classes, enlarge
from lt_core.explain.borrowing import model_lock
from lt_core.explain.cam import CamResult, grad_cam, results_of
from lt_core.explain.colours import colour_scale
from lt_core.explain.faithfulness import Curve, deletion, insertion
from lt_core.explain.layers import Layer, choose_layer, target_layers
from lt_core.explain.localisation import Localisation, Placed, iou_curve, localisation, placed
from lt_core.explain.localisation_table import localisation_differences, localisation_table
from lt_core.explain.map_files import Mapped, save_maps
from lt_core.explain.methods import CamMethod, all_methods, method_of
from lt_core.explain.of_run import Explanation, dataset_of_run, explain_run, explain_to_file, place_of, row_of
from lt_core.explain.of_runs import Pictured, each_of, explain_runs, pick_layers
from lt_core.explain.over_split import Progress, localise_run, localising
from lt_core.explain.pictures import outline, outlined, overlay
from lt_core.explain.reshaping import laid_out, pick_layer, suggested
from lt_core.explain.road import Road, imputed, road
from lt_core.explain.sanity import Randomised, rank_correlation, sanity, ssim
from lt_core.explain.scale import SCALES, common_max, on_scale
from lt_core.explain.sheet import colour_bar, save_overlay
from lt_core.explain.trust import NETWORKS, RANDOM_MAPS, Needed, Untrained, needed, untrained

__all__ = [
    "NETWORKS",
    "RANDOM_MAPS",
    "SCALES",
    "CamBatch",
    "CamMethod",
    "CamResult",
    "Curve",
    "Explanation",
    "Layer",
    "Localisation",
    "Mapped",
    "Needed",
    "Pictured",
    "Placed",
    "Progress",
    "Randomised",
    "Road",
    "Untrained",
    "all_methods",
    "cam_batch",
    "cam_classes",
    "choose_layer",
    "colour_bar",
    "colour_scale",
    "common_max",
    "dataset_of_run",
    "deletion",
    "each_of",
    "enlarge",
    "explain_run",
    "explain_runs",
    "explain_to_file",
    "grad_cam",
    "imputed",
    "insertion",
    "iou_curve",
    "laid_out",
    "localisation",
    "localisation_differences",
    "localisation_table",
    "localise_run",
    "localising",
    "method_of",
    "model_lock",
    "needed",
    "on_scale",
    "outline",
    "outlined",
    "overlay",
    "pick_layer",
    "pick_layers",
    "place_of",
    "placed",
    "rank_correlation",
    "results_of",
    "road",
    "row_of",
    "sanity",
    "save_maps",
    "save_overlay",
    "ssim",
    "suggested",
    "target_layers",
    "untrained",
]
