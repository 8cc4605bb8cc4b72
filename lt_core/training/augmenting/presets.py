"""What may be changed in an image of each kind without changing its labels: ranges, with reasons and sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lt_core.problems import Invalid, Unknown

Padding = Literal["border", "reflection", "zeros"]
Range = tuple[float, float]


@dataclass(frozen=True)
class AugmentPreset:
    """Ranges that every image draws its own parameters from, uniformly; the defaults change nothing.

    ``rotation`` degrees either way, ``translation`` a share of width and height either way, ``scale`` a factor of size
    (log-uniform), ``flip_horizontal`` and ``flip_vertical`` probabilities; ``brightness``, ``contrast`` and
    ``saturation`` factors as torchvision's ``adjust_*`` (contrast about the mean grey of the image), ``hue`` a share of
    the colour circle either way; ``blur`` the deviation in pixels for ``blur_share`` of the images. Saturation and hue
    leave one-channel images as they are. ``padding`` is what comes in from outside.

    ``why`` and ``source`` give the reason; ``breaks`` names the labels for which the preset is wrong.
    Raises ``Invalid`` for a range that is none.
    """

    key: str
    title: str
    why: str
    breaks: str = ""
    source: str = ""
    link: str = ""
    rotation: float = 0.0
    translation: float = 0.0
    scale: Range = (1.0, 1.0)
    flip_horizontal: float = 0.0
    flip_vertical: float = 0.0
    brightness: Range = (1.0, 1.0)
    contrast: Range = (1.0, 1.0)
    saturation: Range = (1.0, 1.0)
    hue: float = 0.0
    blur: Range = (0.0, 0.0)
    blur_share: float = 0.0
    padding: Padding = "border"

    def __post_init__(self) -> None:
        for name in ("scale", "brightness", "contrast", "saturation", "blur"):
            low, high = getattr(self, name)
            if not 0 <= low <= high or (name == "scale" and low == 0):
                raise Invalid(f"{self.key}.{name} must be two numbers, 0 < low <= high, got {low:g} and {high:g}")
        tops = {"rotation": 180.0, "translation": 1.0, "flip_horizontal": 1.0, "flip_vertical": 1.0, "hue": 0.5}
        for name, top in {**tops, "blur_share": 1.0}.items():
            value = getattr(self, name)
            if not 0 <= value <= top:
                raise Invalid(f"{self.key}.{name} must be in [0, {top:g}], got {value:g}")
        if self.padding not in ("border", "reflection", "zeros"):
            raise Invalid(f"{self.key}.padding must be border, reflection or zeros, got {self.padding!r}")

    @property
    def moves(self) -> bool:
        """Whether pixels change place."""
        still = (self.rotation, self.translation, self.flip_horizontal, self.flip_vertical) == (0, 0, 0, 0)
        return not still or self.scale != (1.0, 1.0)

    @property
    def changes_nothing(self) -> bool:
        """Whether images come out as they went in, bit for bit."""
        factors = (self.brightness, self.contrast, self.saturation)
        return not self.moves and factors == ((1.0, 1.0),) * 3 and not self.hue and not self.blur_share


PRESETS: dict[str, AugmentPreset] = {
    preset.key: preset
    for preset in (
        AugmentPreset("none", "None", "Images as they are, the same in every epoch."),
        AugmentPreset(
            "radiograph",
            "Chest radiograph",
            why="A patient is never placed twice alike and exposure differs: small rotations, shifts, sizes, brightness"
            " and contrast. Not flipped: the heart has a side, and a mirrored chest is another diagnosis (dextrocardia,"
            " situs inversus). Small, because 17 networks did better without the geometric changes of four earlier"
            " papers, flips among them (Elgendi et al.). The edge is continued, as most films end in black or in the"
            " patient.",
            breaks="labels that are about exposure, rotation or position of the patient (image quality, AP or PA view)",
            source="Elgendi et al., The effectiveness of image augmentation in deep learning networks for detecting "
            "COVID-19: a geometric transformation perspective, Frontiers in Medicine 8:629134, 2021; "
            "the ranges are ours, within those it reviews",
            link="https://doi.org/10.3389/fmed.2021.629134",
            rotation=8.0,
            translation=0.05,
            scale=(0.9, 1.1),
            brightness=(0.85, 1.15),
            contrast=(0.8, 1.25),
            padding="border",
        ),
        AugmentPreset(
            "dermoscopy",
            "Dermoscopy",
            why="The instrument may be held at any angle, so every rotation and mirror image of a lesion is as likely; "
            "light and skin tone differ, the hue only a little, as colour is a criterion (blue-white veil, red "
            "vessels). Skin goes on beyond the edge, so it is mirrored there.",
            breaks="labels that are about colour itself or about the side of the body",
            source="Esteva et al., Dermatologist-level classification of skin cancer with deep neural networks, Nature"
            " 542, 2017 (rotations by 0 to 359 degrees, flips); Perez et al., Data augmentation for skin lesion"
            " analysis, 2018 (colour and size); the ranges are ours, near theirs",
            link="https://arxiv.org/abs/1809.01442",
            rotation=180.0,
            translation=0.05,
            scale=(0.8, 1.2),
            flip_horizontal=0.5,
            flip_vertical=0.5,
            brightness=(0.8, 1.2),
            contrast=(0.8, 1.2),
            saturation=(0.8, 1.2),
            hue=0.02,
            padding="reflection",
        ),
        AugmentPreset(
            "fundus",
            "Fundus photograph",
            why="A mirrored left eye is a right eye, so left and right are swapped; never top and bottom, which differ "
            "in both eyes alike (the rim of the optic disc is thickest below). The camera turns and the light changes "
            "from visit to visit, and many photographs are a little out of focus. Outside the disc of the picture all "
            "is black, so the edge is continued.",
            breaks="labels that name the eye (left, right, nasal, temporal) or the quality of the picture",
            source="Liu et al., DeepDRiD: diabetic retinopathy grading and image quality estimation challenge, Patterns"
            " 3:100512, 2022 (table 5: the best teams mirrored and turned by up to 20 or 30 degrees); the ISNT rule of"
            " the optic disc: Jonas et al., 1988; the ranges are ours",
            link="https://doi.org/10.1016/j.patter.2022.100512",
            rotation=15.0,
            translation=0.03,
            scale=(0.9, 1.1),
            flip_horizontal=0.5,
            brightness=(0.8, 1.2),
            contrast=(0.8, 1.2),
            saturation=(0.9, 1.1),
            blur=(0.1, 1.0),
            blur_share=0.2,
            padding="border",
        ),
    )
}


def preset_of(key: str) -> AugmentPreset:
    """Return the preset called ``key``, or raise ``Unknown``."""
    if key not in PRESETS:
        raise Unknown.of("augmentation", key, list(PRESETS))
    return PRESETS[key]
