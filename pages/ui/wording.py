"""Sentences of the core as the page says them: its boxes, where the command line has flags."""

from __future__ import annotations

import re

BOXES = {
    "images": "Image folder", "labels": "Label columns", "reader": "Reader", "scale": "The numbers are",
    "truth": "Truth", "id": "Column that names the images", "truth-id": "Column of the truth that names its images",
    "alias": "Names that differ", "validation": "Predictions on validation images",
}  # fmt: skip
"""Flags of the command line, and the boxes that stand for them under "Choose a data set", in the File view and where
predictions are given."""
_FLAG = f"--({'|'.join(BOXES)})(?![-\\w])"
_SAID = (
    (r"--(scale) (\w+)", r'"\2" under "{}"'),
    (r"--(alias) (.+?=\S+)", r'\2 under "{}"'),
    (rf"leave {_FLAG} out", 'leave "{}" empty'),
    (rf"\({_FLAG}\)", '("{}")'),
    (rf"\bwith {_FLAG}", 'under "{}"'),
    (_FLAG, '"{}"'),
)
_OPTION = re.compile(r", as in --option \w+=\S+")


def on_page(sentence: object) -> str:
    """Return a warning or the sentence of a ``Problem`` with the names of the page's boxes instead of flags."""
    said = _OPTION.sub("", str(sentence))
    for pattern, words in _SAID:
        said = re.sub(pattern, lambda found, words=words: found.expand(words).format(BOXES[found[1]]), said)
    return said.replace("--bad-images leave-out", '"Images that cannot be read" under *More settings*')
