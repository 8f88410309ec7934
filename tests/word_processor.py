"""A processor without a checkpoint."""

import torch

from unite.batch import EncodedContent, MicroBatch, index_tensor
from unite.errors import DataError
from unite.types import Content


class WordProcessor:
    """One token a word (its length); media become 4 tokens each. Too simple to be wrong."""

    def __init__(self):
        self.calls = []

    def encode(self, content: Content) -> EncodedContent:
        self.calls.append(content)
        if content.text == "refuse":
            raise DataError("this content is refused")
        ids = [len(word) for word in content.text.split()] + [99] * (4 * len(content.media))
        types = [0] * len(content.text.split()) + [1] * (4 * len(content.media))
        return EncodedContent(index_tensor(ids), index_tensor(types))

    def pad(self, encoded, contents) -> MicroBatch:
        longest = max(content.num_tokens for content in encoded)
        ids = torch.stack([torch.nn.functional.pad(content.input_ids, (0, longest - content.num_tokens)) for content in encoded])
        return MicroBatch(torch.tensor(contents), ids, torch.zeros_like(ids), (ids > 0).long())
