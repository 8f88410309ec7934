"""What the documentation names is there: files, tests, and what the README links to. (Links among its pages are checked by `make docs`.)"""

import re

import pytest

from tests.commands import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
#: A file or folder of the repository in backticks, and a test in it.
NAMED = re.compile(r"`((?:unite|conf|tests|scripts|experiments|benchmarks|docs)/[\w/.-]*(?:/|\.(?:py|yaml|json|md)))(?:::(\w+))?`")
#: What a reader is to write, and names that stand for any.
OF_NOBODY = {"conf/mixture/products.yaml", "conf/mixture/pictures.yaml", "conf/prompt/mine.yaml", "conf/association/mine.yaml"}
OF_NOBODY |= {"unite/a/b.py", "tests/a/test_b.py"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_file_that_a_page_names_is_there(page):
    named = NAMED.findall(page.read_text(encoding="utf-8"))
    missing = [path for path, _ in named if path not in OF_NOBODY and not (ROOT / path).exists()]
    missing += [f"{path}::{test}" for path, test in named if test and f"def {test}(" not in (ROOT / path).read_text(encoding="utf-8")]
    assert missing == []


def test_everything_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(links) > 10 and [link for link in links if not (ROOT / link).exists()] == []
