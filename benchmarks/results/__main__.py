"""``python -m benchmarks.results``: completes results/, writes results.csv, docs/RESULTS.md and README's tables.

With ``--check`` nothing is written; the exit code is 1 where a file is not what would be written.
"""

import argparse
import sys

from benchmarks.results import page, readme, records


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results", description=__doc__.split(":", 1)[1].strip())
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where something is out of date")
    args = parser.parse_args(argv)
    stale = 0
    for path, text in documents():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(f"{path.relative_to(records.ROOT)}: {'out of date' if args.check else 'written'}")
        if not args.check:
            records.write(path, text)
    return 1 if args.check and stale else 0


def documents():
    """[(path, text)]: everything that is written from the result files."""
    found = records.load()
    written = [(records.RESULTS / f"{name}.json", records.text_of(record)) for name, record in found.items()]
    written.append((records.RESULTS / "results.csv", records.csv_text(found)))
    written.append((records.ROOT / "docs" / "RESULTS.md", page.results_page(found)))
    path = records.ROOT / "README.md"
    written.append((path, readme.with_blocks(path.read_text(encoding="utf-8"), found)))
    return written


if __name__ == "__main__":
    try:
        sys.exit(main())
    except records.ResultError as error:
        sys.exit(f"results: {error}")
