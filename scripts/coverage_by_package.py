"""Prints which share of each package's lines the tests ran, from what `make coverage` wrote.

Processes that a test starts are not measured, so the commands (`unite/train.py` and its like) show less than is tested.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Prints a line a package, and one for all of them."""
    measured = json.loads((ROOT / ".coverage.json").read_text(encoding="utf-8"))["files"]
    run, lines = Counter[str](), Counter[str]()
    for name, file in measured.items():
        top, *inner, _ = Path(name).parts
        for package in {top, inner[0] if inner else "commands, types"}:
            run[package] += len(file["executed_lines"])
            lines[package] += len(file["executed_lines"]) + len(file["missing_lines"])
    print(f"{'package':16} lines  run")
    for package in sorted(lines, key=lambda package: (package == "unite", package)):
        print(f"{package:16} {lines[package]:5} {run[package] / lines[package]:4.0%}")


if __name__ == "__main__":
    main()
