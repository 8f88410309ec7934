"""Images with captions: a folder of images and text files, or a CSV, TSV, JSONL or parquet of paths and captions.

The columns are named, so that one recipe reads every set of this kind once its images are on disk:

    CC3M, CapsFusion    what img2dataset writes beside the images: parquet with `caption`, `key`, `url`, `status`
    LAION               the same; its own metadata calls the caption `TEXT`

The two are as img2dataset's documentation gives them (`image="key", image_suffix=".jpg"`); no release was read for this file. COCO's own
JSON has a recipe of its own, `unite.curation.recipes.coco`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from unite.curation.raw import RawRow
from unite.curation.recipes.annotation_files import fingerprint_files
from unite.curation.recipes.captioned_folder import read_folder
from unite.curation.recipes.lines import Record
from unite.curation.recipes.tabular_recipe import TabularRecipe, content, field_of, needed, rest_of, text_of
from unite.errors import DataError, SkippedRowError, must_be, must_be_one_of
from unite.media import kind_of
from unite.media.ready import RawMedium
from unite.types import Modality

_IMAGES = {f".{suffix}" for suffix in kind_of(Modality.IMAGE).suffixes}


class ImageCaptions(TabularRecipe):
    """Rows from a table with a caption and an image path in each record.

    Args:
        name, annotations, licence, media_root: as in `TabularRecipe`.
        image: column of the image's path, its bytes, or an object with `bytes` or `path`; `a.b` is field b of the object in column a.
        caption: column of the caption, likewise.
        licence_column: column of the row's own licence, if there is one, likewise.
        image_suffix: appended to the path (`.jpg` where the table holds keys).
        direction: `text_to_image` or `image_to_text`.
        instruction: of the query.
    """

    def __init__(
        self,
        name: str,
        annotations: str | Path,
        *,
        image: str = "image",
        caption: str = "caption",
        licence_column: str = "",
        image_suffix: str = "",
        direction: str = "text_to_image",
        instruction: str = "",
        licence: str = "",
        media_root: str | Path = "",
    ) -> None:
        columns = (("image", image), ("caption", caption), ("licence_column", licence_column))
        super().__init__(name, annotations, columns=columns, licence=licence, media_root=media_root)
        check_direction(name, direction, "image")
        self.image_column, self.caption_column, self.licence_column = image, caption, licence_column
        self.image_suffix = image_suffix
        self.direction = direction
        self.instruction = instruction

    def row(self, key: str, record: Record) -> RawRow:
        """Caption and image, in the direction asked for."""
        value = field_of(record, self.image_column)
        if isinstance(value, Mapping):  # as Hugging Face stores images in parquet
            value = value.get("bytes") or value.get("path")
        named = {self.image_column: value}
        source = value if isinstance(value, bytes) and value else self.file_in(named, self.image_column, self.image_suffix)
        image = self.medium(Modality.IMAGE, source)
        licence = text_of(record, self.licence_column) if self.licence_column else ""
        metadata = rest_of(record, (self.image_column, self.caption_column, self.licence_column))
        caption = needed(record, self.caption_column)
        return caption_row(key, caption, image, self.direction, self.instruction, licence or self.licence, metadata)


class ImageFolder:
    """A folder in which the caption of `cat.jpg` stands in `cat.txt`, see `captioned_folder`; subfolders are read too.

    After the pictures come the other files: they are left out by name.

    Args:
        name, licence: as in `TabularRecipe`.
        folder: where the images lie.
        direction, instruction: as in `ImageCaptions`.
    """

    def __init__(
        self, name: str, folder: str | Path, *, direction: str = "text_to_image", instruction: str = "", licence: str = ""
    ) -> None:
        check_direction(name, direction, "image")
        self.name, self.folder, self.direction, self.instruction, self.licence = name, Path(folder), direction, instruction, licence
        self._images, self._left = read_folder(self.folder, _IMAGES)
        if not self._images:
            raise DataError(must_be(f"{name}.folder", f"a folder with images ({', '.join(sorted(_IMAGES))})", str(folder)))

    def __len__(self) -> int:
        return len(self._images) + len(self._left)

    def read(self, index: int) -> RawRow:
        """Returns a row. Raises SkippedRowError if the caption is missing."""
        if index >= len(self._images):
            raise SkippedRowError(*self._left[index - len(self._images)])
        image, beside = self._images[index].path, self._images[index].caption()
        try:
            caption = beside.read_text(encoding="utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise SkippedRowError("not UTF-8", f"{beside.name}: {error}") from error
        if not caption:
            raise SkippedRowError("empty field", f"{beside.name} holds no caption")
        metadata = {"file": str(image.relative_to(self.folder))}
        medium = RawMedium(Modality.IMAGE, str(image))
        return caption_row(f"{index:09d}", caption, medium, self.direction, self.instruction, self.licence, metadata)

    def fingerprint(self) -> str:
        """Digests the captions."""
        return fingerprint_files(path for image in self._images for path in image.captions)


def caption_row(
    key: str, caption: str, medium: RawMedium, direction: str, instruction: str, licence: str, metadata: dict[str, str]
) -> RawRow:
    """Returns the row of a caption and what it tells of, in the direction asked for."""
    if direction.startswith("text"):
        return RawRow(key, content(caption, instruction=instruction), (content("", medium),), licence=licence, metadata=metadata)
    return RawRow(key, content("", medium, instruction=instruction), (content(caption),), licence=licence, metadata=metadata)


def check_direction(name: str, direction: str, medium: str) -> None:
    """Raises DataError unless the direction is from text to the medium or back."""
    if direction not in (f"text_to_{medium}", f"{medium}_to_text"):
        raise DataError(must_be_one_of(f"{name}.direction", (f"text_to_{medium}", f"{medium}_to_text"), direction))
