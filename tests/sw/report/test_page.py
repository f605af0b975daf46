"""The page: figures of each result with their command, self-contained, small."""

import json
import re
from html.parser import HTMLParser

import pytest

from vanallen.sw.report import page as page_module
from vanallen.sw.report import write_page
from vanallen.sw.report.collect import collect
from vanallen.sw.report.commands import KINDS

from .conftest import RESULTS, bench, synthesis, write

VOID = {"meta", "link", "img", "br"}


class Reader(HTMLParser):
    """Collects addresses and text; fails on a tag that isn't closed in its place."""

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action", "data", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(path):
    reader = Reader()
    reader.feed(path.read_text())
    assert reader.open == []
    return reader, re.sub(r"\s+", " ", "".join(reader.text))


@pytest.fixture
def written(build):
    return write_page(build / "page.html", folder=build)


def test_every_figure_is_there_with_its_command(build, written):
    _, text = read(written.path)
    (run,) = (build / "run").glob("*.json")
    cycles = json.loads(run.read_text())["total_cycles"]
    for figure in (
        "36,994", "99.65 %", "doesn't fit", "146 of 148 coverage points", "Missed: round.tie, sum.wraps",
        "failed: row 3: got 1 want 2", "180 of 181 mutants caught", "Survivors: skew_short", "31,234", "18,456", "144",
        "98.5", "102.6", "110.5", "100 met", "26.3 GOPS peak", 
        "issue.pixel_row to issue.address, 4.12 ns", "of 83,640, 37 %", "91,234", "20,480", "nano-none by module",
        "1 of 2 proofs hold", "tag_delay", f"{cycles:,} cycles an inference", "0 differ",
    ):  # fmt: skip
        assert figure in text, figure
    results = collect(build)
    for kind in KINDS:
        assert results[kind][0].command in text, kind
    assert written.missing == {} and written.unreadable == ()


def test_nothing_is_fetched(written):
    reader, _ = read(written.path)
    assert reader.addresses
    assert all(address.startswith(("#", "data:")) for address in reader.addresses)
    text = written.path.read_text()
    assert not re.search(r"https?:|@import|url\(|<script", text)


def test_page_is_small(written):
    assert written.bytes == written.path.stat().st_size < 150_000


def test_a_page_too_large_is_refused(build, monkeypatch):
    monkeypatch.setattr(page_module, "LIMIT_BYTES", 10_000)
    with pytest.raises(ValueError, match="must be smaller than 10,000 bytes, not"):
        write_page(build / "page.html", folder=build)
    assert not (build / "page.html").exists()


@pytest.mark.parametrize("name", RESULTS)
def test_what_is_missing_is_said(build, name):
    (build / "results" / f"{name}.json").unlink()
    page = write_page(build / "page.html", folder=build)
    (command,) = page.missing.values()
    assert f"not measured yet. It comes with {command}" in read(page.path)[1]


def test_bad_news_is_shown_as_such(build):
    write(build, "bench-cubesat", bench(bit_exact=False, model_cycles=1))
    write(build, "synth-ulx3s-85f", synthesis(target=120.0))
    text = write_page(build / "page.html", folder=build).path.read_text()
    assert '<td class="no">differ</td>' in text
    assert '<td class="no" title="the cycle model says 1">36,994</td>' in text
    assert '<td class="no">120 missed</td>' in text


def test_seeds_that_ran_out_of_time(build):
    one = synthesis()
    one["seeds"][1] = {"seed": 2, "outcome": "time limit", "fmax_mhz": None, "seconds": 1800.0}
    write(build, "synth-ulx3s-85f", one)
    assert "not placed within the time limit" in read(write_page(build / "page.html", folder=build).path)[1]
    none = one | {"fmax_mhz": None, "met": False, "resources": None, "available": None, "critical_path": None}
    write(build, "synth-ulx3s-85f", none)
    text = read(write_page(build / "page.html", folder=build).path)[1]
    assert "None of the 4 seeds was placed within the time limit." in text and "GOPS" not in text


def test_what_results_say_is_escaped(build):
    write(build, "prove", RESULTS["prove"] | {"proofs": [{**RESULTS["prove"]["proofs"][0], "name": "<b onclick=x>"}]})
    page = write_page(build / "page.html", folder=build)
    assert "&lt;b onclick=x&gt;" in page.path.read_text() and "<b onclick" not in page.path.read_text()


def test_unreadable_files_are_named_in_the_page(build):
    (build / "results" / "bench-nano.json").write_text("{")
    page = write_page(build / "page.html", folder=build)
    assert "bench-nano.json" in page.unreadable[0] and "bench-nano.json" in read(page.path)[1]
