"""Generate `docs/results.md` and the README's results table from the rows in `results/`.

Usage: python scripts/make_tables.py [--check]
"""

from __future__ import annotations

import sys

from regard.common.repository import repository_root
from regard.common.tables import readme_table, replace_between_marks, results_document


def main(arguments: list[str]) -> int:
    root = repository_root()
    results = root / "results"
    readme = root / "README.md"
    wanted = {
        root / "docs" / "results.md": results_document(results),
        readme: replace_between_marks(readme.read_text(encoding="utf-8"), readme_table(results)),
    }
    stale = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        if "--check" in arguments:
            print(f"stale: {path.relative_to(root)}; run `make docs`")
        else:
            path.write_text(wanted[path], encoding="utf-8")
            print(f"written: {path.relative_to(root)}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
