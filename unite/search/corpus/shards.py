"""WebDataset shards as a source of rows: those that unite writes, and plain ones with a member a medium, a caption and a JSON of metadata.

Of a row that unite wrote, the first positive is the row of the corpus, and the query where there is none, as in the pools of candidates.
The id is `folder/shard.tar#key`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any

from unite.config.schema.embed import ColumnsConfig
from unite.curation.recipes.lines import JSON_ERRORS
from unite.data.index import ShardIndex, load_index
from unite.data.indexed_samples import IndexedSample
from unite.data.rows import StoredContent, from_members
from unite.data.shard_sets import find_sets
from unite.errors import DataError
from unite.media import kind_of_file
from unite.progress import tracked
from unite.search.corpus.columns import Types, cast, usual_column
from unite.search.corpus.rows import CorpusRow, Key, MediumAt, Scalar
from unite.types import fingerprint, plain_text

#: Members of a plain shard that are a text, the first that is there.
_TEXTS = ("txt", "caption", "text")


class ShardSource:
    """The samples of shards, as a `CorpusSource`.

    Args:
        address: a folder of shards, one with such folders, a shard, or a glob or an address of these.
        config: which fields of a plain sample's JSON are what; the text where it has no member for it.

    Raises:
        DataError: if there is no shard, or one cannot be read.
    """

    def __init__(self, address: str, config: ColumnsConfig) -> None:
        self.address = address
        self._config = config
        sets = find_sets(address, "corpus")
        self.shards = [(f"{name}/{shard.name}" if len(sets) > 1 else shard.name, shard) for name, found in sets.items() for shard in found]
        self._types = Types((), of_text=False)

    @property
    def columns(self) -> Mapping[str, str]:
        """As of `CorpusSource`."""
        return {self._config.rename.get(name, name): kind for name, kind in self._types.kinds.items() if name not in self._config.drop}

    def __len__(self) -> int:
        return len(self._places)

    def survey(self) -> Iterator[Key]:
        """As of `CorpusSource`; of plain shards it reads the JSON, for the types of what is in it."""
        states = []
        for _, address in self.shards:
            state = address.state()
            version = int(state.version) if state.version.isdigit() else fingerprint(state.version)
            states.append((state.num_bytes, version))
        for shard, sample in self._places:
            if "json" in sample.members and not self._is_ours:
                fields = self._fields(shard, sample)
                self._types.learn(fields, of_new=True)
            yield Key(f"{self.shards[shard][0]}#{sample.key}", *states[shard])

    def row(self, position: int) -> CorpusRow:
        """As of `CorpusSource`."""
        shard, sample = self._places[position]
        source = f"{self.shards[shard][1]}#{sample.key}"
        return self._own_row(shard, sample, source) if self._is_ours else self._plain_row(shard, sample, source)

    def state(self, position: int) -> tuple[int, int] | None:
        """As of `CorpusSource`: not known of one row."""
        return None

    def files(self) -> Sequence[Path]:
        """As of `CorpusSource`."""
        return [shard.path for _, shard in self.shards if shard.is_local]

    def left(self) -> Sequence[tuple[str, str]]:
        """As of `CorpusSource`: what is of no sample was told as the shard was indexed."""
        return ()

    def told(self, content: StoredContent) -> tuple[str, Mapping[str, Scalar]]:
        """Returns the text and the metadata of a row that unite wrote: its own text, and nothing. A source that knows more says it here."""
        return plain_text(content.text).strip(), {}

    @cached_property
    def _indices(self) -> list[ShardIndex]:
        return [load_index(shard) for _, shard in tracked(self.shards, "the index of shards", "shards")]

    @cached_property
    def _places(self) -> list[tuple[int, IndexedSample]]:
        return [(number, sample) for number, index in enumerate(self._indices) for sample in index.samples]

    @cached_property
    def _is_ours(self) -> bool:
        """Whether the first sample is a row as `unite.data.rows` writes it."""
        shard, sample = self._places[0]
        return "json" in sample.members and isinstance(self._fields(shard, sample).get("query"), Mapping)

    def _read(self, shard: int, place: tuple[int, int]) -> bytes:
        offset, size = place
        data = self.shards[shard][1].read(offset, offset + size)
        if len(data) != size:
            raise DataError(f"shard {self.shards[shard][1]} ends before its member does: it changed since it was indexed.")
        return data

    def _fields(self, shard: int, sample: IndexedSample) -> dict[str, Any]:
        try:
            fields = json.loads(self._read(shard, sample.members["json"]))
        except JSON_ERRORS:
            return {}
        return fields if isinstance(fields, dict) else {}

    def _own_row(self, shard: int, sample: IndexedSample, source: str) -> CorpusRow:
        row = from_members(sample.key, {name: self._read(shard, place) for name, place in sample.members.items()})
        content: StoredContent = row.positives[0] if row.positives else row.query
        media = tuple(MediumAt(one.modality, f"{source}.{one.extension}", partial(bytes, one.data)) for one in content.media)
        text, metadata = self.told(content)
        return CorpusRow(source, text, media, metadata)

    def _plain_row(self, shard: int, sample: IndexedSample, source: str) -> CorpusRow:
        fields = self._fields(shard, sample) if "json" in sample.members else {}
        media = []
        for extension, place in sample.members.items():
            kind = kind_of_file(PurePosixPath(f"x.{extension}"))
            if kind is not None:
                media.append(MediumAt(kind.modality, f"{source}.{extension}", partial(self._read, shard, place)))
        text = next((self._text(shard, sample.members[name], source) for name in _TEXTS if name in sample.members), "")
        if not text and fields:
            strings = [name for name, value in fields.items() if isinstance(value, str)]
            column = usual_column("text", strings) if self._config.text is None else self._config.text
            text = str(fields.get(column, ""))
        kinds = self.columns
        named = {self._config.rename.get(name, name): value for name, value in fields.items()}
        cells = {name: cast(named.get(name), kind) for name, kind in kinds.items()}
        metadata = {name: cell for name, cell in cells.items() if cell is not None}
        return CorpusRow(source, text.strip(), tuple(media), metadata)

    def _text(self, shard: int, place: tuple[int, int], source: str) -> str:
        try:
            return self._read(shard, place).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"the text of {source} is not in UTF-8 ({error}).") from error
