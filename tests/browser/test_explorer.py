"""The explorer in a real browser: it follows the thumb by itself, and what it shows is what Python computes."""

from __future__ import annotations

import io
import json
from urllib.parse import parse_qs, quote, urlsplit

import altair as alt
import numpy as np
import pandas as pd
import pytest
from app_server import PATIENCE, settled
from playwright.sync_api import FloatRect, Locator, Page, expect

from lt_core.datasets import load
from lt_core.losses import get_loss
from lt_core.losses.curves import loss_curves
from lt_core.stats import ClassPrior, prior_of

pytestmark = pytest.mark.browser

LINK = "losses?data=nih&losses=bce,asl,db"


@pytest.fixture
def losses(page: Page, app: str) -> Page:
    """The Losses page over published counts, with BCE, ASL and DB drawn."""
    return opened(page, f"{app}/{LINK}")


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    settled(page, "Losses")
    expect(page.locator(".panels path").first).to_be_attached(timeout=PATIENCE)
    return page


def paths(page: Page) -> list[str]:
    return [str(path.get_attribute("d")) for path in page.locator(".panels path").all()]


def knob(page: Page, name: str) -> Locator:
    return page.locator(f'[data-knob="{name}"]')


def place(what: Locator) -> FloatRect:
    """Return where it is; a part that an answer draws anew meanwhile has no place for a moment."""
    for _ in range(100):
        if box := what.bounding_box():
            return box
    raise AssertionError(f"{what} is not to be seen")


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def saved(page: Page, button: Locator) -> bytes:
    with page.expect_download() as waiting:
        button.click()
    return waiting.value.path().read_bytes()


def curves(page: Page) -> pd.DataFrame:
    """Return the numbers the browser computed."""
    return pd.read_csv(io.BytesIO(saved(page, page.get_by_role("button", name="CSV", exact=True))))


def test_a_dragged_knob_moves_the_curve_before_the_server_hears_of_it(losses: Page) -> None:
    tab(losses, "ASL")
    slider = knob(losses, "asl.gamma_neg")
    slider.scroll_into_view_if_needed()
    box = place(slider)
    before = paths(losses)
    middle = box["y"] + box["height"] / 2
    losses.mouse.move(box["x"] + box["width"] / 2, middle)
    losses.mouse.down()
    losses.mouse.move(box["x"] + box["width"] / 4, middle, steps=5)
    losses.wait_for_timeout(300)
    moved = paths(losses)
    changed = [a != b for a, b in zip(before, moved, strict=True)]
    assert any(changed)
    assert not all(changed), "BCE's curve has no reason to move"
    assert "asl.gamma_neg" not in query(losses)
    losses.mouse.up()
    losses.wait_for_url("**asl.gamma_neg=**")
    value = float(query(losses)["asl.gamma_neg"][0])
    assert value == pytest.approx(2.0, abs=0.2)
    settled(losses, "Losses")
    assert paths(losses) == moved, "what comes back from the server is another picture"


def test_what_is_drawn_is_pytorch(losses: Page) -> None:
    tab(losses, "ASL")
    knob(losses, "asl.gamma_neg").focus()
    losses.keyboard.press("ArrowLeft")
    tab(losses, "DB")
    knob(losses, "db.beta").focus()
    losses.keyboard.press("ArrowRight")
    losses.wait_for_url("**db.beta=10.5**")
    drawn = curves(losses)
    prior = prior_of(load("nih"))
    rows = {"BCE": ("bce", {}, 0), "ASL": ("asl", {"gamma_neg": 3.9}, 0)}
    rows |= {f"DB, {prior.class_names[c]}": ("db", {"beta": 10.5}, c) for c in range(prior.n_classes)}
    assert drawn["curve"].nunique() == 5
    for name, points in drawn.groupby("curve"):
        key, values, column = rows[str(name)]
        wanted = loss_curves(get_loss(key), values, prior=prior, class_index=column, points=241)
        for measure in ("logit", "probability", "value", "gradient"):
            np.testing.assert_allclose(points[measure], wanted[measure], rtol=1e-9, atol=1e-12, err_msg=str(name))


