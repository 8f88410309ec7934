"""Folders of Hugging Face datasets as tables, read off the disk record by record.

    set/state.json, set/data-00000-of-00002.arrow          as `save_to_disk` writes a dataset
    set/dataset_dict.json, set/train/state.json, ...       one of several splits
    set/README.md, set/data/train-00000-of-00002.parquet   as it lies on the hub: parquet, JSON, CSV; the library says what belongs to what

Nothing is decoded (an image is `{"bytes", "path"}`, in a list too), and nothing is copied to the library's cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from unite.curation.recipes.annotation_files import format_of
from unite.curation.recipes.arrow_rows import labels_among, names_in_schema, rows_of, with_names
from unite.curation.recipes.lines import Record
from unite.curation.recipes.table import Table
from unite.curation.recipes.table_files import Tables, open_paths
from unite.errors import ConfigError, DataError, SkippedRowError, must_be, must_be_one_of
from unite.files import read_json


class SavedDataset(Table):
    """A dataset of one split that `save_to_disk` wrote; its Arrow files are mapped into memory, not read.

    Raises:
        DataError: if it is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns = tuple(names_in_schema(self._rows.features.arrow_schema))

    @cached_property
    def _rows(self) -> Any:
        try:
            return _library().load_from_disk(str(self.path)).with_format("arrow")
        except (OSError, ValueError, LookupError, TypeError) as error:  # of files that are cut, or of another kind
            expected = "one saved by `save_to_disk`, whole and with rows"
            raise DataError(must_be("a dataset", expected, f"{self.path} ({error!r})")) from error

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Record:
        (record,) = rows_of(self._rows[index], self.path.name, index)
        if isinstance(record, SkippedRowError):
            raise record
        return record


class LabelledTables(Tables):
    """Files whose class labels the README names.

    Args:
        tables: the files.
        labels: the features of the columns that hold class labels.
    """

    def __init__(self, tables: Sequence[Table], labels: Mapping[str, Any]) -> None:
        super().__init__(tables)
        self.labels = dict(labels)

    def __getitem__(self, index: int) -> Record:
        return with_names(super().__getitem__(index), self.labels)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "labels": self.labels}


def open_folder(name: str, folder: Path, split: str, subset: str) -> tuple[Tables, list[Path]]:
    """Opens a split of a dataset.

    Args:
        name: of the recipe, for errors.
        folder: of the dataset.
        split: of a dataset with several.
        subset: of a folder as on the hub with several; "" where there is one.

    Returns:
        Its records, and the files that they are in.

    Raises:
        ConfigError: if the library is not installed.
        DataError: if there is no dataset, no such split or subset, or its files are of no kind that is read.
    """
    whole, one = folder / "dataset_dict.json", folder / split
    if whole.is_file() and not (one / "state.json").is_file():
        raise DataError(must_be_one_of(f"the split of {folder}", (path.parent.name for path in folder.glob("*/state.json")), split))
    saved = one if whole.is_file() else folder
    if (saved / "state.json").is_file():
        found = "" if whole.is_file() else _saved_split(saved)
        if found and split not in (found, "train"):  # train, the default, is whatever the folder holds
            raise DataError(must_be_one_of(f"the split of {folder}", [found], split))
        return Tables([SavedDataset(saved)]), [saved / "state.json", *sorted(saved.glob("*.arrow"))]
    files, labels = _files_on_hub(name, folder, subset)
    if split not in files:
        raise DataError(must_be_one_of(f"the split of {folder}", files, split))
    other = next((path for path in files[split] if not format_of(path)), None)
    if other is not None:
        hint = "Pictures beside a metadata.csv are read by image_captions (image=file_name), tars by webdataset_shards."
        raise DataError(must_be(f"{name}.folder", "a dataset in parquet, JSON or CSV", f"one with {other}", hint))
    readme = [path for path in (folder / "README.md",) if path.is_file()]  # other names are other texts
    return LabelledTables(open_paths(files[split]).tables, labels), [*files[split], *readme]


def _saved_split(folder: Path) -> str:
    """Returns the split that `save_to_disk` noted, "" if none."""
    try:
        return str(read_json(folder / "state.json").get("_split") or "")
    except (DataError, AttributeError):
        return ""  # what is wrong with it is told when the dataset is opened


def _files_on_hub(name: str, folder: Path, subset: str) -> tuple[dict[str, list[Path]], dict[str, Any]]:
    """Returns the files of each split, as README.md or their names tell, and the class labels that README.md tells of."""
    expected = "a dataset saved by `save_to_disk`, or a folder as on the hub (data/train-*.parquet)"
    if not folder.is_dir():
        raise DataError(must_be(f"{name}.folder", expected, str(folder)))
    library = _library()
    try:
        with TemporaryDirectory() as cache:
            builder = library.load_dataset_builder(str(folder), subset or None, cache_dir=cache)
    except (OSError, ValueError) as error:  # its errors are of these kinds
        hint = f"Of a dataset with several subsets, set {name}.subset." if not subset else ""
        raise DataError(must_be(f"{name}.folder", expected, f"{folder} ({error})", hint)) from error
    files = {str(split): [Path(path) for path in paths] for split, paths in (builder.config.data_files or {}).items()}
    return files, labels_among(builder.info.features.to_dict() if builder.info.features else {})


def _library() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise ConfigError("recipe HuggingFace needs the library `datasets`, which is not installed: pip install datasets.") from error
    return datasets
