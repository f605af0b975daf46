"""Marked tables are made anew, and nothing else of a page is touched."""

import pytest

from vanallen.sw.figures.markers import pages, render, render_pages
from vanallen.sw.figures.tables import TABLES


def marked(name, text="stale\n"):
    return f"<!-- figures:{name} -->\n{text}<!-- end -->\n"


def test_tables_are_replaced_and_the_rest_stays():
    text = "# Title\n\n" + marked("cycles") + "between\n" + marked("area", "") + "after, as `<!-- figures:x -->` says\n"
    new = render(text, {})
    tables = {name: f"<!-- figures:{name} -->\n{TABLES[name]({})}\n<!-- end -->\n" for name in ("cycles", "area")}
    assert new == (
        "# Title\n\n" + tables["cycles"] + "between\n" + tables["area"] + "after, as `<!-- figures:x -->` says\n"
    )
    assert render(new, {}) == new


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (marked("no-such"), "a marker must name one of cycles, .*, not 'no-such'"),
        ("<!-- figures:cycles -->\nstale\n", "the table cycles must end with <!-- end -->"),
        ("<!-- figures:cycles -->\n" + marked("area"), "the table cycles must end with <!-- end -->"),
    ],
)
def test_wrong_markers_are_refused(text, said):
    with pytest.raises(ValueError, match=said):
        render(text, {})


def test_pages_are_those_with_a_marker(tmp_path):
    (tmp_path / "docs/components").mkdir(parents=True)
    (tmp_path / "README.md").write_text(marked("cycles"))
    (tmp_path / "docs/index.md").write_text("speaks of `<!-- figures:cycles -->`\n")
    page = tmp_path / "docs/components/area.md"
    page.write_text(marked("area"))
    assert pages(tmp_path) == [tmp_path / "README.md", page]
    assert render_pages(tmp_path, {}) == [tmp_path / "README.md", page]
    assert render_pages(tmp_path, {}) == []
