"""Draw the pictures of the documentation anew: ``python -m docs.make_screenshots`` (about six minutes on two cores).

``--only dataset`` draws those whose name begins so, and trains only if they show what was trained. ``--home FOLDER``
shows the runs ``bce`` and ``db`` (and comparisons) that are in ``FOLDER/runs`` already, and trains nothing.

Serves the app with a home of its own, trains the default run and a second one on the chest phantom, opens every page in
Chromium, light and dark, wide and phone-narrow, and every view of the Losses page, light and dark, and writes
``docs/screenshots/PAGE-MODE.png`` (256 colours, small).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.app_server import CHROMIUM_FLAGS, ROOT, chromium, serving

OUT = Path(__file__).parent / "screenshots"
RUNS = {"bce": (), "db": ("--sampler", "class-aware")}
PAGES = {
    "start": "",
    "dataset": "dataset",
    "dataset-diagram": "dataset?data=nih&view=Together&together=diagram",
    "dataset-tail": "dataset?data=nih&view=Tail",
    "dataset-parts": "dataset?view=Parts",
    "losses": "losses",
    "train": "train",
    "compare": "compare",
    "results": "results?run=db",
    "results-thresholds": "results?run=db&versus=bce&results-view=Thresholds&cut=tuned",
    "results-compare": "results?run=bce&versus=db&results-view=Compare",
    "results-errors": "results?run=db&results-view=Errors&cut=tuned",
    "gradcam": "gradcam?run=db",
    "gradcam-two": "gradcam?run=bce&versus=db",
}
OF_RUNS = ("train", "compare", "results", "gradcam")
"""Pages that show what was trained."""

VIEWS = {
    "force": "losses?losses=bce,ral,db&closer=force",
    "ladder": "losses?closer=ladder",
    "equals": "losses?losses=asl,ral,db&closer=equals",
    "plane": "losses?data=ham10000&losses=ce,ldam&closer=plane",
    "soundness": "losses?losses=ral&closer=soundness",
    "reductions": "losses?losses=bce,asl,db&closer=reductions",
    "code": "losses?losses=ral&closer=code",
}
"""What the Losses page shows under its explorer, one at a time."""


def main() -> None:
    """Train, open, look, write."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--only", default="", metavar="NAME")
    asked.add_argument("--home", type=Path, metavar="FOLDER")
    given = asked.parse_args()
    only = given.only
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        home = given.home or Path(name) / "home"
        needed = not given.home and (not only or only.startswith(OF_RUNS))
        for loss, more in RUNS.items() if needed else ():
            _train(home, loss, more)
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        with serving(ROOT / "app.py", home, log=Path(name) / "app.log") as address:
            for mode, width in (("light", 1280), ("dark", 1280), ("light", 390)):
                _pages(browser, address, mode, width, only)
            for mode in ("light", "dark") if not only else ():
                _views(browser, address, mode)
        browser.close()


def _train(home: Path, loss: str, more: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "lt_core", "train", "--data", "chest-phantom", "--loss", loss, *more]
    environment = {**os.environ, "LONGTAIL_LAB_HOME": str(home)}
    subprocess.run([*command, "--out", str(home / "runs" / loss)], check=True, env=environment, cwd=ROOT)


def _pages(browser: Browser, address: str, mode: str, width: int, only: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=mode)  # type: ignore[arg-type]
    page = context.new_page()
    for name, path in PAGES.items():
        if not name.startswith(only) or (width < 600 and "-" in name):
            continue
        page.goto(f"{address}/{path}")
        _settle(page)
        high = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": width, "height": min(int(high) + 20, 4000)})
        page.wait_for_timeout(1500)
        _settle(page)
        suffix = mode if width > 600 else "phone"
        _write(page.screenshot(), OUT / f"{name}-{suffix}.png")
        page.set_viewport_size({"width": width, "height": 900})
    context.close()


def _views(browser: Browser, address: str, mode: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 3200}, color_scheme=mode)  # type: ignore[arg-type]
    page = context.new_page()
    for name, path in VIEWS.items():
        page.goto(f"{address}/{path}")
        _settle(page)
        if name == "ladder":
            page.get_by_role("button", name="ASL", exact=True).or_(page.get_by_role("radio", name="ASL")).first.click()
        if name == "code":
            page.locator(".st-key-closer-view button").last.click()
        _settle(page)
        box = page.locator(".st-key-closer-view").bounding_box()
        assert box is not None
        height = 900 if name == "code" else min(box["height"], 1400) + 20
        clip = {"x": box["x"] - 20, "y": box["y"] - 10, "width": box["width"] + 40, "height": height}
        _write(page.screenshot(clip=clip), OUT / f"losses-{name}-{mode}.png")  # type: ignore[arg-type]
    context.close()


def _settle(page: Page) -> None:
    expect(page.locator("h1")).to_be_visible(timeout=60_000)
    page.wait_for_timeout(2500)
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=120_000
    )


def _write(shot: bytes, path: Path) -> None:
    Image.open(BytesIO(shot)).convert("RGB").quantize(256).save(path, optimize=True)
    print(path, path.stat().st_size // 1024, "KiB")


if __name__ == "__main__":
    main()
