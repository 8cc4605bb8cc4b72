"""The report: one file that loads and runs nothing, says every number, and invents nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from lt_core.cli import main
from lt_core.evaluation.reliability import reliability
from lt_core.evaluation.thresholds import tune
from lt_core.evaluation.uncertainty import Evaluation, compare, evaluate
from lt_core.evaluation.uncertainty.warned import by_sentence
from lt_core.problems import Unknown
from lt_core.review import STATEMENTS, model_card
from lt_core.review.closing_sections import TOPICS
from lt_core.review.page import link
from tests.review.conftest import GROUPS, NAMES, scored_of

Models = dict[str, Evaluation]
VOID = {"meta", "img", "br", "hr", "link", "input"}
CONFIG = {
    "data": {"name": "<i>set</i>", "options": {"k": "<u>"}}, "loss": "db", "loss_values": {"gamma": 1.5}, "seed": 42,
    "model": "resnet18", "epochs": 3, "reduction": "authors", "split_method": "iterative", "select": "best",
    "metric": "ap_macro",
}  # fmt: skip
CARD = {
    "title": "Set <b>", "kind": "multi", "synthetic": True, "class_names": list(NAMES), "groups": list(GROUPS),
    "positives_per_class": [400, 300, 50, 40, 2], "n_train": 1000, "parts": {"train": 1000, "test": 80},
    "shape": [64, 64, 1], "group_scheme": "relative", "link": "sigmoid",
}  # fmt: skip


class Page(HTMLParser):
    """What is in a page: tags with their attributes, and the text by the tag it stands in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.text[tag] = self.text.get(tag, "") + data


@pytest.fixture(scope="module")
def html(evaluations: Models) -> str:
    first, second = list(evaluations)
    return model_card(
        evaluations,
        about={first: {"run": "r", "config": CONFIG, "data": CARD, "epoch": 2}, second: {"predictions": "<s>.csv"}},
        comparison=compare(scored_of(0, title=first), scored_of(1, title=second), groups=GROUPS, draws=40),
        calibration={first: reliability(scored_of(0))},
        thresholds={first: tune(scored_of(3, part="val"), "f1").as_json() | {"tuned_on": "val"}},
        said={"limits": "</dd><script>alert(2)</script>"},
        versions={"torch": "1 <2>"},
        date="2020-02-02",
        command="python <x>",
    )


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_nothing_from_outside_is_markup(html: str, page: Page) -> None:
    assert not page.open, "every element is closed"
    assert not {tag for tag, _ in page.tags} & {"script", "img", "b", "i", "u", "s", "iframe", "object", "link"}
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert NAMES[1] in page.text["th"], "the name is there as text"


def test_the_third_model_is_called_c_in_its_comparison_too(evaluations: Models) -> None:
    one = next(iter(evaluations.values()))
    models = {f"{letter} · same name": one for letter in "ABC"}
    found = [compare(scored_of(0, title="same name"), scored_of(k, title="same name"), groups=GROUPS, draws=20)
             for k in (1, 2)]  # fmt: skip
    said = Page(model_card(models, comparison=found)).text
    for letter in "BC":
        assert said["h3"].count(f"F1: {letter} · same name against A · same name") == 1
        assert said["th"].count(f"{letter} minus A") == said["th"].count(f"Verdict on {letter}") == 1
        assert said["caption"].count(f"{letter} minus A on the same 80 images") == 1
        assert said["title"].count(f"Difference in F1, {letter} minus A") == 1


def test_models_trained_on_the_same_images_share_what_is_said_of_them(evaluations: Models) -> None:
    models = dict.fromkeys("ABC", next(iter(evaluations.values())))

    def said(**counts: int) -> tuple[list[str], str]:
        about = {
            name: {"config": CONFIG | {"seed": k}, "data": CARD | {"n_train": n, "logit_scale": k}}
            for k, (name, n) in enumerate(counts.items())
        }
        html = model_card(models, about=about)
        return re.findall(r"<h3>(Training data.*?)</h3>", html), html

    titles, html = said(A=9, B=9, C=9)
    assert titles == ["Training data"]
    assert "iterative, seed 0, 1, 2, where the source has none" in html
    assert said(A=9, B=8, C=9)[0] == ["Training data of A, C", "Training data of B"]
    assert said(A=9, B=9)[0] == ["Training data of A, B"], "of C nothing is known"


