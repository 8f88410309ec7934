"""A corpus in memory that finds by words, so that what the page shows of it is known."""

from tests.search.media_files import picture
from unite.errors import DataError
from unite.search.hits import Hit


class WordSearching:
    """Of each row's caption and the query's words, the share that is shared; a picture is found by its own bytes.

    Args:
        rows: (hit, medium or None); the hit's title column is the caption.
        name: of the encoder.
    """

    def __init__(self, rows, name="words"):
        self.name, self.rows = name, {hit.id: (hit, medium) for hit, medium in rows}
        self.columns = {"title": "string", "price": "int64", "ratio": "double", "sold": "bool"}
        self.searches = []

    @property
    def num_rows(self):
        return len(self.rows)

    @property
    def modalities(self):
        return list(dict.fromkeys(hit.modality for hit, _ in self.rows.values()))

    def words_of(self, item):
        words = set(item.get("text", "").lower().split())
        for data in [*item.get("image", ()), *item.get("video", ())]:
            words |= next((self.caption(hit) for hit, medium in self.rows.values() if medium and medium[0] == data), set())
        return words

    def caption(self, hit):
        return set(str(hit.metadata.get("title", hit.text)).lower().split())

    def search(self, search):
        self.searches.append(search)
        if "broken" in search.where:
            raise DataError("the filter cannot be read: broken")
        parts = [(part.vector, part.weight) for part in search.parts]
        parts += [(self.caption(self.row(id)), 1.0) for id in search.like]
        parts += [(set(search.words.lower().split()), 1.0)] if search.words else []
        scored = []
        for hit, _ in self.rows.values():
            if hit.id in search.like or (search.modalities and hit.modality not in search.modalities):
                continue
            score = sum(weight * len(words & self.caption(hit)) / max(1, len(words)) for words, weight in parts)
            scored.append((-score / sum(abs(weight) for _, weight in parts), len(scored), hit))
        ranked = [(hit, -score) for score, _, hit in sorted(scored, key=lambda one: one[:2])]
        return [Hit(**{**vars(hit), "score": score}) for hit, score in ranked[search.offset : search.offset + search.k]]

    def embed(self, items):
        return [self.words_of(item) for item in items]

    def row(self, id):
        if id not in self.rows:
            raise DataError(f"no row has the id {id!r}")
        return self.rows[id][0]

    def media(self, id):
        return self.rows[id][1]


def rows(number=30):
    """Pictures of the colours of a wheel, each with a caption; then a text with a script in it."""
    made = []
    for at in range(number):
        data = picture(f"hsl({at * 360 // number}, 80%, 50%)")
        metadata = {"title": f"colour {at} {'even' if at % 2 == 0 else 'odd'}", "price": at, "sold": at % 3 == 0}
        thumbnail = picture(f"hsl({at * 360 // number}, 80%, 50%)", form="JPEG")
        made.append((Hit(f"id {at}&<x>", 0.0, f"/data/shard-000000.tar#{at}", "image", "", metadata, thumbnail), (data, "image/png")))
    script = "<script>document.title = 'pwned'</script><img src=x onerror=\"document.title = 'pwned'\">"
    made.append((Hit("script", 0.0, f"/data/{script}", "text", f"script {script}", {"title": "script", '"><b>': script}), None))
    return made
