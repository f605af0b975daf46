"""The generated table of command fields: complete, fresh, and where the page that includes it looks for it."""

from pathlib import Path

from vanallen.rtl.commands import FIELDS
from vanallen.rtl.config import COMMAND_WORDS
from vanallen.sw.export.__main__ import main
from vanallen.sw.export.command_fields import command_fields_markdown

ROOT = Path(__file__).resolve().parents[3]
TABLE = "_generated/command_fields.md"


def test_every_bit_of_a_command_belongs_to_one_field():
    taken = [(field.word, field.offset + bit) for field in FIELDS for bit in range(field.width)]
    assert sorted(taken) == [(word, bit) for word in range(COMMAND_WORDS) for bit in range(64)]


def test_table_has_a_row_a_field_in_order():
    rows = [line.split(" | ") for line in command_fields_markdown().splitlines()[2:]]
    assert [row[2].strip("`") for row in rows] == [field.name for field in FIELDS]
    assert rows[2][:2] == ["| 0", "15:9"]
    assert rows[1][1] == "8"


def test_table_of_the_documents_is_fresh():
    text = (ROOT / "docs" / TABLE).read_text(encoding="utf-8")
    assert text == command_fields_markdown(), f"docs/{TABLE} is stale: run `make generate`"
    page = (ROOT / "docs/components/commands-format.md").read_text(encoding="utf-8")
    assert f"{{include}} ../{TABLE}" in page


def test_generate_writes_what_is_checked_in(tmp_path):
    assert main([str(tmp_path)]) == 0
    for name in ("registers.md", TABLE):
        assert (tmp_path / name).read_bytes() == (ROOT / "docs" / name).read_bytes(), name
    assert main([]) == 2
    assert main([str(tmp_path / "missing")]) == 2
