"""A served app and a browser page that remembers every error it saw."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

_spec = importlib.util.spec_from_file_location("app_server", Path(__file__).with_name("app_server.py"))
assert _spec is not None
assert _spec.loader is not None
app_server = importlib.util.module_from_spec(_spec)
sys.modules["app_server"] = app_server
_spec.loader.exec_module(app_server)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; its absence is a failure in CI and a stated skip elsewhere."""
    path = app_server.chromium()
    if path is None:
        sentence = "no Chromium here: install it (Debian: apt-get install chromium) or name it in CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=app_server.CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the runs and caches of the app."""
    return tmp_path_factory.mktemp("app") / "home"


@pytest.fixture(scope="session")
def app(home: Path) -> Iterator[str]:
    """The address of the app, served once for all browser tests, with a home of its own."""
    with app_server.serving(app_server.ROOT / "app.py", home, log=home.with_name("app.log")) as address:
        yield address


def _note(message: ConsoleMessage, errors: list[str]) -> None:
    # Opened at /page, Streamlit's own front end first asks for /page/_stcore/..., gets 404 and then asks at the root.
    own = "404" in message.text and "/_stcore/" in str(message.location.get("url", ""))
    if message.type == "error" and not own:
        errors.append(message.text)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser page; the test fails if the console showed an error or the page an exception."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: _note(message, errors))
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    shown = page.locator("[data-testid=stException]").all_inner_texts()
    context.close()
    assert not errors, f"errors in the browser's console: {errors}"
    assert not shown, f"exceptions on the page: {shown}"
