"""One newcomer's walk through the app, in a real browser: load, look, move a loss, train, read F1, see a map."""

from __future__ import annotations

import re

import pytest
from app_server import PATIENCE, settled
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser


def go(page: Page, name: str, title: str | None = None) -> None:
    """Follow a link of the navigation bar."""
    page.get_by_role("link", name=name, exact=True).first.click()
    settled(page, title or name)


def charts(page: Page) -> Locator:
    """Return the charts that are drawn."""
    return page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg.marks")


@pytest.fixture
def start(page: Page, app: str) -> Page:
    """The start page."""
    page.goto(app)
    settled(page, "The long tail, made visible")
    expect(charts(page).first).to_be_visible(timeout=PATIENCE)
    return page


def test_the_whole_walk(start: Page) -> None:
    page = start
    go(page, "Data set")
    expect(page.get_by_text("synthetic, not for diagnosis").first).to_be_visible()
    expect(charts(page)).to_have_count(2, timeout=PATIENCE)
    expect(page.locator("[data-testid=stImage] img, [data-testid=stImageContainer] img").first).to_be_visible()

    go(page, "Losses")
    expect(page.locator("svg.panel")).to_have_count(4, timeout=PATIENCE)
    negatives = page.locator("svg.panel").nth(1).locator(".paths path").nth(1)
    before = str(negatives.get_attribute("d"))
    page.get_by_role("tab", name="ASL").click()
    page.locator('[data-knob="asl.gamma_neg"]').focus()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    expect(negatives).not_to_have_attribute("d", before)
    expect(page).to_have_url(re.compile(r"asl\.gamma_neg=2"), timeout=PATIENCE)

    go(page, "Train")
    page.get_by_role("spinbutton", name="Epochs").fill("1")
    page.get_by_role("spinbutton", name="Epochs").press("Enter")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text(re.compile("reported is epoch"))).to_be_visible(timeout=PATIENCE)

    go(page, "Results")
    expect(page.get_by_text("Class by class, from head to tail")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Hernia").first).to_be_attached()

    go(page, "Grad-CAM")
    expect(page.get_by_text("What the network says")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("img").first).to_be_visible()


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("dataset", "Data set"),
        ("losses", "Losses"),
        ("train", "Train"),
        ("compare", "Compare"),
        ("results", "Results"),
        ("gradcam", "Grad-CAM"),
    ],
)
def test_a_link_to_a_page_opens_that_page(page: Page, app: str, path: str, title: str) -> None:
    page.goto(f"{app}/{path}")
    settled(page, title)
    expect(page.get_by_role("link", name="Data set", exact=True).first).to_be_visible()


def test_a_link_carries_its_settings(page: Page, app: str) -> None:
    page.goto(f"{app}/losses?losses=asl&asl.gamma_neg=2.5")
    settled(page, "Losses")
    expect(page.locator('[data-knob="asl.gamma_neg"]')).to_have_value("2.5", timeout=PATIENCE)


def test_a_set_that_cannot_be_loaded_is_a_sentence_with_a_way_on(page: Page, app: str) -> None:
    page.goto(f"{app}/dataset?data=chest-fantom")
    settled(page, "Data set")
    expect(page.get_by_text(re.compile("chest-fantom could not be loaded"))).to_be_visible()
    page.get_by_role("button", name="Go on with the built-in chest phantom").click()
    expect(charts(page)).to_have_count(2, timeout=PATIENCE)


def test_a_preset_shows_its_counts_and_cannot_be_trained_on(page: Page, app: str) -> None:
    page.goto(f"{app}/dataset?data=nih")
    settled(page, "Data set")
    expect(charts(page)).to_have_count(1, timeout=PATIENCE)
    go(page, "Train")
    expect(page.get_by_text("No images to train on")).to_be_visible()


def test_a_single_label_set_says_that_nothing_occurs_together(page: Page, app: str) -> None:
    page.goto(f"{app}/dataset?data=digits")
    settled(page, "Data set")
    expect(charts(page)).to_have_count(1, timeout=PATIENCE)
    page.get_by_role("radio", name="Together", exact=True).click()
    expect(page.get_by_text("no two classes occur together")).to_be_visible()


def test_it_fits_a_phone(page: Page, app: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    for path, title in (("", "The long tail, made visible"), ("dataset", "Data set"), ("losses", "Losses")):
        page.goto(f"{app}/{path}")
        settled(page, title)
        wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert wide <= 390, f"{title} is {wide} pixels wide"
