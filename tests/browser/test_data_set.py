"""The Data set page in a real browser: what a click shows is what numpy counts, and a file's names are only text."""

from __future__ import annotations

import io
import re
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pandas as pd
import pytest
from app_server import PATIENCE, settled
from playwright.sync_api import Browser, Locator, Page, expect

from lt_core.datasets import LabeledImages, load, load_images

pytestmark = pytest.mark.browser

HEADINGS = {
    "Classes": "How many images has each class?",
    "Together": "Which classes occur together?",
    "Tail": "Which law does the tail follow?",
    "Parts": "How is the set divided?",
    "Images": "",
    "File": "How was this file read?",
}
HOSTILE = ("<img src=x onerror=alert(1)>", "![x](http://127.0.0.1:1/x.png)", "$zq^7$ **bold**")


def opened(page: Page, app: str, path: Path | str, **settings: str) -> Page:
    """Open the Data set page over one set, in one view."""
    query = "&".join(f"{key}={quote(value)}" for key, value in {"data": str(path), **settings}.items())
    page.goto(f"{app}/dataset?{query}")
    settled(page, "Data set")
    return page


def query(page: Page, key: str) -> str:
    return parse_qs(urlsplit(page.url).query).get(key, [""])[0]


def plot(page: Page, k: int = 0) -> Locator:
    chart = page.locator("[data-testid=stVegaLiteChart]").nth(k)
    chart.scroll_into_view_if_needed()
    drawn = chart.locator("canvas, svg.marks").first
    expect(drawn).to_be_visible(timeout=PATIENCE)
    return drawn


def click_inside(drawn: Locator, right: float, down: float) -> None:
    """Click at shares of a chart's width and height."""
    box = drawn.bounding_box()
    assert box is not None
    drawn.click(position={"x": right * box["width"], "y": down * box["height"]})


def heading(page: Page, text: str) -> Locator:
    return page.get_by_role("heading", name=text)


def button(page: Page, name: str | re.Pattern[str]) -> Locator:
    return page.get_by_role("button", name=name)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Write 120 rows of 40 patients: three findings, and a yes-or-no column that is none."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "image": [f"film{k:03}.png" for k in range(120)],
            "patient": [f"p{k // 3}" for k in range(120)],
            **{name: rng.binomial(1, p, 120) for name, p in {"Mass": 0.5, "Nodule": 0.3, "Hernia": 0.1}.items()},
            "portable": rng.binomial(1, 0.5, 120),
        }
    )
    path = tmp_path / "films.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def phantom() -> LabeledImages:
    data = load("chest-phantom")
    assert isinstance(data, LabeledImages)
    return data


def test_a_click_on_a_bar_shows_that_class_and_its_number(page: Page, app: str, phantom: LabeledImages) -> None:
    opened(page, app, "chest-phantom")
    counts = dict(zip(phantom.class_names, (phantom.labels == 1).sum(axis=0).tolist(), strict=True))
    seen = set()
    for down in (0.35, 0.7):
        click_inside(plot(page), 0.3, down)
        page.wait_for_function("before => !before.includes(location.search)", arg=["", *seen])
        settled(page, "Data set")
        seen.add(urlsplit(page.url).query and f"?{urlsplit(page.url).query}")
        name = query(page, "example-class")
        expect(heading(page, f"{name} · {counts[name]:,} images")).to_be_visible(timeout=PATIENCE)
        expect(page.locator("[data-testid=stImageContainer] img")).to_have_count(24, timeout=PATIENCE)
    assert len(seen) == 2


def test_a_click_on_a_cell_opens_the_pair_with_its_number(page: Page, app: str, phantom: LabeledImages) -> None:
    opened(page, app, "chest-phantom", view="Together")
    first = query(page, "pair")
    click_inside(plot(page), 0.3, 0.65)
    page.wait_for_function("before => !decodeURIComponent(location.search).includes(before)", arg=f"pair={first}")
    settled(page, "Data set")
    a, b = query(page, "pair").split(",")
    labels = phantom.labels == 1
    both = int((labels[:, phantom.class_index(a)] & labels[:, phantom.class_index(b)]).sum())
    expect(heading(page, f"{a} and {b} · {both:,} image")).to_be_visible(timeout=PATIENCE)


def test_published_counts_name_the_pair(page: Page, app: str) -> None:
    opened(page, app, "nih", view="Together", pair="Effusion,Infiltration")
    expect(page.get_by_text("4,000").first).to_be_visible(timeout=PATIENCE)


