"""The package's rooms: imports run one way, without a circle; folders and functions stay small.

Imports are read from the sources, those inside functions as well, so a lazy import is no way around the order.
"""

import ast
from collections import deque
from pathlib import Path

import pytest

import covid3dgan

PACKAGE = "covid3dgan"
ROOT = Path(covid3dgan.__file__).parent
# From the top down; what shares a line is one room. A file may import from its own room and from those below it.
ORDER = (
    ("__main__",), ("cli",), ("notebooks",), ("app",), ("systems",), ("viewer",), ("export",), ("training",),
    ("inference",), ("evaluation",), ("runs",), ("losses",), ("models",), ("data",), ("presets",), ("papers",),
    ("weights",), ("compat", "addons", "kernels"),
    ("__init__", "errors", "files", "progress", "processes", "environment", "quiet_start", "streams"))
HEIGHT = {name: -number for number, names in enumerate(ORDER) for name in names}
DIVIDED = ("data", "models", "evaluation", "training")  # their folders are rooms too
MOST_FILES, MOST_LINES = 18, 60


# === reading ===

def read(root):
    """{path relative to ``root``: syntax tree} of a package's files."""
    return {path.relative_to(root): ast.parse(path.read_text(encoding="utf-8"), path)
            for path in sorted(root.rglob("*.py"))}


def module_of(path):
    """The dotted name of a file."""
    parts = path.with_suffix("").parts
    return ".".join((PACKAGE, *(parts[:-1] if parts[-1] == "__init__" else parts)))


def arrows(trees):
    """{(importing file, imported file): line of the first import}; a file's own package does not count as imported."""
    files = {module_of(path): path for path in trees}
    found = {}
    for path, tree in trees.items():
        package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
        for node in ast.walk(tree):
            for name in imported(node, package, files):
                if files[name] != path:
                    found.setdefault((path, files[name]), node.lineno)
    return found


