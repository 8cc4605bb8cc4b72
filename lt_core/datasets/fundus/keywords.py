"""Diagnostic keywords of ODIR-5K and the class each belongs to.

The challenge (https://odir2019.grand-challenge.org) labels patients; the keywords are per eye. The table is ours, from
the meaning of the words. Words about the picture (dust on the lens, no view of the disc) are no finding.
"""

from __future__ import annotations

import re

CLASSES = {
    "D": "Diabetes", "G": "Glaucoma", "C": "Cataract", "A": "AMD", "H": "Hypertension", "M": "Myopia", "O": "Other",
}  # fmt: skip
"""Letter of the column: name of the class. ``N`` (normal) is the absence of findings and no class."""
NORMAL = "N"
_SEPARATORS = re.compile(r"[,，、;；]")
_SUSPECTED = re.compile(r"^(suspected|suspicious|suspect)\s+|\s+suspected$")
# The first pattern that is found decides; what is named more narrowly comes first.
_PATTERNS = (
    (NORMAL, r"normal fundus"),
    ("D", r"diabetic|proliferative retinopathy"),
    ("G", r"glaucoma"),
    ("C", r"cataract"),
    ("A", r"age-?related macular degeneration|\bamd\b"),
    ("H", r"hypertensive retinopathy|hypertension"),
    ("M", r"myopi"),
)  # fmt: skip
_PICTURE = re.compile(r"lens dust|low image quality|image offset|anterior segment image|no fundus image|"
                      r"photographically invisible|invisible")  # fmt: skip
_OTHER = re.compile(
    r"drusen|epiretinal|membrane|vitreous|vein occlusion|artery occlusion|retinitis|pigment|optic (nerve|disc|disk)|"
    r"disc|laser|photocoagulation|atrophy|macular|maculopathy|nerve fib(er|re)|refractive media|tessellated|spotted|"
    r"coloboma|wedge|retinal|retina|vasculitis|chorio|choroid|papill|fundus|hemorrhage|haemorrhage|exudat|"
    r"silicone|asteroid|uveitis|harada|keratopathy|neuropathy|edema|oedema|arteriosclerosis|vessel|scar"
)


def cut(cell: str) -> tuple[str, ...]:
    """Return the keywords of a cell in lower case, in order; commas of both widths separate."""
    return tuple(word for part in _SEPARATORS.split(cell) if (word := " ".join(part.lower().split())))


def class_of(keyword: str) -> str | None:
    """Return the letter of a keyword's class, ``N`` if normal, "" for a word about the picture, None if unknown."""
    word = _SUSPECTED.sub("", keyword)
    for letter, pattern in _PATTERNS:
        if re.search(pattern, word):
            return letter
    if _PICTURE.search(word):
        return ""
    return "O" if _OTHER.search(word) else None


def is_suspected(keyword: str) -> bool:
    """Return whether a keyword says that the finding is suspected only."""
    return _SUSPECTED.search(keyword) is not None
