"""The page in a real browser: no error, nothing fetched, the charts are there, and it fits a phone."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from vanallen.sw.report import write_page

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE, DESKTOP = 390, 1280
PATIENCE = 120_000
"""Milliseconds; a page takes a second, more where the machine is shared."""

SIZES = """selector => [...document.querySelectorAll(selector)].map(
    element => [element.getBoundingClientRect().width, element.getBoundingClientRect().height])"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install -y chromium")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS), timeout=PATIENCE)
        yield browser
        browser.close()


def look(browser, address, *, width=DESKTOP, scheme="light"):
    """The open page, what went wrong in it and what it asked for."""
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.set_default_timeout(PATIENCE)
    wrong, requests = [], []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address, wait_until="load")
    return page, wrong, requests


@pytest.fixture
def address(build):
    return write_page(build / "page.html", folder=build).path.as_uri()


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_page_is_whole(browser, address, width):
    page, wrong, requests = look(browser, address, width=width)
    assert wrong == []
    assert [url for url in requests if not url.startswith("data:")] == [address]
    names = page.evaluate("[...document.querySelectorAll('svg.chart')].map(chart => chart.getAttribute('aria-label'))")
    assert len(names) == 6 and all(names), names
    assert all(width > 250 and height > 20 for width, height in page.evaluate(SIZES, "svg.chart"))
    marks = page.evaluate(SIZES, "svg.chart rect, svg.chart circle")
    assert len(marks) > 148 + 181 and all(width > 1 and height > 1 for width, height in marks)
    loaded = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(loaded) >= 20 and set(loaded) == {8}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_text_of_charts_can_be_read_on_a_phone(browser, address):
    page, _, _ = look(browser, address, width=PHONE)
    assert min(height for _, height in page.evaluate(SIZES, "svg.chart text")) >= 9
    page.close()


def test_dark_scheme_is_dark(browser, address):
    def brightness(scheme, what):
        page, _, _ = look(browser, address, scheme=scheme)
        color = page.evaluate(f"getComputedStyle(document.body).{what}")
        page.close()
        return sum(int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(","))

    assert brightness("light", "backgroundColor") > 600 > 200 > brightness("dark", "backgroundColor")
    assert brightness("dark", "color") > 600 > 200 > brightness("light", "color")


def test_the_look_sees_what_is_wrong(browser, tmp_path):
    """A page with a script error and something to fetch: both are noticed."""
    path = tmp_path / "bad.html"
    path.write_text('<!doctype html><img src="missing.png"><script>undefined_function()</script>')
    page, wrong, requests = look(browser, path.as_uri())
    assert any("undefined_function" in line for line in wrong) and any("ERR_FILE_NOT_FOUND" in line for line in wrong)
    assert any(url.endswith("missing.png") for url in requests)
    page.close()
