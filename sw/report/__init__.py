"""The page of what is under ``build/``: one self-contained HTML file."""

from .page import Page, write_page

__all__ = ["Page", "write_page"]
