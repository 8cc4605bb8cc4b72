"""What every measure means, in a plain sentence, a formula and a source: shown on hover and listed in the docs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["count", "share", "number"]

_MEASURES = "Charte et al., Addressing imbalance in multilabel classification, Neurocomputing 163, 2015"
_SCUMBLE = (
    "Charte et al., Concurrence among imbalanced labels, HAIS 2014, and Dealing with difficult minority labels, "
    "Neurocomputing 326-327, 2019"
)
_TCS = "Charte et al., On the impact of dataset complexity and sampling strategy, HAIS 2016"
_TSOUMAKAS = "Tsoumakas and Katakis, Multi-label classification: an overview, IJDWM 2007"
_MLDR = "Charte and Charte, Working with multilabel datasets in R: the mldr package, The R Journal 7(2), 2015"
_CUI = "Cui et al., Class-balanced loss based on effective number of samples, CVPR 2019"
_OURS = "count"


@dataclass(frozen=True)
class Definition:
    """One measure: its name, what it says, its formula in LaTeX, and where it comes from.

    ``kind`` says how the value reads: a count, a share in [0, 1], or a number of its own scale.
    """

    name: str
    text: str
    formula: str
    source: str
    kind: Kind = "number"

    def __str__(self) -> str:
        return f"{self.text}\n\n${self.formula}$\n\n{self.source}"


OF_SET: dict[str, Definition] = {
    "n_samples": Definition("images", "Images, or rows of labels.", "N", _OURS, "count"),
    "n_classes": Definition("classes", "Classes a label can name.", "C", _OURS, "count"),
    "unknown": Definition(
        "unknown labels",
        "Cells of the table (image by class) of which nothing is known: neither positive nor negative.",
        r"|\{(i,c): y_{ic}\ \text{unknown}\}|", _OURS, "count",
    ),
    "uncertain": Definition(
        "uncertain labels",
        "Cells that the source itself marks as uncertain, whatever label was then made of them.",
        r"|\{(i,c): y_{ic} = -1\}|", _OURS, "count",
    ),
    "imbalance_ratio": Definition(
        "imbalance ratio",
        "Positives of the most frequent class over positives of the rarest class that has any.",
        r"\max_c n_c / \min_{c: n_c>0} n_c", _CUI,
    ),
    "mean_ir": Definition(
        "MeanIR",
        "Mean of IRLbl over the classes that have a positive: how much rarer than the most frequent class a class is "
        "on average.",
        r"\frac{1}{C}\sum_c \mathrm{IRLbl}_c", _MEASURES,
    ),
    "cvir": Definition(
        "CVIR",
        "Coefficient of variation of IRLbl: how differently rare the classes are. The standard deviation is the "
        "sample's (C - 1), over the classes that have a positive.",
        r"\mathrm{sd}(\mathrm{IRLbl})/\mathrm{MeanIR}", _MEASURES,
    ),
    "gini": Definition(
        "Gini coefficient",
        "How unequally the positives are shared out among all classes. 0: every class has as many; close to 1: one "
        "class has nearly all.",
        r"\frac{\sum_{c,d}|n_c-n_d|}{2C\sum_c n_c}", "Gini, Variabilità e mutabilità, 1912",
    ),
    "entropy": Definition(
        "entropy",
        "Shannon entropy, in bits, of which class a positive belongs to. 0: all in one class.",
        r"-\sum_c q_c \log_2 q_c,\ q_c = n_c/\textstyle\sum_d n_d", "Shannon, BSTJ 1948",
    ),
    "normalised_entropy": Definition(
        "normalised entropy",
        "Entropy over the largest it can be with so many classes. 1: every class has as many positives.",
        r"-\sum_c q_c \log_2 q_c / \log_2 C", "Shannon, BSTJ 1948",
    ),
    "scumble": Definition(
        "SCUMBLE",
        "How far frequent and rare classes share images, from 0 to below 1: the mean over images of one minus the "
        "geometric over the arithmetic mean of the IRLbl of the labels an image has. Images with no label or one "
        "label have 0 and count in the mean. Above about 0.1, resampling whole images helps rare classes little.",
        r"\frac{1}{N}\sum_i \Big[1-\frac{(\prod_{c\in Y_i}\mathrm{IRLbl}_c)^{1/|Y_i|}}"
        r"{\frac{1}{|Y_i|}\sum_{c\in Y_i}\mathrm{IRLbl}_c}\Big]", _SCUMBLE,
    ),
    "scumble_cv": Definition(
        "SCUMBLE CV",
        "Coefficient of variation of SCUMBLE over images (sample standard deviation): large where few images carry "
        "nearly all of it.",
        r"\mathrm{sd}_i(\mathrm{SCUMBLE}_i)/\mathrm{SCUMBLE}", _SCUMBLE,
    ),
    "tcs": Definition(
        "TCS",
        "Theoretical complexity score: natural log of inputs times classes times label sets. Not defined where the "
        "number of inputs is not the same for every image.",
        r"\ln(f\, C\, |S|)", _TCS,
    ),
    "cardinality": Definition(
        "cardinality", "Known positives per image, on average.", r"\frac{1}{N}\sum_i |Y_i|", _TSOUMAKAS
    ),
    "density": Definition(
        "density", "Cardinality over the number of classes.", r"\frac{1}{NC}\sum_i |Y_i|", _TSOUMAKAS, "share"
    ),
    "n_without_label": Definition(
        "without a finding",
        "Images of which something is known, and none of it positive.",
        r"|\{i: Y_i=\emptyset\}|", _OURS, "count",
    ),
    "n_multi_label": Definition(
        "with two or more", "Images with at least two classes.", r"|\{i: |Y_i|\ge 2\}|", _OURS, "count"
    ),
    "max_labels": Definition(
        "most on one image", "Largest number of classes of one image.", r"\max_i |Y_i|", _OURS, "count"
    ),
    "n_label_sets": Definition(
        "label sets",
        "Distinct combinations of classes; no class at all counts as one.",
        r"|S|,\ S=\{Y_i\}", _TSOUMAKAS, "count",
    ),
    "n_unique_sets": Definition(
        "label sets seen once", "Label sets of exactly one image.", r"|\{s\in S: n_s=1\}|", _MLDR, "count"
    ),
    "unique_share": Definition(
        "images with a label set of their own",
        "Share of the images (with a label set) whose label set no other image has.",
        r"|\{s\in S: n_s=1\}|/N", _OURS, "share",
    ),
    "max_set": Definition(
        "most frequent label set", "Images with the most frequent label set.", r"\max_s n_s", _MLDR, "count"
    ),
    "tail_only": Definition(
        "images with tail classes only",
        "Share of the images with at least one class, all of whose classes are in the tail: only they add rare "
        "classes without adding frequent ones.",
        r"|\{i: \emptyset\ne Y_i\subseteq \text{tail}\}|/|\{i: Y_i\ne\emptyset\}|", _OURS, "share",
    ),
    "below_10": Definition(
        "classes with fewer than 10",
        "Classes with fewer than 10 positives: too few to measure, whatever the model.",
        r"|\{c: n_c<10\}|", _OURS, "count",
    ),
    "below_100": Definition(
        "classes with fewer than 100", "Classes with fewer than 100 positives.", r"|\{c: n_c<100\}|", _OURS, "count"
    ),
}  # fmt: skip
"""The measures of a whole data set, in the order they are shown."""

OF_CLASS: dict[str, Definition] = {
    "positives": Definition("positives", "Images with the class.", "n_c", _OURS, "count"),
    "negatives": Definition("negatives", "Images known not to have the class.", "", _OURS, "count"),
    "unknown": Definition("unknown", "Images of which this label is not known.", "", _OURS, "count"),
    "uncertain": Definition("uncertain", "Images the source marks as uncertain for the class.", "", _OURS, "count"),
    "prevalence": Definition(
        "prevalence",
        "Positives over images of which the label is known.",
        r"n_c/N_c", _OURS, "share",
    ),
    "prevalence_low": Definition(
        "from", "Lower end of Wilson's 95 % interval of the prevalence.", "", "Wilson, JASA 1927", "share"
    ),
    "prevalence_high": Definition(
        "to", "Upper end of Wilson's 95 % interval of the prevalence.", "", "Wilson, JASA 1927", "share"
    ),
    "group": Definition("group", "Head, medium or tail, by the training counts.", "", "the grouping in force"),
    "irlbl": Definition(
        "IRLbl",
        "Positives of the most frequent class over positives of this class: 1 for the most frequent one.",
        r"\max_d n_d / n_c", _MEASURES,
    ),
    "scumble": Definition(
        "SCUMBLE",
        "Mean SCUMBLE of the images with the class: how much it appears among much rarer or more frequent classes.",
        r"\frac{1}{n_c}\sum_{i: c\in Y_i}\mathrm{SCUMBLE}_i", _SCUMBLE,
    ),
    "effective_number": Definition(
        "effective number",
        "How many images the class is worth where images repeat one another, with beta 0.9999.",
        r"(1-\beta^{n_c})/(1-\beta)", _CUI,
    ),
}  # fmt: skip
"""The columns of the table of classes."""
