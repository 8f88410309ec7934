"""A folder of pictures with captions beside them: which caption is whose, and which files are nobody's.

The caption of `my.cat.jpg` stands in `my.cat.txt`, in the same folder: the same name but for the last suffix, which may be in capitals. A
name that differs in case, in blanks or in its Unicode form is another name; it is told, not taken.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from unite.curation.raw import NO_SAMPLE
from unite.errors import SkippedRowError

_CAPTION = ".txt"
#: Why what lies in a folder is not known.
UNREADABLE = "unreadable folder"
#: Of macOS, beside folders that begin with a dot.
_NOT_DATA = ("__MACOSX",)


@dataclass(frozen=True)
class CaptionedFile:
    """A picture and its captions: one, if it is as it should be; and files that have nearly its name."""

    path: Path
    captions: tuple[Path, ...]
    near: tuple[Path, ...]

    def caption(self) -> Path:
        """Returns the file with its caption. Raises SkippedRowError if there is none, or two."""
        if len(self.captions) == 1:
            return self.captions[0]
        if self.captions:
            raise SkippedRowError("several members", f"{' and '.join(one.name for one in self.captions)} for {self.path.name}")
        hint = f"; there is {', '.join(one.name for one in self.near)}, which is another name" if self.near else ""
        raise SkippedRowError("missing file", f"{self.path.with_suffix(_CAPTION).name} with the caption of {self.path.name}{hint}")


def read_folder(folder: Path, suffixes: Collection[str]) -> tuple[list[CaptionedFile], list[tuple[str, str]]]:
    """Lists a folder and those in it.

    Args:
        folder: the topmost one.
        suffixes: of pictures, in small letters, with their dot.

    Returns:
        The pictures, by path; and (reason, detail) of every other file that is no caption of theirs.
    """
    pictures: list[Path] = []
    captions: dict[Path, list[Path]] = {}
    left: list[tuple[str, str]] = []

    def unreadable(error: OSError) -> None:
        left.append((UNREADABLE, f"{Path(error.filename).relative_to(folder)}: {error.strerror}"))

    for where, folders, names in os.walk(folder, onerror=unreadable):
        here = Path(where)
        for name, is_folder in [*((name, True) for name in folders), *((name, False) for name in names)]:
            path = here / name
            shown, suffix = path.relative_to(folder), path.suffix.lower()
            if name.startswith(".") or name in _NOT_DATA:
                left.append((NO_SAMPLE, f"{shown}: a hidden {'folder' if is_folder else 'file'}"))
            elif is_folder:
                if path.is_symlink():
                    left.append((NO_SAMPLE, f"{shown}: a link to a folder"))
            elif suffix in suffixes:
                pictures.append(path)
            elif suffix == _CAPTION:
                captions.setdefault(path.with_suffix(""), []).append(path)
            else:
                left.append((NO_SAMPLE, f"{shown}: neither picture nor caption"))
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _NOT_DATA]
    near: dict[Path, list[Path]] = {}
    for stem, files in captions.items():
        near.setdefault(_alike(stem), []).extend(files)
    found = []
    for path in sorted(pictures):
        stem = path.with_suffix("")
        alike = () if stem in captions else near.get(_alike(stem), ())
        found.append(CaptionedFile(path, tuple(sorted(captions.get(stem, ()))), tuple(alike)))
    used = {path.with_suffix("") for path in pictures}
    orphans = [path for stem, files in captions.items() if stem not in used for path in files]
    missing = [("missing file", f"the picture of the caption {path.relative_to(folder)}") for path in sorted(orphans)]
    return found, [*missing, *sorted(left)]


def _alike(stem: Path) -> Path:
    """Returns what names that may be mistaken for one another have in common."""
    return stem.parent / unicodedata.normalize("NFC", stem.name).casefold().strip()
