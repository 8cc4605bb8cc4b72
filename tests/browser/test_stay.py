"""What must not get lost: an uploaded set, and a run whose app has gone."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from app_server import PATIENCE, ROOT, serving, settled
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def upload(page: Page, app: str, file: Path) -> None:
    """Open the data set page on a preset, and load ``file`` through the browser."""
    page.goto(f"{app}/dataset?data=ham10000")
    settled(page, "Data set")
    page.get_by_text("Choose a data set").click()
    page.get_by_role("radio", name="upload").or_(page.get_by_role("button", name="upload")).first.click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Load this file").click()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zip of a table and twelve small images, six of them with a bright finding."""
    path = tmp_path / "small set.zip"
    rows = ["image,bright,dark"]
    with zipfile.ZipFile(path, "w") as file:
        for k in range(12):
            rows.append(f"img{k}.png,{k % 2},{int(k % 3 == 0)}")
            picture = io.BytesIO()
            Image.fromarray(np.full((16, 16), 40 + 160 * (k % 2), np.uint8)).save(picture, format="PNG")
            file.writestr(f"images/img{k}.png", picture.getvalue())
        file.writestr("labels.csv", "\n".join(rows))
    return path


def test_an_uploaded_zip_becomes_the_data_set_of_every_page(page: Page, app: str, archive: Path) -> None:
    upload(page, app, archive)
    expect(page.get_by_text("small set.zip").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("What does a class look like?")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("[data-testid=stImage] img, [data-testid=stImageContainer] img").first).to_be_visible()
    page.get_by_role("link", name="Train", exact=True).first.click()
    settled(page, "Train")
    expect(page.get_by_text("small set.zip").first).to_be_visible()


def test_a_broken_upload_is_a_sentence_and_the_set_in_force_stays(page: Page, app: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"this is not a zip")
    upload(page, app, broken)
    expect(page.get_by_text(re.compile("broken.npz is not a .npz file"))).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("HAM10000").first).to_be_visible()


def test_a_run_outlives_the_app_and_is_found_again(page: Page, tmp_path: Path) -> None:
    home, script = tmp_path / "home", ROOT / "app.py"
    with serving(script, home, log=tmp_path / "first.log") as address:
        page.goto(f"{address}/train?data=digits&train.epochs=15")
        settled(page, "Train")
        page.get_by_role("button", name="Start training").click()
        expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=PATIENCE)
        page.goto("about:blank")  # the tab is closed first, the app ends after it
    with serving(script, home, log=tmp_path / "second.log") as address:
        page.goto(f"{address}/train")
        expect(page.get_by_text(re.compile("reported is epoch"))).to_be_visible(timeout=PATIENCE)
        page.goto("about:blank")
