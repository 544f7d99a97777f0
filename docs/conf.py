"""How the documentation is built: `make docs`. Warnings are errors there and in the tests."""

project = "Singularity Lab"
author = "the maintainers of Singularity Lab"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = "Singularity Lab"
html_static_path = ["styles"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sphinx = False
myst_heading_anchors = 4
nitpicky = True
linkcheck_ignore = [r"http://127\.0\.0\.1"]
