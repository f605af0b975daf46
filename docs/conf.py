"""Sphinx configuration of the documents; `make docs` builds them without a warning."""

from importlib.metadata import version as installed

project = "Van Allen"
author = "Van Allen contributors"
project_copyright = "Van Allen contributors, Apache-2.0"
release = version = installed("vanallen")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_generated"]
html_static_path = ["_static"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "alabaster"
html_theme_options = {
    "description": "An int8 matrix accelerator for satellites",
    "fixed_sidebar": True,
    "page_width": "1100px",
}
html_show_sourcelink = False
html_show_sphinx = False
