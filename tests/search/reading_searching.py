"""A corpus whose items are read and decoded as an encoder's are, by a fake encoder."""

from tests.fake_encoder import FakeEncoder
from tests.search.fake_searching import DIM, FakeSearching
from unite.config.schema.media import Decoding
from unite.embedding.embed import embed_contents
from unite.embedding.items import given_items
from unite.embedding.lazy import LazyContent
from unite.embedding.medium import Reading


class ReadingSearching(FakeSearching):
    """As `Embedder.encode`, but for the weights."""

    def __init__(self, decoding: Decoding) -> None:
        super().__init__()
        self.decoding, self.encoder = decoding, FakeEncoder(DIM)

    def embed(self, items):
        self.calls.append(len(items))
        read = [item.read() for item in given_items(items, Reading(decoding=self.decoding))]
        contents = [LazyContent.of_stored(stored, self.decoding, stored.name) for stored in read]
        return embed_contents(self.encoder, contents).numpy()
