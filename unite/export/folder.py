"""The one folder that everybody loads.

    config.json, model.safetensors         transformers.AutoModel, vLLM; adapters merged, no language-model head
    processor, tokenizer, chat_template    transformers.AutoProcessor; the prompt is the chat template
    modules.json and what it names         SentenceTransformer, mteb: last token, unit length, cosine
    unite_encoder.json                     unite: Embedder(folder), unite.evaluate checkpoint=<folder>
    unite_processor                        the same, of plain positions alone (`unite.export.plain_positions`)
    README.md                              the card, where it is given

A folder gets its name when it is whole, and when its processor was seen to give the tokens that the encoder was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText

from unite.config.schema.encoder import EncoderConfig, Precision
from unite.config.schema.export import ExportPrecision
from unite.config.schema.media import Decoding
from unite.encoder.checkpoint import PROCESSOR_FOLDER, load_checkpoint, read_as_trained, write_checkpoint
from unite.encoder.folder import parts_of
from unite.encoder.processor import ContentProcessor
from unite.encoder.weights import is_head
from unite.export.place import check_out
from unite.export.plain_positions import are_plain
from unite.export.processor import check_bakeable, pads_of, prepare_processor
from unite.export.proof import check_tokens
from unite.export.sentence_files import write_sentence_files
from unite.export.source import Source
from unite.export.tokenizer import write_tokenizer
from unite.files import whole_folder


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: the folder.
        dim: D, the width of an embedding.
        dtype: of the weights.
        trained_dtype: that of the encoder's weights.
        prompt: the name of the prompt that the chat template is.
        matryoshka_dims: widths that embeddings may be cut to.
        files: path below the folder -> bytes.
    """

    folder: Path
    dim: int
    dtype: str
    trained_dtype: str
    prompt: str
    matryoshka_dims: tuple[int, ...]
    files: Mapping[str, int]

    @property
    def is_rounded(self) -> bool:
        """Whether the weights are written in a type that does not hold all values of the encoder's."""
        return self.dtype not in (self.trained_dtype, ExportPrecision.float32)


def write_folder(
    source: Source,
    out: str | Path,
    *,
    dtype: ExportPrecision | None = None,
    prompts: Mapping[str, str] | None = None,
    decoding: Decoding | None = None,
    beside: Mapping[str, bytes] | None = None,
) -> Exported:
    """Exports an encoder.

    Args:
        source: the encoder.
        out: the folder, new or empty.
        dtype: of the weights; None is that of the encoder.
        prompts: instructions by name, for `encode(..., prompt_name=...)`; `query` and `document` are those of `encode_query` and
            `encode_document`.
        decoding: how many frames transformers' video processor takes of a file, where it is asked to pick them.
        beside: files that lie in the folder too, by name: `README.md`, the card, and what it shows.

    Raises:
        ConfigError: if the place is not free.
        CheckpointError: if the encoder cannot be loaded or its prompt not be said by a chat template, or the weights cannot be written;
            nothing is left at `out` then.
        OSError: if the files cannot be written; nothing is left then either.
    """
    check_out(out)
    parts = parts_of(str(source.encoder))
    reading = read_as_trained(EncoderConfig(path=str(source.encoder)), parts, is_check=True)
    written = ExportPrecision(dtype or str(reading.dtype))
    model, processor, family = load_checkpoint(parts, str(written), "sdpa")
    check_bakeable(processor, reading)
    is_plain = are_plain(reading, family)
    expected = ContentProcessor(processor, family, reading, says_places=False)
    prepare_processor(processor, family, reading, decoding or Decoding())
    dim = int(model.config.get_text_config().hidden_size)
    if source.matryoshka_dims:
        model.config.matryoshka_dimensions = sorted(source.matryoshka_dims)  # vLLM's name for them
    # Servers know the models by their releases, which have a head; AutoModel takes the body of either.
    whole, weights = _with_head(model)
    # What is trained and read here is float32 or bfloat16; float16 is read as float32, which holds all its values.
    own = replace(reading, dtype=Precision.float32 if written is ExportPrecision.float16 else Precision(str(written)))
    with whole_folder(out, existing="keep") as partial:
        write_checkpoint(partial, whole, processor, own, named=Path(out), weights=weights)
        if is_plain:
            processor.save_pretrained(partial / PROCESSOR_FOLDER)
        write_tokenizer(partial, reading, pads_of(processor, family).values() if is_plain else ())
        write_sentence_files(partial, reading, dim, prompts or {}, list(map(str, family.modalities)), is_plain=is_plain)
        for name, content in (beside or {}).items():
            (partial / name).write_bytes(content)
        check_tokens(partial, expected, reading.prompt.name, is_plain=is_plain)
        files = {path.relative_to(partial).as_posix(): path.stat().st_size for path in sorted(partial.rglob("*")) if path.is_file()}
    return Exported(Path(out), dim, str(written), str(reading.dtype), reading.prompt.name, source.matryoshka_dims, files)


def _with_head(body: Any) -> tuple[Any, dict[str, Any]]:
    """Returns a model with a language-model head around one without, and the weights of the latter, by their names in the former."""
    with torch.device("meta"):
        whole = AutoModelForImageTextToText.from_config(body.config)
    whole.model = body
    return whole, {name: weight for name, weight in whole.state_dict().items() if not is_head(name)}
