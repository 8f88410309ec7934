"""The folder of a world: named by what it is made from, whole or not there, built once however many ask for it."""

from __future__ import annotations

import json
import logging
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from unite.errors import DataError, must_be
from unite.files import whole_folder, write_json
from unite.locks import locked
from unite.types import fingerprint

log = logging.getLogger(__name__)

#: Writes a world into a folder and returns what its manifest says of it.
Write = Callable[[Path], Mapping[str, Any]]


class WorldFolder:
    """`<root>/<name>-<fingerprint>`, with a `manifest.json` that is written last.

    Args:
        root: the folder that world folders lie in.
        name: of the kind of world.
        parameters: all that it follows from, beside the code.

    Attributes:
        fingerprint: 12 hex digits over the parameters, the atlas and this package's code: another world, another name.
    """

    def __init__(self, root: str | Path, name: str, parameters: Mapping[str, Any]) -> None:
        self.name, self.parameters = name, dict(parameters)
        self.fingerprint = f"{fingerprint(json.dumps(self.parameters, sort_keys=True), *_code()):016x}"[-12:]
        self.path = Path(root) / f"{name}-{self.fingerprint}"

    def prepare(self, write: Write) -> None:
        """Builds the world if it is not there. Processes that ask at the same time build it once: the others wait."""
        if self._is_whole():
            return
        with locked(self.path.with_name(self.path.name + ".lock")):
            if not self._is_whole():
                shutil.rmtree(self.path, ignore_errors=True)  # its manifest is missing or spoilt
                self.build(write, self.path)

    def build(self, write: Write, folder: Path) -> None:
        """Builds the world into a folder, which gets its name when everything is in it. Raises DataError if it exists already."""
        if folder.exists():
            raise DataError(must_be("the folder of a new world", "one that is not there yet", str(folder), "Remove it to build it again."))
        started = time.monotonic()
        log.info("building %s", folder)
        with whole_folder(folder, existing="keep") as unfinished:
            manifest = {"fingerprint": self.fingerprint, "parameters": self.parameters, **write(unfinished)}
            write_json(unfinished / "manifest.json", manifest)
        counts = " and ".join(f"{len(found)} {what}" for what, found in manifest.items() if what in ("sources", "tasks"))
        log.info("built %s in %.0f s", counts, time.monotonic() - started)

    def _is_whole(self) -> bool:
        try:
            return bool(json.loads((self.path / "manifest.json").read_text())["fingerprint"] == self.fingerprint)
        except (OSError, ValueError, KeyError, TypeError):
            return False


class BuiltWorld(ABC):
    """A world in a folder of its own, as `unite.data.source.World` asks for one.

    Args:
        config: a dataclass of `unite.config.schema.world`: the parameters, and the root of the folder.
        more: what the world follows from beside them.

    Attributes:
        kind: what its folder's name begins with.
        parameters: of the config.
    """

    kind: ClassVar[str]

    def __init__(self, config: Any, **more: Any) -> None:
        self.parameters = {name: value for name, value in asdict(config).items() if name not in ("_target_", "root")}
        self._folder = WorldFolder(config.root, self.kind, self.parameters | more)

    @property
    def folder(self) -> Path:
        """Where the world lies once built."""
        return self._folder.path

    def prepare(self) -> None:
        """Builds the world if it is not there. Processes that ask at the same time build it once: the others wait."""
        self._folder.prepare(self._write)

    def texts(self) -> Iterator[str]:
        """Yields every training text once, instructions included: what a tokenizer is trained on. Raises DataError if it is not built."""
        path = self.folder / "texts.txt"
        if not path.is_file():
            what = f"the {self.kind.replace('_', ' ')}"
            raise DataError(must_be(what, "built before it is read", str(path), "Call prepare() first."))
        with path.open(encoding="utf-8") as file:
            yield from (line.rstrip("\n") for line in file)

    @abstractmethod
    def _write(self, folder: Path) -> dict[str, Any]:
        """Writes the world, its `texts.txt` too if it has training texts, and returns what its manifest says of it."""


@cache
def _code() -> tuple[bytes, ...]:
    """What decides how a world looks; read once, so that a world keeps its name while a process runs."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), *sorted((here / "atlas").glob("atlas.*"))]
    return tuple(file.read_bytes() for file in files if file.name != "preview.py")
