"""Codes of diagnoses as HAM10000 and the ISIC challenges write them, and what they stand for."""

from __future__ import annotations

from collections.abc import Sequence

NAMES = {
    "MEL": "melanoma",
    "NV": "melanocytic nevus",
    "BCC": "basal cell carcinoma",
    "AK": "actinic keratosis",
    "AKIEC": "actinic keratosis or intraepithelial carcinoma",
    "BKL": "benign keratosis",
    "DF": "dermatofibroma",
    "VASC": "vascular lesion",
    "SCC": "squamous cell carcinoma",
    "UNK": "none of the others",
}
"""Tschandl et al., Scientific Data 2018 (HAM10000); ISIC 2018 task 3 and ISIC 2019."""


def spelled_out(codes: Sequence[str]) -> str:
    """Return ``MEL melanoma, NV melanocytic nevus, ...`` for the codes that are known, or an empty text."""
    return ", ".join(f"{code} {NAMES[code.upper()]}" for code in codes if code.upper() in NAMES)
