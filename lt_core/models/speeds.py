"""How fast the shortlist's backbones are, as measured by ``python -m benchmarks.backbones``.

Measured on one core of an Intel Xeon at 2.5 GHz, PyTorch 2.14.0, timm 1.0.31, float32, one grey channel, by processor
time: 64 px with batches of 16, 224 px with ``--sizes 224 --batch 4 --rounds 2``. The default trained 200 images a
second at 64 px and 21 at 224 px there. On a GPU the order is another: measure there with ``--device cuda``.
"""

from __future__ import annotations

from typing import NamedTuple


class Speed(NamedTuple):
    """Images a second against the default backbone at the same size, the better of the two memory layouts.

    Training is forward, backward and AdamW; 64 and 224 are pixels. 0.2 means: takes five times as long. None is what
    nobody has measured. The default keeps finer maps than the others (output stride 8), which costs it at 224 px.
    """

    train_64: float
    infer_64: float
    train_224: float | None = None
    infer_224: float | None = None


SPEEDS = {
    "test_resnet": Speed(1.0, 1.0, 1.0, 1.0),
    "lcnet_050": Speed(0.918, 1.085, 1.411, 1.816),
    "mobilenetv3_small_050": Speed(0.721, 0.804, 1.455, 1.916),
    "resnet10t": Speed(0.352, 0.356, 0.402, 0.495),
    "resnet18": Speed(0.199, 0.225, 0.297, 0.328),
    "resnet34": Speed(0.125, 0.137, 0.148, 0.169),
    "resnet50": Speed(0.085, 0.094, 0.11, 0.107),
    "densenet121": Speed(0.127, 0.12, 0.129, 0.127),
    "mobilenetv3_large_100": Speed(0.301, 0.344, 0.488, 0.608),
    "efficientnet_b0": Speed(0.194, 0.224, 0.23, 0.282),
    "convnext_atto": Speed(0.319, 0.325, 0.397, 0.424),
    "convnext_nano": Speed(0.112, 0.123, 0.144, 0.147),
    "convnext_tiny": Speed(0.087, 0.099, 0.091, 0.109),
    "vit_tiny_patch16_224": Speed(0.334, 0.32, 0.344, 0.335),
    "vit_small_patch16_224": Speed(0.126, 0.12, 0.12, 0.116),
    "swin_tiny_patch4_window7_224": Speed(0.073, 0.051, 0.081, 0.073),
}
