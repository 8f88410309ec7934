"""Some contents of a micro-batch as a micro-batch of their own."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from unite.batch import MicroBatch
from unite.encoder.families.family import Family


def rows_of(family: Family, micro_batch: MicroBatch, rows: Tensor) -> MicroBatch:
    """Returns a micro-batch of these rows, their media with them, no longer than the longest of them.

    Args:
        family: knows which tensors are a medium's.
        micro_batch: of n contents.
        rows: (k,) int64 in rising order, at least one; on its device.
    """
    length = int(micro_batch.attention_mask[rows].sum(1).max())
    media = micro_batch.media
    if media:
        places = torch.searchsorted(rows, media["rows"]).clamp(max=len(rows) - 1)
        is_among = rows[places] == media["rows"]
        media = family.select(media, is_among.nonzero().squeeze(1).tolist()) if is_among.any() else {}
        media = media | {"rows": places[is_among]} if media else {}
    return replace(
        micro_batch,
        contents=micro_batch.contents[rows],
        input_ids=micro_batch.input_ids[rows, :length],
        token_types=micro_batch.token_types[rows, :length],
        attention_mask=micro_batch.attention_mask[rows, :length],
        media=media,
    )
