"""Fixtures of the tests of reports: marts of a few observations, and a browser."""

import base64
import gzip
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest
from obslake.progress import Progress
from obslake.report.overview import read_overview
from obslake.report.write import write_folder, write_single_file

from tests.marts.comparison import create_models, replace_rows
from tests.reference.naive import Description, Observation

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="session")
def models(compiled: dict[str, Any]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The models as tables in memory, which `marts_of` fills."""
    with duckdb.connect() as connection:
        create_models(connection, compiled)
        connection.execute("set TimeZone = 'UTC'")
        yield connection


@pytest.fixture
def marts_of(
    models: duckdb.DuckDBPyConnection,
) -> Callable[..., duckdb.DuckDBPyConnection]:
    """Make marts of observations, and of descriptions of implementations."""

    def make(
        observations: Sequence[Observation], descriptions: Sequence[Description] = ()
    ) -> duckdb.DuckDBPyConnection:
        replace_rows(models, observations, descriptions)
        return models

    return make


def write(marts: duckdb.DuckDBPyConnection, path: Path) -> Path:
    """Write a report on all problems; return its overview."""
    overview = read_overview(marts, [], [], with_plots=True)
    make = write_single_file if path.suffix else write_folder
    with Progress(enabled=False).task("report", "rows") as task:
        return Path(make(marts, overview, path, task).output)


@dataclass
class Browser:
    """A page of a real browser, and what went wrong in it."""

    page: Any
    faults: list[str] = field(default_factory=list)

    def open(self, path: Path, **state: object) -> Any:
        """Open a page in a state, and wait until it is drawn."""
        self.page.goto("about:blank")
        self.page.goto(f"{path.as_uri()}#{urlencode(state)}")
        self.page.wait_for_selector("body[data-ready]")
        return self.page

    def texts(self, selector: str) -> list[str]:
        """Return the visible texts of all elements that a selector finds."""
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    def go(self, **state: object) -> None:
        """Go to another state of the page that is open."""
        self.page.evaluate(
            "hash => new Promise((drawn) => {"
            "  addEventListener('hashchange', () => requestAnimationFrame(drawn), { once: true });"
            "  location.hash = hash;"
            "})",
            urlencode(state),
        )


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: sh scripts/install-browser.sh")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        # Its own sandbox does not work for root.
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Browser]:
    """A page; a message on the console, an error or a request to elsewhere fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    browser = Browser(context.new_page())
    page, faults = browser.page, browser.faults
    page.on("console", lambda message: faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: _check_request(request.url, faults))
    yield browser
    context.close()
    assert faults == []


def _check_request(url: str, faults: list[str]) -> None:
    if not url.startswith(("file:", "data:,", "about:")):
        faults.append(f"request: {url}")


def data_of(page: Path, name: str = "data") -> Any:
    """Return the data that a page holds."""
    found = re.search(rf'id="{re.escape(name)}">([^<]*)<', page.read_text())
    assert found
    return json.loads(gzip.decompress(base64.b64decode(found[1])))
