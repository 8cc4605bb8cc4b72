"""How long until the first page is drawn, against a bare Streamlit page with one chart.

``python -m benchmarks.first_page``: both served side by side on this machine, opened in turn in Chromium with an empty
cache; the time runs from navigation to the moment the chart's marks and the last text are in the document.
The target is a ratio of at most 1.3 of the medians.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.app_server import CHROMIUM_FLAGS, ROOT, chromium, serving

BARE = """
import altair as alt
import pandas as pd
import streamlit as st

st.title("Bare")
table = pd.DataFrame({"x": list("abcdefghijklmn"), "y": range(1, 15)})
st.altair_chart(alt.Chart(table).mark_bar().encode(x="y:Q", y="x:N"))
st.write("done")
"""
TIMES = 9


def drawn(browser: Browser, address: str, last_text: str) -> float:
    """Return seconds from navigation until the chart and ``last_text`` are there, in a fresh browser context."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector("[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas", state="attached")
    page.wait_for_selector(f"text={last_text}", state="attached")
    seconds = time.perf_counter() - start
    context.close()
    return seconds


def main() -> None:
    """Measure and print medians and their ratio."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        bare = folder / "bare.py"
        bare.write_text(BARE, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        with (
            serving(bare, folder / "a", log=folder / "bare.log") as plain,
            serving(ROOT / "app.py", folder / "b", log=folder / "app.log") as ours,
        ):
            rows = {"bare page": (plain, "done"), "LongTail Lab": (ours, "Ask why")}
            seen: dict[str, list[float]] = {key: [] for key in rows}
            first = {key: drawn(browser, *row) for key, row in rows.items()}
            time.sleep(30)  # the warm-up in the background has ended
            for _ in range(TIMES):
                for key, row in rows.items():
                    seen[key].append(drawn(browser, *row))
        browser.close()
    for key, values in seen.items():
        print(f"{key:14} first visit {first[key]:.2f} s, then median {statistics.median(values):.2f} s of {TIMES}")
    a, b = (statistics.median(values) for values in seen.values())
    print(
        f"ratio of medians {b / a:.2f} (target 1.3), of first visits {first['LongTail Lab'] / first['bare page']:.2f}"
    )


if __name__ == "__main__":
    main()
