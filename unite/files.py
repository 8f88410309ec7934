"""Files and folders that are there whole or not at all, and JSON.

A writer writes under a name of its own, `<name>.<host>-<process>-<number>.partial`, and gives what it wrote its name at the end. So a
reader never sees half of it, a writer that fails or is killed leaves nothing under the name, and two processes that write the same thing at
once both end well. What a killed process of this machine left is removed by the next that writes to the folder.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import platform
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, Protocol

import yaml

from unite.errors import DataError, must_be

#: Made once: `json.dumps` makes one for each value.
_to_json = json.JSONEncoder(ensure_ascii=False).encode

_SUFFIX = ".partial"
#: No dots in a host's name here: the parts of a partial's name are told apart by them.
_HOST = re.sub(r"[^\w]+", "_", platform.node()) or "host"
_numbers = itertools.count()
_PARTIAL = re.compile(rf"\.(?P<host>\w+)-(?P<process>\d+)-\d+{re.escape(_SUFFIX)}$")
#: Permissions of a new file. The umask is read by setting it, which is not for threads.
_UMASK = os.umask(0o077)
os.umask(_UMASK)
_NEW = 0o666 & ~_UMASK
#: Folders that were looked through for what dead processes left.
_swept: set[Path] = set()


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Gives a path to write to; when the block ends the file takes the name `path`, if it raises nothing is left.

    A file of that name is replaced. The folder is made if it is not there.
    """
    path = Path(path)
    make_folder(path.parent)
    partial = partial_path(path)
    try:
        yield partial
        _grant(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: str | Path, *, existing: Literal["keep", "replace"]) -> Iterator[Path]:
    """Gives an empty folder to write into; when the block ends it takes the name `folder`, if it raises nothing is left.

    Args:
        folder: its final path.
        existing: what becomes of a folder that has the name by then: `keep` where all writers write the same, so that the first one's
            stays, or `replace`.
    """
    folder = Path(folder)
    partial = partial_path(folder)
    partial.mkdir(parents=True)
    try:
        yield partial
        for written in partial.rglob("*"):
            _grant(written)
        _take_name(partial, folder, replace=existing == "replace")
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, but no folder that is being written: if that is gone, its process was killed and it was removed.

    Raises:
        FileNotFoundError: if it lies in a partial folder that is not there any more.
    """
    if folder.is_dir():
        return
    if _PARTIAL.search(folder.name):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)


def partial_path(path: Path) -> Path:
    """Returns a name to write under that is this process's own, for a writer that cannot be a block.

    In a folder that is new to the process, it first removes what dead processes of this machine left.
    """
    if path.parent not in _swept:
        _swept.add(path.parent)
        for left in path.parent.glob(f"*{_SUFFIX}"):
            named = _PARTIAL.search(left.name)
            if named and named["host"] == _HOST and not is_alive(int(named["process"])):
                _remove_left(left)
    return _own_name(path)


def _own_name(path: Path) -> Path:
    return path.with_name(f"{path.name}.{_HOST}-{os.getpid()}-{next(_numbers)}{_SUFFIX}")


def _remove_left(left: Path) -> None:
    """Removes what a dead process left, under another name: a worker that outlives it for a moment then cannot write on into it."""
    own = _own_name(left)
    with suppress(FileNotFoundError):  # another process removes it too
        left.rename(own)
        shutil.rmtree(own, ignore_errors=True) if own.is_dir() else own.unlink(missing_ok=True)


def with_an_end(path: Path) -> Path:
    """Returns the path of what is to be read whole.

    Raises:
        OSError: if it is not there, or is a device or a pipe: reading these may never end.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "it is a device or a pipe, no file", str(path))
    return path


def write_text(path: str | Path, text: str) -> None:
    """Writes a text file, whole or not at all. What UTF-8 cannot hold (half of a surrogate pair) is written as its escape."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: str | Path, value: Any) -> None:
    """Writes a JSON file, whole or not at all."""
    write_text(path, as_json(value))


def as_json(value: Any) -> str:
    """Returns the text of a JSON file."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


class Readable(Protocol):
    """A text file, wherever it lies, as `Path` is one."""

    def read_text(self, encoding: str) -> str:
        """Returns what is in it."""


def read_json(path: str | Path | Readable, hint: str = "") -> dict[str, Any]:
    """Reads a JSON file that holds an object.

    Args:
        path: the file.
        hint: what to do where it cannot be read.

    Raises:
        DataError: if it cannot be read, is no JSON, or holds something else.
    """
    return _read(path, json.loads, "a JSON object", hint)


def read_yaml(path: str | Path, hint: str = "") -> dict[str, Any]:
    """Reads a YAML file that holds a mapping; arguments and errors are those of `read_json`."""
    return _read(path, yaml.safe_load, "a mapping", hint)


def _read(path: str | Path | Readable, parse: Callable[[str], Any], expected: str, hint: str) -> dict[str, Any]:
    try:
        value = parse((Path(path) if isinstance(path, str) else path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read ({error}). {hint}".rstrip()) from error
    if not isinstance(value, dict):
        raise DataError(must_be(str(path), expected, type(value).__name__, hint))
    return value


def write_lines(path: str | Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Writes JSON Lines, whole or not at all."""
    write_raw_lines(path, map(to_line, lines))


def to_line(line: Mapping[str, Any]) -> bytes:
    """Returns a line of JSON Lines, with its end."""
    return (_to_json(line) + "\n").encode(errors="backslashreplace")


def write_raw_lines(path: str | Path, lines: Iterable[bytes]) -> None:
    """Writes lines as `to_line` makes them, whole or not at all."""
    with whole_file(path) as partial, partial.open("wb") as file:
        file.writelines(lines)


def append_line(path: str | Path, line: Mapping[str, Any]) -> None:
    """Adds one line to a file of JSON Lines: a log that several moments of a run write to."""
    with Path(path).open("ab") as file:
        file.write(to_line(line))


def read_lines(path: str | Path) -> Iterator[dict[str, Any]]:
    """Reads JSON Lines."""
    with Path(path).open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _grant(path: Path) -> None:
    """Lets those read and write a file whom the umask lets, as of any new file: safetensors gives its own to their owner alone."""
    if path.is_file() and not path.is_symlink():
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode | _NEW != mode:
            path.chmod(mode | _NEW)


def _take_name(partial: Path, folder: Path, *, replace: bool) -> None:
    while True:
        try:
            partial.rename(folder)  # succeeds over an empty folder too
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        if not replace:
            return
        old = partial_path(folder)
        with suppress(FileNotFoundError):  # another process moved it away first
            folder.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def is_alive(process: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
