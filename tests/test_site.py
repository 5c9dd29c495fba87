"""The site of the documents: what its check refuses, how links are turned, and that the API's pages name what there is.

`make docs` builds the site itself, strictly, in an environment of its own.
"""

import ast
import importlib
import importlib.util
import re
from pathlib import Path

import pytest

import covid3dgan

ROOT = Path(covid3dgan.__file__).resolve().parents[1]


def loaded(name):
    """docs/site/NAME.py, which lies in no package."""
    spec = importlib.util.spec_from_file_location(f"site_{name}", ROOT / "docs" / "site" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check, hooks = loaded("check"), loaded("hooks")


class Files(set):
    """The site's files, as far as the links ask for them."""

    def get_file_from_path(self, path):
        """The path where it is one of the site's."""
        return path if path in self else None


def snippets():
    """The texts of the documents' Python blocks, but those for other programs' consoles."""
    for path in sorted((ROOT / "docs").rglob("*.md")):
        texts = re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        if path.name != "slicer.md":
            yield from (pytest.param(text, id=path.name) for text in texts)


@pytest.mark.parametrize("text", snippets())
def test_what_a_documents_python_imports_is_there(text):
    imports = [node for node in ast.parse(text).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert imports
    exec(compile(ast.Module(imports, []), "document", "exec"), {})


@pytest.mark.parametrize("line, sentence", [
    ('<script src="https://unpkg.com/x.js"></script>', "a.html: loads https://unpkg.com/x.js"),
    ('<link rel="stylesheet" href="//fonts.example/f.css">', "a.html: loads //fonts.example/f.css"),
    ('<img src="b.png" srcset="http://example.org/c.png 2x">', "a.html: loads http://example.org/c.png"),
    ('<a href="gone.html">x</a>', "a.html: no file for gone.html"),
    ('<a href="b.html#nowhere">x</a>', "a.html: no anchor for b.html#nowhere"),
    ('<a href="../../etc.html">x</a>', "a.html: no file for ../../etc.html"),
    ('<pre class="mermaid">graph</pre>', "a.html: loads https://mermaid"),
])
def test_a_dead_link_and_a_request_to_another_site_are_named(tmp_path, line, sentence):
    (tmp_path / "b.html").write_text('<h1 id="here">b</h1>')
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "a.html").write_text(f"<p>{line}</p>")
    assert check.problems(tmp_path) == [sentence]


def test_links_to_other_sites_and_good_anchors_pass(tmp_path, capsys):
    (tmp_path / "a.html").write_text('<link rel="canonical" href="https://example.org/"><a href="https://example.org">x</a>'
                                     '<a href="b.html#here">x</a><a href="#top">x</a><i id="top"></i>')
    (tmp_path / "b.html").write_text('<h1 id="here">b</h1>')
    assert check.main(tmp_path) == 0 and "all links lead somewhere" in capsys.readouterr().out


def test_a_style_that_fetches_a_font_is_named(tmp_path):
    (tmp_path / "a.css").write_text("@import url('https://fonts.example/f.css'); b{background:url(img.png)}")
    assert check.problems(tmp_path) == ["a.css: loads url('https://fonts.example/f.css"]
    assert check.main(tmp_path) == 1


def test_links_go_to_pages_of_the_site_and_to_nothing_else():
    files = Files({"index.md", "PREDICT.md", "results/README.md", "experiments/afseg.md"})

    def turned(text, source, uri):
        return hooks._LINK.sub(lambda found: hooks._link(found, source, uri, files), text)

    assert turned("[a](docs/PREDICT.md#offline) [b](CITATION.cff)", "README.md", "index.md") == (
        "[a](PREDICT.md#offline) b")
    assert turned("[a](../../README.md) [b](#here) [c](https://x.org)", "docs/experiments/afseg.md",
                  "experiments/afseg.md") == "[a](../index.md) [b](#here) [c](https://x.org)"
    assert turned("[a](../docs/PREDICT.md)", "results/README.md", "results/README.md") == "[a](../PREDICT.md)"


def test_a_link_to_no_file_is_a_warning(caplog):
    hooks._link(hooks._LINK.match("[a](../no_such_file.py)"), "docs/PREDICT.md", "PREDICT.md", Files())
    assert caplog.messages == ["docs/PREDICT.md: the link to ../no_such_file.py leads to no file"]


def test_lists_and_tables_get_the_empty_line_that_they_want():
    assert hooks._spaced("text:\n* a\n* b\n  more\n* c\n\ntext\n| a |\n|---|\n| b |") == (
        "text:\n\n* a\n* b\n  more\n* c\n\ntext\n\n| a |\n|---|\n| b |")


def test_the_apis_pages_have_every_public_name_and_each_is_there():
    text = "\n".join(hooks.api_pages().values())
    for room in ("models", "losses", "presets"):
        for name in importlib.import_module(f"covid3dgan.{room}").__all__:
            assert f"heading: covid3dgan.{room}.{name}\n" in text
    for name in set(covid3dgan.__all__) - {"__version__"}:
        assert f"heading: covid3dgan.{name}\n" in text
    for path in re.findall(r"^::: (\S+)$", text, re.MULTILINE):
        home, _, name = path.rpartition(".")
        assert getattr(importlib.import_module(home), name).__doc__, path
