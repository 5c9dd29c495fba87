"""``python docs/site/check.py FOLDER``: every link and anchor of a built site leads somewhere, and nothing is fetched.

A page may link to other sites; it may load nothing from them: no script, style, font, picture or frame.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADS = {**dict.fromkeys(("script", "img", "iframe", "source", "video", "audio", "embed"), "src"),
          "object": "data", "link": "href"}
_LINKS_THAT_LOAD_NOTHING = {"canonical", "prev", "next", "alternate", "license"}
_OUTSIDE = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_IN_STYLE = re.compile(r"(?:@import\s+|url\()\s*['\"]?(?:https?:)?//[^'\")\s]+", re.IGNORECASE)


class _Page(HTMLParser):
    """What a page loads, where its links go, and the anchors that it has."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        """Gathers loads, links and anchors of one element."""
        found = dict(attributes)
        self.anchors.update(filter(None, (found.get("id"), found.get("name") if tag == "a" else None)))
        quiet = tag == "link" and set((found.get("rel") or "").split()) & _LINKS_THAT_LOAD_NOTHING
        if tag in _LOADS and found.get(_LOADS[tag]) and not quiet:
            self.loads.append(found[_LOADS[tag]])
        self.loads += [one.split()[0] for one in (found.get("srcset") or "").split(",") if one.strip()]
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if "mermaid" in (found.get("class") or "").split():
            self.loads.append("https://mermaid")  # the theme fetches its script where a page has a diagram


def problems(folder):
    """A sentence for each link that leads nowhere and each request to another site."""
    folder = folder.resolve()
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    wrong = []
    for path, page in pages.items():
        name = path.relative_to(folder)
        wrong += [f"{name}: loads {target}" for target in page.loads if _OUTSIDE.match(target)]
        for target in [*page.links, *page.loads]:
            sentence = None if _OUTSIDE.match(target) else _dead(target, path, pages, folder)
            if sentence and path.name != "404.html":  # its links start at the server's root
                wrong.append(f"{name}: {sentence}")
    for path in sorted(folder.rglob("*.css")):
        found = _IN_STYLE.findall(path.read_text(encoding="utf-8"))
        wrong += [f"{path.relative_to(folder)}: loads {one}" for one in found]
    return list(dict.fromkeys(wrong))


def _dead(target, path, pages, folder):
    parts = urlsplit(target)
    if parts.scheme:
        return None
    to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not to.exists():
        return f"no file for {target}"
    if not to.is_relative_to(folder):
        return f"{target} lies outside of the site"
    if parts.fragment and to in pages and unquote(parts.fragment) not in pages[to].anchors:
        return f"no anchor for {target}"
    return None


def main(folder):
    """Prints what is wrong; 1 if anything is."""
    found = problems(Path(folder))
    print("\n".join(found) if found else f"{folder}: all links lead somewhere, nothing is loaded from elsewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
