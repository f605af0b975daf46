"""The page of the registers: complete, on its own, the same on every run, and a browser shows it from a file."""

import hashlib
import os
import re
import shutil
import subprocess
import sys

import pytest

from vanallen.rtl.commands import ErrorCode
from vanallen.rtl.config import PRESETS
from vanallen.rtl.registers import REGISTERS, State
from vanallen.sw.export.rdl import compile_map
from vanallen.sw.export.register_page import register_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def page():
    return register_page(compile_map(PRESETS["payload"]), "Van Allen, payload")


def test_page_refers_to_no_other_file(page):
    assert len(page) < 1 << 20
    assert not re.findall(r'<(?:script|img|iframe)[^>]* src="(?!data:)', page)
    assert not re.findall(r'<link[^>]* href="(?!data:)', page)
    assert re.findall(r'src:\s*url\("(.{10})', page) == ["data:font/"] * 2
    assert not re.findall(r"src:\s*url\([\"']?(?![\"']?data:)", page)
    assert "MathJax.js" not in page


def test_page_holds_every_register_and_code(page):
    for entry in REGISTERS:
        text = re.sub("`(.*?)`", r"<code>\1<\\/code>", entry.doc)  # Markdown, in HTML in JavaScript
        assert text.replace("'", "&#39;") in page or text in page, entry.name
    for code in (*State, *ErrorCode):
        assert code.name in page


def test_page_carries_the_licences_of_its_parts(page):
    assert "LGPLv3" in page and "Kimmo Brunfeldt" in page and "fontawesome.com/license" in page


def test_pages_of_two_runs_are_the_same():
    code = (
        "import hashlib; from vanallen.rtl.config import PRESETS; from vanallen.sw.export.rdl import compile_map;"
        "from vanallen.sw.export.register_page import register_page as page; from vanallen.sw.export.ip_xact import *;"
        "top = compile_map(PRESETS['payload']);"
        "print(*(hashlib.sha256(text.encode()).hexdigest() for text in (page(top, 'title'), ip_xact(top, 'name'))))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone}, capture_output=True,
            text=True, check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("77", "Asia/Tokyo"))
    }  # fmt: skip
    (output,) = outputs
    assert len(output.split()) == 2 and len(output.split()[0]) == hashlib.sha256().digest_size * 2


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
def test_browser_shows_it_from_a_file(page, tmp_path):
    from playwright.sync_api import sync_playwright

    path = tmp_path / "registers.html"
    path.write_text(page, encoding="utf-8")
    complaints, requests = [], []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1100, "height": 800})
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(path.as_uri())
        tab.get_by_text("An int8 systolic matrix accelerator.").wait_for()
        for entry in REGISTERS:
            tab.goto(f"{path.as_uri()}?p=vanallen.registers.{entry.name}")
            content = tab.locator("#_ContentContainer")
            content.get_by_text(entry.doc.replace("`", ""), exact=True).wait_for()
            assert all(field.doc.replace("`", "") in content.inner_text() for field in entry.fields)
        browser.close()
    assert complaints == []
    assert {url.split("?")[0] for url in requests if not url.startswith("data:")} == {path.as_uri()}
