"""What `python -m unite.worlds.stamps` builds: packages -> pictures and tables -> curation -> rows and tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from unite.build.curate import curate, told_options
from unite.config.schema import CurateConfig, StampsConfig
from unite.errors import ConfigError, must_be
from unite.files import read_json, whole_folder, write_json
from unite.locks import locked
from unite.types import fingerprint
from unite.worlds.stamps.fetching import fetch
from unite.worlds.stamps.gathering import ANIMATION, collections_in, gather
from unite.worlds.stamps.items import read_items
from unite.worlds.stamps.packages import Package, packages
from unite.worlds.stamps.pictures import check_renderer
from unite.worlds.stamps.writing import Split, write_set

#: What a committed datasheet is without: paths of a machine, and numbers that say little of drawings of one size.
_LEFT_OUT = ("config", "plan", "checksums", "distributions", "not_whole", "nearly_uniform")


def make_stamps(config: StampsConfig) -> dict[str, Any]:
    """Makes the set, or what is left of it to be made.

    Returns:
        The manifest: `concepts`, `sources`, `tasks`.

    Raises:
        ConfigError: if the renderer of SVG is missing, or the folder holds another set.
        DataError: if a client is missing, a package cannot be fetched, or curation leaves nothing.
    """
    check_renderer()
    cache, folder = Path(str(config.cache)), Path(config.data_root) / "stamps"
    wanted = packages(config.collections, config.animations)
    trees = fetch(wanted, cache / "packages")
    how: dict[str, Any] = {"languages": list(config.languages), "side": config.side, "workers": config.curation.workers}
    raw = {one.name: gather(one, trees, cache / "raw", **how) for one in collections_in(trees, config.collections, config.languages)}
    curated, sheet = _curated(config, raw)
    split = Split(config.seed, config.test_share, config.num_translations)
    made_of = {"curated": sheet["checksum"], "split": vars(split)}
    made_of["fingerprint"] = f"{fingerprint(json.dumps(made_of, sort_keys=True)):016x}"
    with locked(folder.with_name(folder.name + ".lock")):
        if (folder / "manifest.json").is_file():
            manifest = read_json(folder / "manifest.json")
            if manifest.get("fingerprint") == made_of["fingerprint"]:
                return manifest
            hint = "Name another data_root, or remove it."
            raise ConfigError(must_be("data_root", "one without another set of stamps", str(folder), hint))
        names = {name: "video" if name == ANIMATION else "image" for name in sheet["sources"]}
        collections = {name: read_items(curated / name / f"text-to-{medium}") for name, medium in names.items()}
        with whole_folder(folder, existing="keep") as unfinished:
            manifest = {**made_of, **write_set(unfinished, collections, split)}
            write_json(unfinished / "datasheet.json", _datasheet(sheet, manifest, wanted))
            write_json(unfinished / "manifest.json", manifest)
    return manifest


def _curated(config: StampsConfig, raw: Mapping[str, str]) -> tuple[Path, dict[str, Any]]:
    """Curates the raw tables, and returns the datasheet; a folder is named by the tables and options that it was made of."""
    options: Any = OmegaConf.create({"curation": OmegaConf.to_container(config.curation, resolve=True)})
    curation = OmegaConf.merge(OmegaConf.structured(CurateConfig), options.curation)
    for name in [name for name in curation.recipes if name not in raw]:
        del curation.recipes[name]
    told = json.dumps([raw, told_options(curation)], sort_keys=True)  # type: ignore[arg-type]
    curation.out = f"{curation.out}-{fingerprint(told):016x}"
    return Path(curation.out), curate(curation)  # type: ignore[arg-type]


def _datasheet(sheet: Mapping[str, Any], manifest: Mapping[str, Any], wanted: Sequence[Package]) -> dict[str, Any]:
    """Returns curation's datasheet without what is of a machine, with the packages and what was written."""
    told = [{"name": one.name, "version": one.version, "licence": one.licence, "of": one.of, "sha256": one.sha256} for one in wanted]
    return {"packages": told, "set": dict(manifest), **{name: value for name, value in sheet.items() if name not in _LEFT_OUT}}
