"""The images of a data set in a real browser: a point opens its image, a copy on two sides is found."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from app_server import PATIENCE, settled
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def opened(page: Page, app: str, path: Path, view: str) -> None:
    page.goto(f"{app}/dataset?data={path}&view={view}")
    settled(page, "Data set")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Write 30 films of 30 patients, one of them dark, and a copy of the first under another patient's name."""
    folder = tmp_path / "films"
    folder.mkdir()
    names = [f"film{k:02}.png" for k in range(30)] + ["copy.png"]
    for k, name in enumerate(names):
        coarse = np.random.default_rng(0 if name == "copy.png" else k).integers(40, 215, (8, 8)).astype(np.uint8)
        pixels = np.asarray(Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC))
        Image.fromarray(pixels // 20 if k == 29 else pixels).save(folder / name)
    sides = ["train"] * 29 + ["val", "test"]
    frame = {
        "image": names,
        "patient": names,
        "split": sides,
        "label": ["Mass", "Nodule", "Mass|Nodule"] * 10 + ["Mass"],
    }
    path = tmp_path / "films.csv"
    pd.DataFrame(frame).to_csv(path, index=False)
    return path


def test_a_point_that_stands_out_opens_its_image(page: Page, app: str, pictures: Path) -> None:
    opened(page, app, pictures, "Images")
    page.get_by_role("button", name="2").first.click()
    expect(page).to_have_url(re.compile("images-browse-page=2"), timeout=PATIENCE)
    expect(page.locator("[data-testid=stImageContainer] img")).to_have_count(7, timeout=PATIENCE)
    page.get_by_role("button", name="Check the images").click()
    expect(page.get_by_role("heading", name="They stand out by brightness")).to_be_visible(timeout=PATIENCE)
    settled(page, "Data set")
    point = page.locator("[data-testid=stVegaLiteChart] path[aria-label*='film29.png']")
    point.scroll_into_view_if_needed()
    point.click()
    expect(page.get_by_role("heading", name="The images picked · 1 image")).to_be_visible(timeout=PATIENCE)
    assert page.locator("#vg-tooltip-element img").count() == 0  # Vega would fetch what a tooltip calls an image


def test_a_copy_on_two_sides_is_found_and_shown(page: Page, app: str, pictures: Path) -> None:
    opened(page, app, pictures, "Parts")
    page.get_by_role("button", name="Compare the 31 images").click()
    expect(page.get_by_text("1 pair of nearly equal images, 1 of them in different parts")).to_be_visible(
        timeout=PATIENCE
    )
    settled(page, "Data set")
    page.get_by_test_id("stCheckbox").filter(has_text="Images").first.locator("label").click()
    expect(page.get_by_text("film00.png (train) and copy.png (test)")).to_be_visible(timeout=PATIENCE)