def imported(node, package, files):
    """The package's modules that an import statement names: the longest dotted name that is a file."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = package.split(".")[:len(package.split(".")) - node.level + 1]
            base = ".".join([*above, *filter(None, [node.module])])
        names = [f"{base}.{alias.name}" for alias in node.names]
    else:
        return
    for name in names:
        if name.split(".")[0] != PACKAGE:
            continue
        while name not in files and "." in name:
            name = name.rpartition(".")[0]
        if name in files:
            yield name


# === rules ===

def circles(edges):
    """One shortest circle, as a list of nodes, for every group of nodes that reach each other."""
    nexts = {}
    for a, b in edges:
        nexts.setdefault(a, set()).add(b)
    found, seen = [], set()
    for start in sorted(nexts):
        if start in seen:
            continue
        circle = way_back(start, nexts)
        if circle:
            found.append(circle)
            seen.update(node for node in nexts if reaches(start, node, nexts) and reaches(node, start, nexts))
    return found


def way_back(start, nexts):
    """The shortest way from ``start`` to itself, or None."""
    came_from, queue = {}, deque([start])
    while queue:
        node = queue.popleft()
        for following in sorted(nexts.get(node, ())):
            if following == start:
                way = [start]
                while node != start:
                    way.append(node)
                    node = came_from[node]
                return [start, *reversed(way[1:]), start]
            if following not in came_from:
                came_from[following] = node
                queue.append(following)
    return None


def reaches(start, end, nexts):
    """Whether imports lead from one node to the other."""
    seen, waiting = {start}, [start]
    while waiting:
        for following in nexts.get(waiting.pop(), ()):
            if following == end:
                return True
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return False


def module_circles(trees):
    """'a.py -> b.py -> a.py' for the files that import each other."""
    return [" -> ".join(map(Path.as_posix, circle)) for circle in circles(arrows(trees))]


def room_of(path):
    """The room of a file: its outermost folder, or its own name where it lies in none."""
    return path.parts[0] if len(path.parts) > 1 else path.stem


def upward(trees):
    """A sentence for each import of a room that lies above, and for each room that has no place in the order."""
    unknown = [f"{path.as_posix()}: the room {room_of(path)} is not in ORDER" for path in trees
               if room_of(path) not in HEIGHT]
    return unknown + [
        f"{a.as_posix()}:{line} imports {b.as_posix()}" for (a, b), line in arrows(trees).items()
        if room_of(a) in HEIGHT and room_of(b) in HEIGHT and HEIGHT[room_of(a)] < HEIGHT[room_of(b)]]


def sub_room_circles(trees):
    """A sentence for each circle among the folders of a divided room, with an import for each of its arrows."""
    found = []
    for room in DIVIDED:
        example = {}
        for (a, b), line in arrows(trees).items():
            ends = sub_room(a, room), sub_room(b, room)
            if None not in ends and ends[0] != ends[1]:
                example.setdefault(ends, f"{a.as_posix()}:{line} imports {b.as_posix()}")
        for circle in circles(example):
            found.append(f"{' -> '.join(circle)}: {'; '.join(example[ends] for ends in zip(circle, circle[1:]))}")
    return found


def sub_room(path, room):
    """The folder of ``room`` in which a file lies; the files beside the folders stand for themselves."""
    if path.parts[0] != room or len(path.parts) < 2:
        return None
    return "/".join(path.parts[:2])


def full_folders(trees):
    """A sentence for each folder with too many files."""
    counts = {}
    for path in trees:
        counts[path.parent] = counts.get(path.parent, 0) + 1
    return [f"{folder.as_posix()}/: {count} files, at most {MOST_FILES}" for folder, count in counts.items()
            if count > MOST_FILES]


def long_functions(trees):
    """A sentence for each function with too many lines, from ``def`` to its last."""
    return [f"{path.as_posix()}:{node.lineno} {node.name}: {lines} lines, at most {MOST_LINES}"
            for path, tree in trees.items() for node in ast.walk(tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            and (lines := node.end_lineno - node.lineno + 1) > MOST_LINES]


# === the package ===

@pytest.fixture(scope="module")
def package():
    return read(ROOT)


RULES = (module_circles, upward, sub_room_circles, full_folders, long_functions)


@pytest.mark.parametrize("rule", RULES)
def test_package_keeps(rule, package):
    found = rule(package)
    assert not found, "\n" + "\n".join(found)


def test_package_was_read(package):
    edges = arrows(package)
    assert {room_of(path) for path in package} >= {"cli", "systems", "training", "models", "data", "compat", "errors"}
    assert (Path("compat.py"), Path("errors.py")) in edges


# === the rules themselves ===

def made(folder, sources):
    """The trees of a package of these sources, {path: text}; files of an earlier call stay."""
    for name, text in sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read(folder)


def test_circle_is_found_through_a_lazy_import(tmp_path):
    trees = made(tmp_path, {
        "data/a.py": "from covid3dgan.data import b\n", "data/c.py": "from covid3dgan.data.a import x\n",
        "data/b.py": "def lazy():\n    import covid3dgan.data.a as a\n    return a\n"})
    assert module_circles(trees) == ["data/a.py -> data/b.py -> data/a.py"]
    assert not upward(trees)
    assert not module_circles(made(tmp_path, {"data/b.py": "import json\n"}))


def test_longer_circle_is_found_through_relative_imports(tmp_path):
    trees = made(tmp_path, {"data/x/a.py": "from .. import b\n", "data/b.py": "from .y.c import f\n",
                            "data/y/c.py": "from ..x.a import g\n"})
    assert module_circles(trees) == ["data/b.py -> data/y/c.py -> data/x/a.py -> data/b.py"]


def test_a_package_that_gathers_its_files_is_no_circle(tmp_path):
    trees = made(tmp_path, {"models/__init__.py": "from covid3dgan.models.net import build\n", "models/blocks.py": "",
                            "models/net.py": "from covid3dgan.models import blocks\n"})
    assert not module_circles(trees)
    trees = made(tmp_path, {"models/blocks.py": "from covid3dgan.models import build\n"})
    assert module_circles(trees) == ["models/__init__.py -> models/net.py -> models/blocks.py -> models/__init__.py"]


def test_arrow_up_is_found(tmp_path):
    trees = made(tmp_path, {
        "models/net.py": "def f():\n    from covid3dgan.training.loop import run\n    return run\n",
        "training/loop.py": "from covid3dgan import compat\nfrom covid3dgan.models.net import build\n",
        "compat.py": "from covid3dgan import errors, presets\n", "errors.py": "", "presets/__init__.py": ""})
    assert upward(trees) == ["compat.py:1 imports presets/__init__.py", "models/net.py:2 imports training/loop.py"]


def test_room_without_a_place_is_found(tmp_path):
    assert upward(made(tmp_path, {"attic/box.py": ""})) == ["attic/box.py: the room attic is not in ORDER"]


def test_circle_of_sub_rooms_is_found_where_no_two_files_make_one(tmp_path):
    trees = made(tmp_path, {"data/x/a.py": "from covid3dgan.data.y import c\n", "data/y/c.py": "",
                            "data/y/d.py": "from covid3dgan.data.x import e\n", "data/x/e.py": ""})
    assert not module_circles(trees)
    assert sub_room_circles(trees) == [
        "data/x -> data/y -> data/x: data/x/a.py:1 imports data/y/c.py; data/y/d.py:1 imports data/x/e.py"]


def test_full_folder_is_found(tmp_path):
    assert not full_folders(made(tmp_path, {f"data/f{number}.py": "" for number in range(MOST_FILES)}))
    assert full_folders(made(tmp_path, {"data/more.py": ""})) == ["data/: 19 files, at most 18"]


@pytest.mark.parametrize(("lines", "found"), [(60, []), (61, ["data/a.py:2 f: 61 lines, at most 60"])])
def test_long_function_is_found(tmp_path, lines, found):
    source = '@wrap\ndef f():\n    """What."""\n' + "    pass\n" * (lines - 2)
    assert long_functions(made(tmp_path, {"data/a.py": source})) == found
