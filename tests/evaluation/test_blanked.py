import numpy as np

from unite.config.schema.media import Decoding
from unite.data.rows import StoredContent
from unite.embedding.embed import embed_contents
from unite.embedding.lazy import LazyContent
from unite.embedding.memory import MemoryCache
from unite.evaluation.blanked import Picked, spread, without_medium, without_text
from unite.types import Content, Medium, Modality


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


def test_blanked_contents():
    frames = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)
    video = Medium(Modality.VIDEO, frames, 5, (0.0, 1.5))
    other = Medium(Modality.VIDEO, frames[::-1], 6, (0.0, 1.5))
    content = Content(f"{Modality.IMAGE.place} and text", (video,), "Find it.")
    grey = without_medium(content)
    assert (grey.media[0].frames == 128).all() and grey.media[0].frames.shape == frames.shape and grey.media[0].seconds == (0.0, 1.5)
    assert (grey.text, grey.instruction) == (content.text, "Find it.")
    assert grey.fingerprint == without_medium(Content(content.text, (other,), "Find it.")).fingerprint != content.fingerprint
    assert without_text(content).text == Modality.IMAGE.place
    assert without_text(content).modality is Modality.VIDEO
    alone = Content("of a task whose other queries have a video, too")
    assert without_text(alone) is alone and without_medium(alone).text == alone.text


def test_a_part_is_evenly_spread_and_in_the_order_asked_for():
    assert spread(10, 4) == [0, 3, 6, 9] and spread(3, 10) == [0, 1, 2]
    assert [content.text for content in Picked([Content("a"), Content("b"), Content("c")], [2, 0])] == ["c", "a"]
