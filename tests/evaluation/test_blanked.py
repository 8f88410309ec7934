from unite.config.schema.media import Decoding
from unite.data.rows import StoredContent
from unite.embedding.embed import MemoryCache, embed_contents
from unite.embedding.lazy import LazyContent
from unite.evaluation.blanked import Picked, without_text
from unite.types import Content


def upper(content: Content) -> Content:
    return Content(content.text.upper(), content.media, content.instruction)


def stars(content: Content) -> Content:
    return Content("*")


def test_a_changed_content_is_read_only_where_its_embedding_is_not_cached(encoder):
    read = []

    def lazy(at):
        return LazyContent(lambda: read.append(at) or StoredContent(f"text {at % 2}"), Decoding(), str(at), key=100 + at)

    contents, cache = [lazy(at) for at in range(4)], MemoryCache()
    first = embed_contents(encoder, Picked(contents, [3, 1, 0], upper), cache=cache)
    assert sorted(encoder.processor.encoded) == ["TEXT 0", "TEXT 1"] and sorted(read) == [0, 1, 3]
    again = embed_contents(encoder, Picked([lazy(at) for at in range(4)], [3, 1, 0], upper), cache=cache)
    assert (again == first).all() and sorted(read) == [0, 1, 3]
    assert len({Picked(contents, [0], change)[0].key for change in (upper, stars, without_text)}) == 3