def test_nothing_is_loaded_from_elsewhere(html: str, page: Page) -> None:
    for tag, attributes in page.tags:
        assert "src" not in attributes
        if "href" in attributes:
            assert tag == "a"
            assert re.match(r"#|https?://", str(attributes["href"]))
    assert "url(" not in html
    assert "@import" not in html
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a)
    assert str(policy).startswith("default-src 'none'")


def test_who_cannot_see_it_is_told_the_same(page: Page) -> None:
    counts = {tag: sum(found == tag for found, _ in page.tags) for tag in ("h1", "table", "caption", "svg", "desc")}
    assert counts["h1"] == 1
    assert counts["table"] == counts["caption"] >= 8
    assert counts["svg"] == counts["desc"] >= 4
    ids = [str(a["id"]) for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    named = [str(a["aria-labelledby"]).split() for _, a in page.tags if "aria-labelledby" in a]
    assert {name for names in named for name in names} <= set(ids)
    anchors = {str(a["href"])[1:] for tag, a in page.tags if tag == "a" and str(a["href"]).startswith("#")}
    assert anchors <= set(ids)
    levels = [int(tag[1]) for tag, _ in page.tags if tag in ("h1", "h2", "h3")]
    assert all(b <= a + 1 for a, b in pairwise(levels)), "no level of headings is left out"


def test_it_prints_light_on_a4_with_heads_on_every_page(html: str) -> None:
    printed = html.split("@media print")[1]
    assert "size: A4" in html
    assert "color-scheme: light" in printed
    assert "display: table-header-group" in printed
    assert "@media screen and (prefers-color-scheme: dark)" in html


def test_every_number_of_every_class_is_said_with_its_interval(evaluations: Models, page: Page) -> None:
    cells = page.text["td"]
    for evaluation in evaluations.values():
        for row in evaluation.classes.to_dict("records"):
            for metric in ("precision", "recall", "f1", "ap", "auroc", "npv", "mcc", "brier", "ece"):
                said = "not defined"
                if row[metric] == row[metric]:
                    said = f"{row[metric]:.3f} [{row[f'{metric}_low']:.3f}, {row[f'{metric}_high']:.3f}]"
                assert said in cells, (row["class"], metric)


@pytest.mark.parametrize("kind", ["multi", "single"])
def test_every_measure_of_whole_images_is_said(kind: Literal["multi", "single"]) -> None:
    scored = replace(scored_of(0), kind=kind)
    if kind == "single":
        truth = np.eye(5, dtype=np.float32)[np.arange(80) % 5]
        scored = replace(scored, targets=truth, class_names=("a", "b", "c", "d", "e"))
    found = evaluate(scored, draws=10)
    said = Page(model_card(found)).text["td"]
    assert ("top_3_accuracy" in found.whole) == (kind == "single")
    for name, value in found.whole.items():
        assert f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]" in said, name


def test_warnings_of_means_and_of_classes_are_said_with_their_classes(evaluations: Models, page: Page) -> None:
    first, second = evaluations.values()
    (sentence,) = first.warnings
    assert sentence in page.text["main"]
    said = by_sentence({"A": first.classes, "B": second.classes})
    for letter, found in (("A", first), ("B", second)):
        for name, warning in zip(found.classes["class"], found.classes["warning"], strict=True):
            if warning:
                assert {name, f"{name} ({letter})"} & set(said[warning])
    assert not any(" (A, B)" in name for names in said.values() for name in names), "of all models: no letters"


