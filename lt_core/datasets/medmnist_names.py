"""Class names of the MedMNIST sets (Yang et al., Scientific Data 2023), which their files do not hold."""

from __future__ import annotations

import re

_ORGANS = (
    "bladder", "femur, left", "femur, right", "heart", "kidney, left", "kidney, right", "liver", "lung, left",
    "lung, right", "pancreas", "spleen",
)  # fmt: skip
_NAMES: dict[str, tuple[str, ...]] = {
    "pathmnist": (
        "adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle", "normal colon mucosa",
        "cancer-associated stroma", "colorectal adenocarcinoma epithelium",
    ),
    "chestmnist": (
        "atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia", "pneumothorax",
        "consolidation", "edema", "emphysema", "fibrosis", "pleural thickening", "hernia",
    ),
    "dermamnist": (
        "actinic keratoses", "basal cell carcinoma", "benign keratosis", "dermatofibroma", "melanoma",
        "melanocytic nevi", "vascular lesions",
    ),
    "octmnist": ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    "pneumoniamnist": ("normal", "pneumonia"),
    "retinamnist": ("grade 0", "grade 1", "grade 2", "grade 3", "grade 4"),
    "breastmnist": ("malignant", "normal or benign"),
    "bloodmnist": (
        "basophil", "eosinophil", "erythroblast", "immature granulocytes", "lymphocyte", "monocyte", "neutrophil",
        "platelet",
    ),
    "tissuemnist": (
        "collecting duct, connecting tubule", "distal convoluted tubule", "glomerular endothelial cells",
        "interstitial endothelial cells", "leukocytes", "podocytes", "proximal tubule segments", "thick ascending limb",
    ),
    "organamnist": _ORGANS,
    "organcmnist": _ORGANS,
    "organsmnist": _ORGANS,
    "organmnist3d": (
        "liver", "kidney, right", "kidney, left", "femur, right", "femur, left", "bladder", "heart", "lung, right",
        "lung, left", "spleen", "pancreas",
    ),
    "nodulemnist3d": ("benign", "malignant"),
    "adrenalmnist3d": ("normal", "hyperplasia"),
    "fracturemnist3d": ("buckle rib fracture", "nondisplaced rib fracture", "displaced rib fracture"),
    "vesselmnist3d": ("vessel", "aneurysm"),
    "synapsemnist3d": ("inhibitory synapse", "excitatory synapse"),
}  # fmt: skip


def names_for(stem: str) -> tuple[str, ...]:
    """Return the class names of the set a file is named after (``dermamnist_64``), in label order, or ()."""
    return _NAMES.get(set_of(stem), ())


def set_of(stem: str) -> str:
    """Return the name of the set a file is named after, without its size and without the mark of a second copy."""
    return re.sub(r"_(28|64|128|224)$", "", re.sub(r"( ?\(\d+\)|[ _-]copy)$", "", stem.lower().strip()))
