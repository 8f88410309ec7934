"""COCO's captions: `captions_train2017.json`, an object with the lists `images`, `annotations` and `licenses`.

    images        {"id", "file_name", "license", "coco_url", "height", "width", ...}
    annotations   {"id", "image_id", "caption"}
    licenses      {"id", "name", "url"}

An annotation without a caption, and one of an image that is not listed, is a record that is left out.

The layout is as the data format page of COCO gives it; no release was read for this file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from unite.curation.raw import RawRow
from unite.curation.recipes.annotation_files import fingerprint_files
from unite.curation.recipes.image_captions import check_direction
from unite.curation.recipes.lines import JSON_ERRORS
from unite.curation.recipes.tabular_recipe import content, needed, rest_of
from unite.errors import DataError, SkippedRowError, must_be
from unite.media.ready import RawMedium
from unite.types import Modality


class CocoCaptions:
    """COCO's caption annotations: one row an image, all of its captions right answers (`image_to_text`), or one row a caption.

    Args:
        name, licence: as in `TabularRecipe`.
        annotations: `captions_*.json`.
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
        self.name, self.annotations, self.media_root = name, Path(annotations), Path(media_root)
        check_direction(name, direction, "image")
        self.direction, self.instruction, self.licence = direction, instruction, licence
        if not self.annotations.is_file():
            raise DataError(must_be(f"{name}.annotations", "an existing file", str(annotations)))

    @cached_property
    def _rows(self) -> list[tuple[dict[str, Any], list[str]] | SkippedRowError]:
        """(image, captions) of each row, the image's `license` being its name; then the annotations that cannot be used."""
        try:
            whole = json.loads(self.annotations.read_bytes())
        except JSON_ERRORS as error:
            raise DataError(f"{self.annotations} is no JSON ({error}).") from error
        missing = [name for name in ("images", "annotations") if not isinstance(whole, dict) or name not in whole]
        if missing:
            found = sorted(whole) if isinstance(whole, dict) else type(whole).__name__
            raise DataError(must_be(str(self.annotations), f"an object with the lists {' and '.join(missing)}", found))
        try:
            licences = {one.get("id"): one.get("name", "") for one in whole.get("licenses", ())}
            images = {
                image["id"]: {**image, "file_name": image["file_name"], "license": licences.get(image.get("license"), "")}
                for image in whole["images"]
            }
            captions: dict[Any, list[str]] = {}
            unusable: list[SkippedRowError] = []
            for one in whole["annotations"]:
                try:
                    captions.setdefault(one["image_id"], []).append(_caption(one, images))
                except SkippedRowError as error:
                    unusable.append(error)
        except (KeyError, TypeError, AttributeError) as error:
            hint = "Instances and keypoints have no captions: is it a captions_*.json?"
            raise DataError(
                must_be(str(self.annotations), "COCO's captions, with id, file_name, image_id and caption", repr(error), hint)
            ) from error
        grouped = [(images[image_id], texts) for image_id, texts in captions.items() if texts]
        if self.direction == "image_to_text":
            return [*grouped, *unusable]
        return [*((image, [text]) for image, texts in grouped for text in texts), *unusable]

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
        query = content(texts[0].text, instruction=self.instruction, group=group)
        return RawRow(f"{index:09d}", query, (picture,), licence=licence, metadata=metadata)

    def fingerprint(self) -> str:
        """Digests the annotation file."""
        return fingerprint_files([self.annotations])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}


def _caption(annotation: dict[str, Any], images: Mapping[Any, Any]) -> str:
    """Returns the caption of an annotation. Raises SkippedRowError if it has none, or no image."""
    named = f"annotation {annotation.get('id', '')} of image {annotation['image_id']}"
    if annotation["image_id"] not in images:
        raise SkippedRowError("no such image", f"{named}, which is not listed")
    try:
        return needed({"caption": annotation["caption"]}, "caption")
    except SkippedRowError as error:
        raise SkippedRowError(error.reason, f"{named}: {error.detail}") from error
