"""A comparison of two losses from the form to its table, in a real browser, trained by a process of its own."""

from __future__ import annotations

import pytest
from app_server import PATIENCE, settled
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
TINY = "view=new&compare.seeds=1&compare.epochs=1&compare.rates=0.003"


def test_a_tiny_comparison_is_made_and_read(page: Page, app: str) -> None:
    page.goto(f"{app}/compare?data=digits&{TINY}")
    settled(page, "Compare")
    expect(page.get_by_text("needs at least 2 epochs")).to_be_visible(timeout=PATIENCE)  # LDAM-DRW has two stages
    picked = page.get_by_test_id("stMultiSelect").first
    for loss in ("logit-adjusted CE", "LDAM-DRW"):  # the last two of the losses that are proposed
        picked.locator("input").first.focus()
        page.keyboard.press("Backspace")
        expect(picked.get_by_text(loss)).to_have_count(0, timeout=PATIENCE)
        settled(page, "Compare")
    page.get_by_role("button", name="Start 2 runs").click()
    expect(page.get_by_text("Nothing can be concluded on macro AP from one seed")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("finished").first).to_be_visible(timeout=PATIENCE)
    shown = page.locator("[data-testid=stDataFrame] table").filter(has_text="macro AP")
    expect(shown.first).to_contain_text("focal", timeout=PATIENCE)
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollWidth <= 390", timeout=PATIENCE)
