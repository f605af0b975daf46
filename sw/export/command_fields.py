"""The table of the command's fields, for the page of the documents that explains the format."""

from __future__ import annotations

from vanallen.rtl.commands import FIELDS

from .markdown import bits, table

__all__ = ["command_fields_markdown"]


def command_fields_markdown() -> str:
    """The fields of a command's eight words, in order: a Markdown table and nothing else, to be included in a page."""
    rows: list[list[object]] = [
        [
            field.word,
            bits(field.offset, field.width),
            f"`{field.name}`",
            field.doc + (", signed" if field.signed else ""),
        ]
        for field in FIELDS
    ]
    return "\n".join(table(["word", "bits", "field", "holds"], rows)).rstrip() + "\n"