def test_a_link_opens_exactly_that_figure(losses: Page) -> None:
    tab(losses, "DB")
    knob(losses, "db.mu").focus()
    for _ in range(3):
        losses.keyboard.press("ArrowRight")
    losses.wait_for_url("**db.mu=0.35**")
    losses.get_by_role("radio", name="probability").click()
    losses.get_by_role("radio", name="log", exact=True).click()
    losses.get_by_role("radio", name="y = 0", exact=True).click()
    losses.wait_for_url("**targets=0**")
    settled(losses, "Losses")
    shown = paths(losses)
    assert len(shown) == 2 * 5
    other = losses.context.new_page()
    opened(other, losses.url)
    expect(other.locator(".panels path")).to_have_count(len(shown))
    assert paths(other) == shown


def test_every_axis_draws_every_curve(losses: Page) -> None:
    before = paths(losses)
    for choice in ("gradient share", "value", "log", "equal", "probability", "y = 1"):
        losses.get_by_role("radio", name=choice, exact=True).click()
        drawn = paths(losses)
        assert drawn != before, choice
        assert all(path.startswith("M") and "NaN" not in path for path in drawn), choice
        before = drawn


def test_numbers_are_read_with_the_mouse_and_with_the_keyboard(losses: Page) -> None:
    panel = losses.locator("svg.panel").first
    panel.hover(position={"x": 200, "y": 120})
    expect(losses.locator(".tip")).to_contain_text("BCE")
    panel.focus()
    for key in ("Home", "ArrowRight", "End"):
        losses.keyboard.press(key)
    expect(losses.locator(".tip")).to_contain_text("z = 8.00")
    row = losses.locator(".tip tr", has_text="BCE")
    assert float(row.locator("td").nth(1).inner_text()) == pytest.approx(np.log1p(np.exp(-8)), rel=5e-3)
    losses.keyboard.press("Escape")
    expect(losses.locator(".tip")).to_be_hidden()


def test_a_second_setting_of_a_loss(losses: Page) -> None:
    tab(losses, "ASL")
    losses.get_by_role("button", name="Compare another setting").click()
    expect(knob(losses, "asl@2.gamma_neg")).to_be_visible(timeout=PATIENCE)
    knob(losses, "asl@2.gamma_neg").focus()
    losses.keyboard.press("Home")
    losses.wait_for_url("**gamma_neg=0**")
    drawn = curves(losses)
    first, second = (drawn[drawn["curve"] == name]["value"].to_numpy() for name in ("ASL", "ASL (2)"))
    assert not np.allclose(first, second)
    losses.get_by_role("button", name="Remove", exact=True).click()
    expect(knob(losses, "asl@2.gamma_neg")).to_have_count(0, timeout=PATIENCE)


def test_a_dragged_count_moves_curve_and_weights(losses: Page) -> None:
    tab(losses, "DB")
    readings = losses.locator(".readings").inner_text()
    before = paths(losses)
    slider = losses.locator('[data-count="Hernia"]')
    slider.focus()
    losses.keyboard.press("End")
    expect(losses.locator(".readings")).not_to_have_text(readings)
    assert paths(losses) != before
    losses.wait_for_url("**count.Hernia=112120**")
    settled(losses, "Losses")
    drawn = curves(losses)
    prior = prior_of(load("nih"))
    hernia = prior.class_names.index("Hernia")
    positives = prior.positives.copy()
    positives[hernia] = prior.n_samples
    moved = ClassPrior(positives, prior.n_samples, class_names=prior.class_names)
    wanted = loss_curves(get_loss("db"), {}, prior=moved, class_index=hernia, points=241)
    points = drawn[drawn["curve"] == "DB, Hernia"]
    np.testing.assert_allclose(points["gradient"], wanted["gradient"], rtol=1e-9, atol=1e-12)
    losses.get_by_role("button", name="Back to the counts of the data").click()
    expect(losses.get_by_role("button", name="Back to the counts of the data")).to_have_count(0, timeout=PATIENCE)
    losses.wait_for_url(lambda address: "count.Hernia" not in address)