def test_where_thresholds_were_set_is_said_or_said_to_be_unknown(evaluation: Evaluation) -> None:
    def told(found: Evaluation, **given: object) -> tuple[str, str]:
        html = model_card({"m": found}, thresholds={"m": given} if given else None)
        state = re.search(r"where they were set</th>.*?<td[^>]*>([a-z ]+)</td></tr>", html, re.DOTALL)
        assert state is not None
        return re.findall(r"<dt>Thresholds</dt><dd>(.*?)</dd>", html)[0], state[1]

    assert told(evaluation) == ("0.5 for every class; not tuned", "given")
    moved = evaluate(scored_of(0), thresholds=[0.2, 0.3, 0.4, 0.5, 0.6], draws=0)
    said = "one for each class, 0.2 to 0.6; "
    assert told(moved) == (f"{said}where they were set is not stated", "in part")
    by_hand = told(moved, by_hand="set by hand, class by class", set_on="test")
    assert by_hand[0].startswith(f"{said}set by hand, class by class, on the test part with its numbers in view")
    assert by_hand[1] == "given"
    assert told(moved, **tune(scored_of(3, part="val"), "f1").as_json())[1] == "given"


def test_it_says_where_it_is_from(page: Page) -> None:
    said = page.text["main"]
    for part in (
        "Not for diagnosis", "80 images", "40 patients", "40 draws, seed 0", "tuned by f1", "on val", "gamma = 1.5",
        "Distribution-Balanced Loss", "resnet18", "42", "drawn by a program", "torch", "1 <2>", "2020-02-02",
        "python <x>", "cannot tell", "four times in five after that correction, were no other class",
        "epoch 2, best macro AP on validation",
    ):  # fmt: skip
        assert part in said, part
    assert "math" in {tag for tag, _ in page.tags}


def test_what_nobody_says_is_not_stated(evaluation: Evaluation) -> None:
    bare = Page(model_card(evaluation))
    definitions = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", model_card(evaluation))
    found = dict(definitions)
    for title in STATEMENTS.values():
        if title in found:
            assert "not stated" in found[title], title
    assert {"Intended use and clinical role", "Funding and interests"} <= set(found)
    assert "not stated" in bare.text["td"], "the table of topics says so as well"
    said = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", model_card(evaluation, said={"funding": "none at all"})))
    assert said["Funding and interests"] == "none at all"


def test_the_topics_lead_to_chapters_that_are_there(page: Page) -> None:
    ids = {str(a["id"]) for tag, a in page.tags if tag == "h2"}
    assert {key for _, _, key, _, _ in TOPICS if key} <= ids


def test_equal_input_is_an_equal_file(evaluations: Models) -> None:
    assert model_card(evaluations, date="x") == model_card(evaluations, date="x")


def test_a_statement_of_another_name_is_refused(evaluation: Evaluation) -> None:
    with pytest.raises(Unknown, match="purpos"):
        model_card(evaluation, said={"purpos": "typing"})


def test_the_command_writes_the_report_and_the_tables(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nih = shared / "data/nih"
    files = {"--out": "r.html", "--excel": "t.csv", "--latex": "t.tex", "--figures": "figures"}
    flags = [word for flag, name in files.items() for word in (flag, str(tmp_path / name))]
    given = [
        "--predictions",
        str(nih / "nih_starter_predictions.csv"),
        "--truth",
        str(nih / "nih_starter_Data_Entry.csv"),
    ]
    assert main(["report", *given, "--draws", "20", *flags, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["macro_f1"]["nih_starter_predictions"] == pytest.approx(0.1376, abs=5e-5)
    text = Page((tmp_path / "r.html").read_text(encoding="utf-8")).text["main"]
    assert "Cardiomegaly" in text
    assert "0.920" in text
    assert (tmp_path / "figures/auroc.png").read_bytes().startswith(b"\x89PNG")
    assert main(["report", "--out", str(tmp_path / "x.html")]) == 2
    assert "RUN" in capsys.readouterr().err


def test_only_addresses_of_the_web_are_links() -> None:
    assert link("javascript:alert(1)", "<paper>") == "&lt;paper&gt;"
    assert 'href="https://x.org/?a=1&amp;b=&quot;"' in link('https://x.org/?a=1&b="', "paper")
