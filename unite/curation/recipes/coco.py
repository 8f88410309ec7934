"""COCO's captions: `captions_train2017.json`, an object with the lists `images`, `annotations` and `licenses`.

    images        {"id", "file_name", "license", "coco_url", "height", "width", ...}
    annotations   {"id", "image_id", "caption"}
    licenses      {"id", "name", "url"}

An annotation without a caption is a record that is left out, and so is one of an image that is not listed, has no file, or is listed more
than once with different files (in files that were joined).

The layout is as the data format page of COCO gives it; no release was read for this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from unite.curation.raw import RawRow
from unite.curation.recipes.annotation_files import fingerprint_files
from unite.curation.recipes.image_captions import check_direction
from unite.curation.recipes.lines import json_of
from unite.curation.recipes.tabular_recipe import content, media_folder, needed, rest_of
from unite.errors import DataError, SkippedRowError, must_be
from unite.media.ready import RawMedium
from unite.types import Modality


class CocoCaptions:
    """COCO's caption annotations: one row an image, all of its captions right answers (`image_to_text`), or one row a caption.

    Args:
        name, licence: as in `TabularRecipe`.
        annotations: `captions_*.json`, also `.json.gz`.
        media_root: the folder of the images (`train2017`).
        direction, instruction: as in `ImageCaptions`.
    """

    def __init__(
        self,
        name: str,
        annotations: str | Path,
        media_root: str | Path,
        *,
        direction: str = "text_to_image",
        instruction: str = "",
        licence: str = "",
    ) -> None:
        self.name, self.annotations, self.media_root = name, Path(annotations), media_folder(name, media_root, Path(annotations).parent)
        check_direction(name, direction, "image")
        self.direction, self.instruction, self.licence = direction, instruction, licence
        if not self.annotations.is_file():
            raise DataError(must_be(f"{name}.annotations", "an existing file", str(annotations)))

    @cached_property
    def _rows(self) -> list[tuple[dict[str, Any], list[str]] | SkippedRowError]:
        """(image, captions) of each row, the image's `license` being its name; then the annotations that cannot be used."""
        whole = json_of(self.annotations)
        missing = [name for name in ("images", "annotations") if not isinstance(whole, dict) or not isinstance(whole.get(name), list)]
        if missing:
            found = sorted(whole) if isinstance(whole, dict) else type(whole).__name__
            raise DataError(must_be(str(self.annotations), f"an object with the lists {' and '.join(missing)}", found))
        images = _images(whole["images"], whole.get("licenses"))
        self._check(whole["annotations"], images)
        captions: dict[Any, list[str]] = {}
        unusable: list[SkippedRowError] = []
        for number, one in enumerate(whole["annotations"]):
            try:
                image_id, text = _caption(number, one, images)
                captions.setdefault(image_id, []).append(text)
            except SkippedRowError as error:
                unusable.append(error)
        usable = {image_id: image for image_id, image in images.items() if isinstance(image, dict)}
        grouped = [(usable[image_id], texts) for image_id, texts in captions.items()]
        if self.direction == "image_to_text":
            return [*grouped, *unusable]
        return [*((image, [text]) for image, texts in grouped for text in texts), *unusable]

    def _check(self, annotations: list[Any], images: Mapping[Any, Any]) -> None:
        """Raises DataError if there is nothing that could be a caption, or no image of one."""
        has_captions = any(isinstance(one, dict) and "caption" in one and "image_id" in one for one in annotations)
        has_files = any(not isinstance(image, str) for image in images.values())
        lacks = [fields for fields, there in (("an id and file_name", has_files), ("an image_id and caption", has_captions)) if not there]
        if lacks and (annotations or images):
            hint = "Instances and keypoints have no captions: is it a captions_*.json?"
            found = f"nothing that has {' and nothing that has '.join(lacks)}"
            raise DataError(must_be(str(self.annotations), "COCO's captions, with id, file_name, image_id and caption", found, hint))

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, index: int) -> RawRow:
        """Returns a row. The image's captions share a group, so that none is another's negative. Raises SkippedRowError if it is none."""
        row = self._rows[index]
        if isinstance(row, SkippedRowError):
            raise SkippedRowError(row.reason, row.detail)
        image, captions = row
        path = str(self.media_root / image["file_name"])
        group = f"{self.name}/{image['id']}"
        picture = content("", RawMedium(Modality.IMAGE, path), instruction="", group=group)
        texts = [content(text, group=group) for text in captions]
        licence = image["license"] or self.licence
        metadata = rest_of(image, ("file_name", "license"))
        if self.direction == "image_to_text":
            query = content("", *picture.media, instruction=self.instruction, group=group)
            return RawRow(f"{index:09d}", query, tuple(texts), licence=licence, metadata=metadata)
        query = content(captions[0], instruction=self.instruction, group=group)
        return RawRow(f"{index:09d}", query, (picture,), licence=licence, metadata=metadata)

    def fingerprint(self) -> str:
        """Digests the annotation file."""
        return fingerprint_files([self.annotations])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}


def _images(listed: Iterable[Any], licences: Any) -> dict[Any, dict[str, Any] | str]:
    """Returns the images by their ids, `license` being its name; of one that cannot be used, what is wrong with it."""
    names = {one.get("id"): one.get("name") or "" for one in licences or () if isinstance(one, dict)}
    images: dict[Any, dict[str, Any] | str] = {}
    for image in listed:
        if not isinstance(image, dict) or not isinstance(image.get("id"), str | int | float):
            continue  # no caption can name it
        before, path = images.get(image["id"]), image.get("file_name")
        if not isinstance(path, str) or not path:
            images[image["id"]] = "has no file_name"
        elif before is not None and (isinstance(before, str) or before["file_name"] != path):
            images[image["id"]] = "is listed more than once, with different files"
        else:
            licence = image.get("license")
            images[image["id"]] = {**image, "license": names.get(licence, "") if isinstance(licence, str | int) else ""}
    return images


def _caption(number: int, annotation: Any, images: Mapping[Any, dict[str, Any] | str]) -> tuple[Any, str]:
    """Returns the image's id and the caption of an annotation. Raises SkippedRowError if it has none, or no image."""
    if not isinstance(annotation, dict) or not isinstance(annotation.get("image_id"), str | int | float):
        raise SkippedRowError("unreadable record", f"annotation number {number} has no image_id")
    image_id = annotation["image_id"]
    named = f"annotation {annotation.get('id', '')} of image {image_id}"
    image = images.get(image_id, "is not listed")
    if isinstance(image, str):
        raise SkippedRowError("no such image", f"{named}, which {image}")
    try:
        return image_id, needed(annotation, "caption")
    except SkippedRowError as error:
        raise SkippedRowError(error.reason, f"{named}: {error.detail}") from error
