"""What MkDocs does with the documents: files from beside docs/, links as in the repository, the pages of the API.

The documents are written for the repository: their links go to files in it, lists and tables follow a paragraph
without an empty line. Here links go to pages of the site where there is one; a link to another file of the repository
is left as its text, and one to a file that is not there is a warning, which `make docs` fails on.
"""

import ast
import logging
import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOG = logging.getLogger("mkdocs.hooks.covid3dgan")
# Pages from beside docs/: their place in the site.
BESIDE = {"README.md": "index.md", "CHANGELOG.md": "CHANGELOG.md", "CONTRIBUTING.md": "CONTRIBUTING.md",
          "results/README.md": "results/README.md"}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_ITEM = re.compile(r"\s*(?:[*+-]|\d+\.) ")


def on_config(config):
    """Into the navigation: the pages of experiments/, as their README lists them, and what mkdocs.yml does not name."""
    readme = (ROOT / "docs" / "experiments" / "README.md").read_text(encoding="utf-8")
    names = dict.fromkeys([*re.findall(r"^\| \[([a-z0-9-]+\.md)\]", readme, flags=re.MULTILINE), *sorted(
        path.name for path in (ROOT / "docs" / "experiments").glob("*.md") if path.name != "README.md")])
    listed = str(config.nav)
    further = [path.name for path in sorted((ROOT / "docs").glob("*.md")) if f"'{path.name}'" not in listed]
    for entry in config.nav:
        if "Experiments" in entry:
            entry["Experiments"] = [{"Overview": "experiments/README.md"},
                                    *(_entry(f"experiments/{name}") for name in names)]
        if "Use" in entry:
            entry["Use"] += [_entry(name) for name in further]
    return config


def _entry(name):
    """A page's place in the navigation, called as its first line says."""
    return {(ROOT / "docs" / name).read_text(encoding="utf-8").splitlines()[0].lstrip("# "): name}


def on_files(files, config):
    """Adds README and its like, the result files, and the API's pages."""
    from mkdocs.structure.files import File

    for source, target in BESIDE.items():
        files.append(File.generated(config, target, content=(ROOT / source).read_text(encoding="utf-8")))
    for path in sorted((ROOT / "results").rglob("*.*")):
        if path.suffix in (".json", ".csv"):
            files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    for target, text in api_pages().items():
        files.append(File.generated(config, target, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """The page's links and the empty lines that Python-Markdown wants; code stays as it is."""
    source = {target: name for name, target in BESIDE.items()}.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    if page.file.src_uri.startswith("api/"):
        return markdown
    pieces = re.split(r"(^```.*?^```[^\n]*$)", markdown, flags=re.DOTALL | re.MULTILINE)
    return "".join(piece if at % 2 else _spaced(_LINK.sub(
        lambda found: _link(found, source, page.file.src_uri, files), piece)) for at, piece in enumerate(pieces))


def _link(found, source, uri, files):
    """One link of a document: to the page of the site, to nothing, or as it was."""
    image, text, target = found.groups()
    if re.match(r"[a-z]+:|#", target):
        return found[0]
    path, _, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    in_site = BESIDE.get(path, path.removeprefix("docs/") if path.startswith("docs/") else path)
    if path in BESIDE or path.startswith(("docs/", "results/")):
        if files.get_file_from_path(in_site):
            relative = posixpath.relpath(in_site, posixpath.dirname(uri) or ".")
            return f"{image}[{text}]({relative}{'#' + anchor if anchor else ''})"
    if not (ROOT / path).exists():
        LOG.warning("%s: the link to %s leads to no file", source, target)
    return text


def _spaced(text):
    """Empty lines before lists and tables that follow a paragraph, as everybody else's Markdown does without."""
    lines = []
    for line in text.split("\n"):
        before = lines[-1] if lines else ""
        starts_list = _ITEM.match(line) and before.strip() and not _ITEM.match(before) and not before.startswith(" ")
        starts_table = line.startswith("|") and before.strip() and not before.startswith("|")
        if starts_list or starts_table:
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


# === API ===

def api_pages():
    """{page: text} for the public names; what a name is and where it lives is read from the sources."""
    top = _literal("covid3dgan/__init__.py", "_PUBLIC")
    pages = {
        "api/index.md": _page("covid3dgan", "The Python API. `import covid3dgan` loads no TensorFlow.",
                              {name: f"{home}.{name}" for name, home in top.items()}, "covid3dgan.")}
    errors = ("InputError", "ArgumentError", "InputWarning")
    pages["api/index.md"] += _page("covid3dgan.errors", "", {name: f"covid3dgan.errors.{name}" for name in errors},
                                   "covid3dgan.errors.", level=2)
    data = {f"volumes.{name}": f"covid3dgan.data.volumes.{name}" for name in ("read", "read_mask", "write")}
    data["perlin.pnoise2"] = "covid3dgan.data.perlin.pnoise2"
    data["preprocess.preprocess"] = _home("covid3dgan/data/preprocess/__init__.py", "preprocess")
    pages["api/data.md"] = _page("covid3dgan.data", "Reading, writing and preparing CTs.", data, "covid3dgan.data.")
    for room, what in (("models", "The networks: functions that return a named `keras.Model`."),
                       ("losses", "The losses of the five papers.")):
        homes = _literal(f"covid3dgan/{room}/__init__.py", "_HOMES")
        pages[f"api/{room}.md"] = _page(f"covid3dgan.{room}", what, {
            name: f"covid3dgan.{room}.{home}.{name}" for name, home in sorted(homes.items())}, f"covid3dgan.{room}.")
    names = _literal("covid3dgan/presets/__init__.py", "__all__")
    pages["api/presets.md"] = _page("covid3dgan.presets", "Every hyper-parameter, by name.", {
        name: _home("covid3dgan/presets/__init__.py", name) for name in names}, "covid3dgan.presets.")
    names = _literal("covid3dgan/evaluation/protocols.py", "__all__")
    pages["api/evaluation.md"] = _page("covid3dgan.evaluation", "The protocols as coded, and scores per volume.", {
        f"protocols.{name}": f"covid3dgan.evaluation.protocols.{name}" for name in names}, "covid3dgan.evaluation.")
    pages["api/export.md"] = _page("covid3dgan.export", "SavedModels and TFLite files.", {
        "write.export": "covid3dgan.export.write.export"}, "covid3dgan.export.")
    return pages


def _page(title, what, names, prefix, level=1):
    blocks = [f"\n{'#' * level} {title}\n\n{what}\n"]
    blocks += [f"\n::: {path}\n    options:\n      heading: {prefix}{name}\n      toc_label: {name}\n"
               for name, path in names.items()]
    return "".join(blocks).lstrip("\n")


def _literal(path, name):
    """The value of a module's literal, without importing it."""
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise KeyError(f"{path} has no {name}")


def _home(path, name):
    """The dotted path of a name that a package imports from one of its modules."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]:
            return f"{node.module}.{name}"
    return ".".join((*Path(path).parent.parts, name))
