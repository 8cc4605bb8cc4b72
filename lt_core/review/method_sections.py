"""The chapters of a report about purpose, data, model, training and the way of evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lt_core.evaluation.result_table import TITLES
from lt_core.evaluation.thresholds import in_words
from lt_core.review.material import STATEMENTS, Material, loss_of
from lt_core.review.mathml import mathml
from lt_core.review.page import Markup, Section, bullets, facts, link, paragraph, side_by_side, table, text
from lt_core.review.tables import methods_of, thresholds_known, thresholds_said

MAIN = ("model", "loss", "sampler", "epochs", "batch_size", "learning_rate", "optimizer", "schedule", "augment", "seed")
SHOWN_OF_CARD = ("key", "title", "synthetic", "parts", "kind", "shape", "class_names", "groups", "positives_per_class",
                 "n_train", "group_scheme")  # fmt: skip
"""What is said of training data; the rest of a card, such as the speed that a probe found, is of one run."""
GROUP_RULE = "Head, medium and tail are told apart by the counts of the training images; the rule is {rule}."


def stated(material: Material, *names: str) -> dict[str, Any]:
    """Return what people said, by its title; None where they did not."""
    return {STATEMENTS[name]: material.said.get(name) for name in names}


def purpose(material: Material) -> Section:
    """What the model is for, and what it is not for."""
    used = paragraph(
        "Made to measure how a model finds each of its classes, the rare ones above all. This report is of a research "
        "and teaching tool: the model has not been validated for patients, and no decision about one may rest on it."
    )
    return Section("purpose", "Purpose", used + facts(stated(material, "purpose", "design")))


def data(material: Material) -> Section:
    """Where the images are from, how they are divided, what the truth is, and how many there are of each class."""
    parts = [facts(stated(material, "source", "eligibility", "de_identification", "ground_truth", "annotators"))]
    for names in _alike(material):
        title = "Training data" if names == list(material.models) else f"Training data of {', '.join(names)}"
        parts.append(_card(material, names, title))
    parts.append(_evaluated(material))
    return Section("data", "Data", "".join(parts))


def _alike(material: Material) -> list[list[str]]:
    """Return the models whose training data are known, those trained on the same ones together."""
    found: list[tuple[Any, list[str]]] = []
    for name in material.models:
        card, config = material.card(name), material.config(name)
        data_of = ([card.get(key) for key in SHOWN_OF_CARD], config.get("data"), config.get("split_method"))
        names = next((names for known, names in found if known == data_of), None)
        if names is not None:
            names.append(name)
        elif card:
            found.append((data_of, [name]))
    return [names for _, names in found]


def _card(material: Material, names: list[str], title: str) -> str:
    card, config = material.card(names[0]), material.config(names[0])
    seeds = ", ".join(dict.fromkeys(str(material.config(name).get("seed")) for name in names))
    source = config.get("data", {})
    sizes = {part: int(n) for part, n in dict(card.get("parts", {})).items()}
    shape = card.get("shape")
    values = {
        "Data set": card.get("title") or card.get("key"),
        "Synthetic": "yes, every image is drawn by a program" if card.get("synthetic") else "no",
        "Source": source.get("name"),
        "Options of the source": source.get("options") or "none",
        "Parts": {part: f"{n:,} images" for part, n in sizes.items()} or None,
        "How parts were assigned": f"{config['split_method']}, seed {seeds}, where the source has none"
        if "split_method" in config
        else None,
        "Labels": {"multi": "any number of classes an image", "single": "one class an image"}.get(
            str(card.get("kind"))
        ),
        "Input": " × ".join(map(str, shape)) + " (height, width, channels)" if shape else None,
        "Sample size": material.said.get("sample_size"),
    }
    return f"<h3>{text(title)}</h3>\n{facts(values)}{_counts(card, title)}"


def _counts(card: Mapping[str, Any], title: str) -> str:
    names, counts = card.get("class_names", ()), card.get("positives_per_class", ())
    groups = card.get("groups") or [""] * len(names)
    n = card.get("n_train")
    rows = sorted(zip(names, groups, counts, strict=False), key=lambda row: -row[2])
    shares = [
        [name, group or None, f"{count:,}", f"{100 * count / n:.2f} %" if n else None] for name, group, count in rows
    ]
    said = f"Positives of each class among {n:,} training images. " if n else "Positives of each class in training. "
    rule = GROUP_RULE.format(rule=card.get("group_scheme", "not stated"))
    return table(
        ["Class", "Group", "n positive", "Share"], [shares], said + rule, numbers_from=2, name=f"Counts: {title}"
    )


def _evaluated(material: Material) -> str:
    values = {name: _images_of(material, name) for name in material.models}
    return f"<h3>Evaluated images</h3>\n{side_by_side(values, 'The images that the models are evaluated on.')}"


def _images_of(material: Material, name: str) -> dict[str, Any]:
    found, of = material.models[name], material.of(name)
    known, cells = int(found.classes["n_known"].sum()), found.n * len(found.classes)
    values = {
        "Part": found.part or "all images of the file",
        "Images": found.n,
        "Patients": found.n_patients or "not known: every image counts as a patient of its own",
        "Classes": len(found.classes),
        "Labels that are unknown": f"{cells - known:,} of {cells:,}",
    }
    if "predictions" in of:
        values |= {"Predictions": of.get("predictions"), "Truth": of.get("truth")}
        values["Head, medium, tail"] = of.get("groups")
    return values


def model(material: Material) -> Section:
    """Network, head and where its first weights are from."""
    values = {name: _network(material, name) for name in material.models}
    return Section("model", "Model", side_by_side(values, "What the models are."))


def _network(material: Material, name: str) -> dict[str, Any]:
    from lt_core.training.domains import reported_by

    config, epoch = material.config(name), material.of(name).get("epoch")
    known = "trained on photographs (timm's own)" if config.get("pretrained") else "random"
    reported = f"epoch {epoch}, {reported_by(str(config.get('select')), str(config.get('metric')))}"
    outputs = {"sigmoid": "a probability for each class (sigmoid)", "softmax": "one class (softmax)"}
    return {
        "Network": config.get("model"),
        "Head": config.get("head"),
        "First weights": (config.get("weights") or known) if config else None,
        "Output": outputs.get(str(material.card(name).get("link"))),
        "Reported weights": reported if epoch else None,
    }


def training(material: Material) -> Section:
    """Loss, settings and seeds of each model, and the command that does it again."""
    trained = material.trained
    if not trained:
        return Section("training", "Training", paragraph(None) + paragraph("The predictions are from a file."))
    rows = [[name.replace("_", " "), *(material.config(model).get(name) for model in trained)] for name in MAIN]
    rows += [
        ["device", *(material.of(name).get("device") for name in trained)],
        ["seconds", *(round(s) if (s := material.of(name).get("seconds")) else None for name in trained)],
    ]
    head = ["Setting", *(trained if len(trained) > 1 else ["Value"])]
    parts = [
        table(head, [rows], "The main settings; all of them are at the end.", numbers_from=9, name="Main settings")
    ]
    keys = dict.fromkeys(str(material.config(name).get("loss")) for name in trained)
    for key in keys:
        users = [name for name in trained if str(material.config(name).get("loss")) == key]
        parts.append(_loss(material, users))
    untold = [name for name in material.models if name not in trained]
    if untold:
        parts.append(paragraph(f"How {', '.join(untold)} was trained is not stated: the predictions are from a file."))
    return Section("training", "Training", "".join(parts))


def _loss(material: Material, users: list[str]) -> str:
    config = material.config(users[0])
    spec = loss_of(config)
    if spec is None:
        return f"<h3>Loss {text(config.get('loss'))}</h3>\n{paragraph('Its declaration is not in this installation.')}"
    formula = mathml(spec.formula)
    drawn = (
        f'<div class="formula">{formula}</div>\n'
        if formula
        else paragraph(Markup(f"<code>{text(spec.formula)}</code>"))
    )
    values: dict[str, Any] = {}
    for name in users:
        given = {**spec.defaults, **material.config(name).get("loss_values", {})}
        values["Hyper-parameters" if len(users) == 1 else f"Hyper-parameters of {name}"] = given or "none"
    reduction = config.get("reduction")
    values |= {
        "Reduction": f"the authors': {spec.reduction_text}" if reduction == "authors" else reduction,
        "Published in": link(spec.paper.url, str(spec.paper)),
        "Ours, not the paper's": spec.extension or "nothing",
    }
    return f"<h3>Loss: {text(spec.title)}</h3>\n{paragraph(spec.what)}{drawn}{facts(values)}"


def evaluation(material: Material) -> Section:
    """What is measured, how sure it is, and at which thresholds."""
    found = material.first
    shown = [name for name in TITLES if name in found.classes]
    draws = f"{found.draws:,} draws, seed {found.seed}" if found.draws else "no draws: intervals in closed form only"
    one = len(material.models) == 1
    thresholds = {
        "Thresholds" if one else f"Thresholds of {name}": _thresholds(material, name) for name in material.models
    }
    probabilities = {
        "Probabilities" if one else f"Probabilities of {name}": material.probabilities[name]
        for name in material.models if name in material.probabilities
    }  # fmt: skip
    values = {
        "Intervals": "95 %, two-sided",
        "Bootstrap": draws,
        "Unit of resampling": "image" if found.n_patients in (None, found.n) else "patient, with all images",
        **probabilities,
        **thresholds,
        "F-beta": f"beta = {found.beta:g}",
        "Means over classes": "plain means over the classes where the metric is defined",
        "0/0": "not defined, and left out of means",
        "Robustness": f"slices by {', '.join(material.sliced_by)}, see Results" if material.sliced_by else None,
        "Test on external data": material.said.get("external"),
    }
    methods = [[", ".join(titles), way] for way, titles in methods_of(found, shown).items()]
    listed = table(
        ["Metric", "Interval"],
        [methods],
        "How the interval of each metric was made, for classes.",
        numbers_from=9,
        name="Interval methods",
    )
    return Section("evaluation", "Evaluation", facts(values) + listed + _notes(material))


def _thresholds(material: Material, name: str) -> str:
    said = thresholds_said(material.models[name])
    told = material.thresholds.get(name)
    if not told:
        if not thresholds_known(material.models[name]):
            return f"{said}; where they were set is not stated"
        return f"{said}; not tuned" if "every class" in said else said
    if told.get("by_hand"):
        where = f"the {told['set_on']} part" if told.get("set_on") else "these images"
        return f"{said}; {told['by_hand']}, on {where} with its numbers in view, which flatters by an unknown amount"
    target = f" {told['target']:g}" if told.get("target") is not None else ""
    where = told.get("tuned_on") or "an unnamed part"
    each = "for each class" if told.get("per_class") else "one for all classes"
    method = str(told.get("method"))
    meant = f" ({in_words(method, None)})" if method in ("prior", "prevalence") else ""
    return f"{said}; tuned by {method}{target}{meant}, {each}, on {where}"


def _notes(material: Material) -> str:
    notes = [
        note if len(material.models) == 1 else f"{name}: {note}"
        for name, found in material.models.items()
        for note in dict.fromkeys([*found.notes, *material.thresholds.get(name, {}).get("notes", ())])
    ]
    return f"<h3>Notes on reading the predictions</h3>\n{bullets(notes)}" if notes else ""
