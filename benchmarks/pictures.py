"""``python -m benchmarks.pictures REPORT.html [--out docs/pictures]``: README's two pictures.

viewer.png: a phantom's CT and the mask of the network that comes along, in the page of ``covid3dgan view``.
report.png: the first screen of a report, as ``covid3dgan demo`` writes it.
Both are drawn by a headless Chromium (tests/helpers/browser.py) and need the built page (``make viewer``).
"""

import argparse
import sys
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.results.records import ROOT
from covid3dgan.cli.main import main as covid3dgan

SIZES = {"viewer": (1100, 720), "report": (1100, 720)}


def viewer(browser, out, folder):
    """The page of one phantom with the mask that was found in it."""
    made, ct, mask = folder / "made", folder / "my_ct.nii.gz", folder / "masks" / "my_ct.nii.gz"
    done("phantom", made, "--cohort", "coronacases-like", "--cases", "1")
    next((made / "images").iterdir()).rename(ct)
    done("predict", ct, mask.parent)
    done("view", ct, mask, "--out", folder / "page.html")
    with browser.Page(*SIZES["viewer"]) as page:
        page.open(folder / "page.html")
        page.run("new Promise(done => setTimeout(done, 1500))")
        page.screenshot(out)


def done(*command):
    """Runs one command of covid3dgan, or stops."""
    if covid3dgan([str(one) for one in command]):
        raise SystemExit(f"covid3dgan {command[0]} failed")


def report(browser, out, path):
    """The first screen of a report."""
    with browser.Page(*SIZES["report"], dark=False) as page:
        page.call("Page.navigate", url=path.resolve().as_uri())
        page.wait("document.readyState == 'complete'")
        page.run("new Promise(done => setTimeout(done, 500))")
        page.screenshot(out)


def smaller(path):
    """The picture in fewer bytes; in all its colours, for a palette would make one of the small patches' colours."""
    Image.open(path).convert("RGB").save(path, optimize=True)


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pictures", description=__doc__.split(":", 1)[1].strip(),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path, help="the report.html of a run of `covid3dgan demo`")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    args = parser.parse_args(argv)
    if not args.report.is_file():
        parser.error(f"{args.report}: expected a report.html, found no such file; run covid3dgan demo first")
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import browser

    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        viewer(browser, args.out / "viewer.png", Path(folder))
    report(browser, args.out / "report.png", args.report)
    for name in SIZES:
        smaller(args.out / f"{name}.png")
        print(f"{args.out / name}.png: {(args.out / f'{name}.png').stat().st_size / 1024:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
