"""From moving a knob to the painted curve: the explorer, beside a plain Streamlit slider with the same curves.

``python -m benchmarks.explorer [loss ...]``: both pages are served side by side on this machine. For every element-wise
loss three losses are overlaid (it, BCE and ASL; four panels) and its first knob is dragged through its range. Measured
in Chromium: from the time stamp of each ``input`` event to the first task after the frame in which the paths
changed. For the slider: from the key press to the moment the number under the charts has changed, which is before they
are painted.
The target is a 95th percentile of at most 34 ms on two idle cores.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from lt_core.losses import LossSpec, all_losses
from lt_core.params import Integer, Real
from tests.browser.app_server import CHROMIUM_FLAGS, ROOT, chromium, serving

STEPS = 60
ENOUGH = 60
TARGET = 34.0
SLIDER = """
import altair as alt
import pandas as pd
import streamlit as st
from lt_core.losses import get_loss
from lt_core.losses.curves import loss_curves

gamma = st.slider("gamma_neg", 0.0, 8.0, 4.0, 0.1)
frames = [loss_curves(get_loss(k), v).assign(loss=k) for k, v in
          (("bce", {}), ("focal", {}), ("asl", {"gamma_neg": gamma}))]
table = pd.concat(frames)
for measure in ("value", "gradient"):
    for place, y in zip(st.columns(2), (1, 0)):
        chart = alt.Chart(table[table.y == y]).mark_line().encode(x="x:Q", y=f"{measure}:Q", color="loss:N")
        place.altair_chart(chart)
st.text(f"gamma_neg is {gamma}")
"""
WATCH = """
(root) => {
  window.spans = [];
  let began = null;
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    if (began !== null) window.spans.push(performance.now() - began);
    began = null;
  };
  window.addEventListener("input", (event) => (began = event.timeStamp), true);
  new MutationObserver(() => channel.port2.postMessage(0)).observe(root, {
    subtree: true, attributes: true, attributeFilter: ["d"],
  });
}
"""
WATCH_TEXT = """
() => {
  window.spans = [];
  let began = null;
  const shown = () => document.querySelector("[data-testid=stText]")?.innerText;
  let last = shown();
  window.addEventListener("keydown", (event) => (began = event.timeStamp), true);
  new MutationObserver(() => {
    if (began === null || shown() === last || !shown()) return;
    last = shown();
    window.spans.push(performance.now() - began);
    began = null;
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}
"""


def first_knob(spec: LossSpec) -> str | None:
    """Return the name of the first knob that is a slider, or None."""
    return next((p.name for p in spec.params if isinstance(p.domain, Real | Integer)), None)


def dragged(page: Page, selector: str) -> list[float]:
    """Drag the slider forth and back until it has moved often enough; return the milliseconds of every event."""
    knob = page.locator(selector)
    knob.scroll_into_view_if_needed()
    box = knob.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 10, y)
    page.mouse.down()
    spans: list[float] = []
    for turn in range(12):
        for k in range(1, STEPS + 1):
            along = k / STEPS if turn % 2 == 0 else 1 - k / STEPS
            page.mouse.move(box["x"] + 10 + (box["width"] - 20) * along, y)
            page.wait_for_timeout(25)
        spans = page.evaluate("window.spans")
        if len(spans) >= ENOUGH:
            break
    page.mouse.up()
    return spans


def explorer(browser: Browser, address: str, spec: LossSpec) -> list[float]:
    """Return the times of the explorer with ``spec`` and two other losses."""
    keys = list(dict.fromkeys([spec.key, "bce", "asl", "focal"]))[:3]
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(f"{address}/losses?losses={','.join(keys)}")
    selector = f'[data-knob="{spec.key}.{first_knob(spec)}"]'
    page.wait_for_selector(selector)
    page.wait_for_timeout(1500)
    page.locator(".panels").evaluate(WATCH)
    spans = dragged(page, selector)
    page.close()
    return spans


def slider(browser: Browser, address: str) -> list[float]:
    """Return the times of a Streamlit slider that redraws the same number of curves."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(address)
    page.wait_for_selector("text=gamma_neg is 4.0")
    page.wait_for_timeout(3000)
    page.evaluate(WATCH_TEXT)
    page.locator("[data-testid=stSlider] input[type=range]").focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(600)
    spans: list[float] = page.evaluate("window.spans")
    page.close()
    return spans


def row(name: str, spans: list[float]) -> float:
    """Print one line and return the 95th percentile."""
    ordered = sorted(spans)
    late = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"{name:28}{len(spans):6}{statistics.median(spans):10.1f}{late:10.1f}{ordered[-1]:10.1f}", flush=True)
    return late


def main() -> None:
    """Measure and print the table."""
    wanted = sys.argv[1:]
    specs = [s for s in all_losses() if s.gives == "cells" and first_knob(s) and (not wanted or s.key in wanted)]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        (folder / "slider.py").write_text(SLIDER, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        with (
            serving(folder / "slider.py", folder / "a", log=folder / "slider.log") as plain,
            serving(ROOT / "app.py", folder / "b", log=folder / "app.log") as ours,
        ):
            print(f"{'milliseconds':28}{'events':>6}{'median':>10}{'p95':>10}{'largest':>10}")
            base = row("Streamlit slider (asl)", slider(browser, plain))
            late = {spec.key: row(spec.key, explorer(browser, ours, spec)) for spec in specs}
        browser.close()
    worst = max(late, key=lambda key: late[key])
    ratio = base / late[worst]
    print(f"worst p95 {late[worst]:.1f} ms ({worst}), target {TARGET:.0f} ms; the slider's is {ratio:.0f} times it")


if __name__ == "__main__":
    main()
