"""The documentation site: `make docs`. Nothing is fetched while it is built, and every warning is an error."""

import sys
from pathlib import Path

import unite

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "unite"
author = "The unite developers"
copyright = author  # the name that Sphinx asks for
version = release = unite.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "breaks",
    "docstrings",
    "modules",
    "options",
    "outside",
]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}

highlight_language = "none"  # what is indented is commands and drawings

myst_heading_anchors = 3

html_theme = "furo"
html_title = "unite"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]
toc_object_entries = False

autodoc_mock_imports = ["bitsandbytes", "ray"]  # extras that the documentation does without
python_maximum_signature_line_length = 100
add_module_names = False