def test_a_wrong_column_is_corrected_and_the_link_keeps_it(page: Page, browser: Browser, app: str, table: Path) -> None:
    opened(page, app, table, view="File")
    page.get_by_text("Correct it", exact=True).click()
    labels = page.get_by_role("combobox", name="Label columns")
    for name in ("Mass", "Nodule", "Hernia"):
        labels.click()
        labels.fill(name)
        page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Escape")
    settled(page, "Data set")
    button(page, "Read again").click()
    expect(page).to_have_url(re.compile("data_settings"), timeout=PATIENCE)
    address = re.sub("view=File", "view=Classes&example-class=Nodule", page.url)
    positives = int(pd.read_csv(table)["Nodule"].sum())
    other = browser.new_context().new_page()
    other.goto(address)
    settled(other, "Data set")
    expect(heading(other, f"Nodule · {positives} images")).to_be_visible(timeout=PATIENCE)
    metric = other.get_by_test_id("stMetric").filter(has=other.get_by_text("classes", exact=True))
    expect(metric.get_by_test_id("stMetricValue")).to_have_text("3")
    other.context.close()


def test_a_link_opens_its_view_and_a_hostile_class_name_is_only_text(page: Page, app: str, tmp_path: Path) -> None:
    rows = [[f"film{k}.png", *(int(k % (j + 2) == 0) for j in range(len(HOSTILE)))] for k in range(60)]
    path = tmp_path / "hostile.csv"
    pd.DataFrame(rows, columns=["image", *HOSTILE]).to_csv(path, index=False)
    strange: list[str] = []
    page.on("request", lambda request: strange.append(request.url) if "x.png" in request.url else None)
    page.on("dialog", lambda dialog: strange.append(dialog.message))
    for view, title in HEADINGS.items():
        opened(page, app, path, view=view)
        shown = heading(page, title) if title else page.get_by_text("This set has labels only").first
        expect(shown).to_be_visible(timeout=PATIENCE)
        if view == "Classes":
            expect(heading(page, f"{HOSTILE[0]} · 30 images")).to_be_visible(timeout=PATIENCE)
        assert (
            page.locator("[data-testid=stMain]")
            .locator("img[onerror], img[src*='x.png'], .katex:has-text('zq')")
            .count()
            == 0
        )
    assert not strange


def test_the_what_if_slider_moves_the_ratio_reached(page: Page, app: str, table: Path) -> None:
    opened(page, app, table, view="Tail", **{"what-if": "ratio", "what-if-ratio": "8"})
    said = page.get_by_text(re.compile("Asked for an imbalance ratio of"))
    expect(said).to_contain_text("ratio of 8,", timeout=PATIENCE)
    page.get_by_role("slider", name="Imbalance ratio").focus()
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("ratio of 9,", timeout=PATIENCE)
    expect(page).to_have_url(re.compile("what-if-ratio=9"))


def test_the_split_downloaded_keeps_every_patient_on_one_side(page: Page, app: str, table: Path) -> None:
    opened(page, app, table, view="Parts")
    with page.expect_download() as waiting:
        button(page, "Download the split as CSV").click()
    split = pd.read_csv(io.BytesIO(waiting.value.path().read_bytes()))
    before = pd.read_csv(table)
    part = next(name for name in split if set(split[name]) <= {"train", "val", "test"})
    assert len(split) == len(before)
    assert set(split[part]) == {"train", "val", "test"}
    patients = dict(zip(before["image"], before["patient"], strict=True))
    sides = split.groupby(split.iloc[:, 0].map(patients))[part].nunique()
    assert len(sides) == before["patient"].nunique()
    assert (sides == 1).all()


def test_a_folder_of_tables_is_a_choice_and_a_saved_set_is_the_same(page: Page, app: str, table: Path) -> None:
    pd.read_csv(table).head(30).to_csv(table.with_name("first.csv"), index=False)
    opened(page, app, table.parent)
    button(page, "first.csv").click()
    expect(page).to_have_url(re.compile(r"first\.csv"), timeout=PATIENCE)
    settled(page, "Data set")
    opened(page, app, table, view="File")
    page.get_by_text("Save this set", exact=True).click()
    kept = table.parent.parent / f"{table.parent.name}-kept"
    folder = page.get_by_role("textbox", name="Folder on the machine that runs the app")
    folder.fill(str(kept))
    folder.press("Enter")
    button(page, "Save as Parquet + manifest").click()
    expect(page.get_by_text("Saved. This path loads it again:")).to_be_visible(timeout=PATIENCE)
    np.testing.assert_array_equal(load_images(kept).labels, load_images(table).labels)
    n = int(pd.read_csv(table)["Hernia"].sum())
    opened(page, app, kept, **{"example-class": "Hernia"})
    expect(heading(page, f"Hernia · {n} images")).to_be_visible(timeout=PATIENCE)