def test_a_knob_taken_right_after_another_was_let_go_is_not_lost(losses: Page) -> None:
    """The answer to the first release comes while the second knob is held."""
    tab(losses, "ASL")
    for name, part in (("asl.gamma_neg", 0.2), ("asl.clip", 0.9)):
        box = place(knob(losses, name))
        middle = box["y"] + box["height"] / 2
        losses.mouse.move(box["x"] + box["width"] / 2, middle)
        losses.mouse.down()
        for k in range(20):
            losses.mouse.move(box["x"] + box["width"] * (0.5 + (part - 0.5) * (k + 1) / 20), middle)
            losses.wait_for_timeout(100 if name == "asl.clip" else 5)
        losses.mouse.up()
    losses.wait_for_url("**asl.clip=**")
    said = query(losses)
    assert float(said["asl.gamma_neg"][0]) == pytest.approx(1.6, abs=0.3)
    assert float(said["asl.clip"][0]) == pytest.approx(0.27, abs=0.03)


@pytest.mark.parametrize("held", [False, True], ids=["clicked", "held down"])
def test_a_tab_chosen_before_the_answer_comes_stays_chosen(losses: Page, held: bool) -> None:
    """The answer to the knob comes after the click on the tab, or between its press and its release."""
    tab(losses, "ASL")
    box = place(losses.get_by_role("tab", name="DB", exact=True))
    knob(losses, "asl.gamma_neg").focus()
    losses.keyboard.press("ArrowLeft")
    losses.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    losses.mouse.down()
    if held:
        losses.wait_for_url("**asl.gamma_neg=3.9**")
        settled(losses, "Losses")
    losses.mouse.up()
    losses.wait_for_url("**asl.gamma_neg=3.9**")
    settled(losses, "Losses")
    expect(losses.get_by_role("tab", name="DB", exact=True)).to_have_attribute("aria-selected", "true")


def test_arrow_keys_move_even_small_counts(losses: Page) -> None:
    tab(losses, "DB")
    slider = losses.locator('[data-count="Hernia"]')
    slider.focus()
    losses.keyboard.press("Home")
    losses.wait_for_url("**count.Hernia=0**")
    for _ in range(3):
        slider.focus()
        losses.keyboard.press("ArrowRight")
    losses.wait_for_url("**count.Hernia=3**")


def test_tabs_and_pills_work_with_arrow_keys(losses: Page) -> None:
    tab(losses, "ASL")
    losses.keyboard.press("ArrowRight")
    expect(losses.get_by_role("tab", name="DB", exact=True)).to_have_attribute("aria-selected", "true")
    losses.get_by_role("radio", name="linear", exact=True).focus()
    losses.keyboard.press("ArrowRight")
    expect(losses.get_by_role("radio", name="log", exact=True)).to_have_attribute("aria-checked", "true")
    losses.wait_for_url("**scale=log**")
    expect(losses.get_by_role("tab", name="DB", exact=True)).to_have_attribute("aria-selected", "true")


def test_the_figure_as_files(losses: Page) -> None:
    picture = saved(losses, losses.get_by_role("button", name="SVG", exact=True)).decode()
    assert picture.startswith("<svg")
    assert picture.count("<path") == 4 * 5
    assert "Gradient where y = 0" in picture
    assert saved(losses, losses.get_by_role("button", name="PNG", exact=True)).startswith(b"\x89PNG")
    losses.get_by_role("button", name="Table and Altair spec").click()
    text = saved(losses, losses.get_by_role("button", name="Altair spec", exact=True)).decode()
    chart = alt.Chart.from_json(text)
    assert len(chart.to_dict()["vconcat"]) == 2
    (rows,) = {len(rows) for name, rows in json.loads(text)["datasets"].items()}
    assert rows == 241 * 5


@pytest.mark.parametrize("view", ["force", "ladder", "equals", "plane", "soundness", "reductions", "code"])
def test_every_closer_look_opens_by_link(page: Page, app: str, view: str) -> None:
    keys = "ce,ldam" if view == "plane" else "bce,ral"
    opened(page, f"{app}/losses?data={quote('ham10000' if view == 'plane' else 'nih')}&losses={keys}&closer={view}")
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    expect(page.locator(".st-key-closer-view")).to_be_visible(timeout=PATIENCE)
