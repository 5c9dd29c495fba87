"""Lines of a cell that are no Python: shell lines, pip and cd without a sign in front, and Colab's own magics."""

__all__ = ["HELPER", "TextRules"]

import ast
import re

HELPER = "__covid3dgan__"  # the helper's name among the builtins, which transformed code calls

_SHELL_CELL = re.compile(r"%%(bash|sh|shell|script|system|sx|perl|ruby|javascript|js|html)\b")
_SHELL = re.compile(r"(\s*)(!|%(?:pip|conda|sx|system|sc|tensorflow_version|bigquery)\b)(.*)", re.S)
_BARE = re.compile(r"(\s*)((?:pip3?|conda|apt|apt-get|git|wget|curl|unzip|nvidia-smi)\s+[-\w'\"(/].*)", re.S)
_CAPTURED = re.compile(r"(\s*)([A-Za-z_][\w, ]*?)\s*=\s*(!|%(?:sx|system|sc)\b)(.*)", re.S)
_CAPTURE = re.compile(r"(\s*)%%capture\b(?:\s+(?:--?[\w-]+\s+)*([A-Za-z_]\w*))?.*", re.S)
_WRITTEN = re.compile(r"%%(?:writefile|file)\b")  # the rest of the cell is a file's text
_PLOTS = re.compile(r"(\s*)%matplotlib\s+(?!inline\b)\S.*", re.S)
_CD = re.compile(r"(\s*)%?cd(?:\s+(.*?))?\s*", re.S)


class TextRules:
    """An IPython input transformer: list of lines in, list of lines out.

    A cell that is valid Python is left as it is, so that a string which looks like a shell line stays one.
    """

    def __init__(self, recorder):
        self.recorder = recorder

    def __call__(self, lines):
        text = "".join(lines)
        if _is_python(text) or not text.strip():
            return lines
        if _WRITTEN.match(text.lstrip()):
            return lines
        if _SHELL_CELL.match(text.lstrip()):
            self._skipped(text.lstrip().splitlines()[0])
            return ["pass\n"]
        result, inside, continued = [], None, False
        for line in lines:
            if continued:  # the rest of a shell line that ends in a backslash
                continued = line.rstrip().endswith("\\")
                continue
            if inside is None:
                changed = self._line(line)
                if changed is not None:
                    result.append(changed)
                    continued = line.rstrip().endswith("\\")
                    continue
            inside = _open_string(line, inside)
            result.append(line)
        return result

    def _line(self, line):
        """The line in Python, or None where it is Python already."""
        body = line.rstrip("\n")
        found = _CAPTURED.fullmatch(body)
        if found:
            self._skipped(body.strip())
            return f"{found[1]}{found[2]} = []\n"
        found = _CAPTURE.fullmatch(body)
        if found:
            self.recorder.emit("skipped", body.strip(), "the output is shown")
            return f"{found[1]}{found[2]} = {HELPER}.captured()\n" if found[2] else f"{found[1]}pass\n"
        found = _PLOTS.fullmatch(body)
        if found:
            self.recorder.emit("skipped", body.strip(), "plots are shown below their cells")
            return f"{found[1]}%matplotlib inline\n"
        found = _CD.fullmatch(body)
        if found and not (found[2] or "").startswith(("=", "(", ".", ",")):
            target = (found[2] or "").strip().strip("'\"")
            return f"{found[1]}{HELPER}.change_directory({target!r})\n"
        found = _SHELL.fullmatch(body) or _BARE.fullmatch(body)
        if found:
            self._skipped(body.strip())
            return f"{found[1]}pass\n"
        return None

    def _skipped(self, line):
        self.recorder.emit("skipped", line, "not run: nothing is installed, fetched or removed")


def _is_python(text):
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _open_string(line, inside):
    """The triple quote that is still open after ``line``, given the one open before it."""
    position = 0
    while True:
        if inside:
            end = line.find(inside, position)
            if end < 0:
                return inside
            position, inside = end + 3, None
        starts = [(line.find(quote, position), quote) for quote in ('"""', "'''")]
        starts = [(at, quote) for at, quote in starts if at >= 0]
        if not starts:
            return None
        position, inside = min(starts)
        position += 3
