"""Two apps on one folder of runs, a browser on each: what one does the other sees, nothing is shared by accident."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from app_server import PATIENCE, ROOT, serving, settled, watched
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as TooLate

from lt_core.training import Run, runs

pytestmark = pytest.mark.browser
LONG, SHORT = 1000, 2
"""Epochs of the run that is stopped, and of the one that nobody must touch."""


@pytest.fixture
def pair(browser: Browser, app: str, home: Path, tmp_path: Path) -> Iterator[tuple[Page, Page]]:
    """A page of each app, in browsers with cookies of their own; no page may show an exception, whatever happens."""
    before = {run.path for run in runs(home / "runs")}
    with ExitStack() as stack:
        second = stack.enter_context(serving(ROOT / "app.py", home, log=tmp_path / "second.log"))
        pages = []
        for address in (app, second):
            context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=address)
            stack.callback(context.close)
            pages.append(context.new_page())
        yield pages[0], pages[1]
        for page in pages:
            expect(page.locator("[data-testid=stException]")).to_have_count(0)
    for run in runs(home / "runs"):
        if run.path not in before:
            run.request_stop()


def test_two_apps_on_one_folder_of_runs(pair: tuple[Page, Page], home: Path) -> None:
    a, b = pair
    before = {run.path for run in runs(home / "runs")}
    for page, epochs in ((a, LONG), (b, SHORT)):
        page.goto(f"/train?data=digits&train.epochs={epochs}")
    for page in pair:
        settled(page, "Train")

    # both start at the same moment: a run and a folder each, nobody follows the other's
    for page in pair:
        page.get_by_role("button", name="Start training").click(no_wait_after=True)
    ours, theirs = watched(a), watched(b)
    assert ours != theirs
    new = [run for run in runs(home / "runs") if run.path not in before]
    assert {run.path.name for run in new} == {ours, theirs}
    assert len({run.meta.owner for run in new}) == 2

    # the other one's run is seen live, and known to be another's
    b.goto(f"/train?run={ours}")
    expect(b.get_by_text(re.compile(r"of visitor \w+")).first).to_be_visible(timeout=PATIENCE)
    expect(b.get_by_text(re.compile(rf"Epoch \d+ of {LONG}"))).to_be_visible(timeout=PATIENCE)
    before = b.get_by_text(re.compile(rf"Epoch \d+ of {LONG}")).inner_text()
    expect(b.get_by_text(before)).to_have_count(0, timeout=PATIENCE)

    # stopped there, it says so here
    b.get_by_role("button", name="Stop").click()
    b.get_by_role("button", name="Stop it all the same").click()
    expect(a.get_by_role("button", name="Resume").first).to_be_visible(timeout=PATIENCE)
    assert Run(home / "runs" / ours).state == "stopped"
    assert Run(home / "runs" / theirs).state in ("running", "finished")

    settled(a, "Train")

    # deleted there while it is looked at here: a sentence, also to who would go on with it
    b.get_by_role("button", name="Delete").click()
    b.get_by_role("button", name="Delete it all the same").click()
    expect(b.get_by_text("was deleted")).to_be_visible(timeout=PATIENCE)
    with suppress(TooLate):  # a page drawn anew since then has no such button, and says so by itself
        a.get_by_role("button", name="Resume").first.click(timeout=5000)
    expect(a.get_by_text(re.compile(f"{ours} is not here any more"))).to_be_visible(timeout=PATIENCE)
    assert not (home / "runs" / ours).exists()
