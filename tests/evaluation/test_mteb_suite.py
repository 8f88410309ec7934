"""mteb runs our encoder: on data in memory, its numbers are those of trec_eval on our own embeddings."""

import io
import json
import sys

import av
import numpy as np
import pytest
import pytrec_eval
from PIL import Image as Pillow
from rich.console import Console

from tests.fake_encoder import FakeEncoder, image
from unite.config.schema import MtebSuiteConfig
from unite.config.schema.media import Decoding
from unite.data.rows import StoredContent, StoredMedium
from unite.embedding.embed import embed_contents
from unite.embedding.lazy import LazyContent
from unite.embedding.memory import MemoryCache
from unite.errors import ConfigError, DataError
from unite.evaluation.mteb_suite import MtebSuite
from unite.types import Content, Modality

mteb = pytest.importorskip("mteb")
from datasets import Dataset, Image, Video  # noqa: E402
from mteb.abstasks import AbsTaskClassification, AbsTaskRetrieval  # noqa: E402
from mteb.abstasks.task_metadata import TaskMetadata  # noqa: E402

from unite.evaluation.mteb_encoder import MtebContents  # noqa: E402

NUM = 24
KS = (1, 3, 5, 10)


def metadata(name, **changes):
    fields = {
        "name": name, "type": "Retrieval", "description": "in memory", "reference": None, "dataset": {"path": "none", "revision": "none"},
        "category": "t2t", "modalities": ["text"], "eval_splits": ["test"], "eval_langs": ["eng-Latn"], "main_score": "ndcg_at_10",
        "date": None, "domains": None, "task_subtypes": None, "license": None, "annotations_creators": None, "dialect": None,
        "sample_creation": None, "bibtex_citation": None,
    }  # fmt: skip
    return TaskMetadata(**(fields | changes))


class InMemory(AbsTaskRetrieval):
    """Graded relevance; every query has one right answer and another that is half right."""

    metadata = metadata("InMemory")
    k_values = KS

    def __init__(self, queries, corpus, **changes):
        self.metadata = metadata("InMemory", **changes)
        super().__init__()
        random = np.random.default_rng(0)
        self.relevance = {f"q{at}": {f"d{at}": 2, f"d{(at + 1 + random.integers(NUM - 1)) % NUM}": 1} for at in range(NUM)}
        self.sides = queries, corpus

    def load_data(self, **_):
        queries, corpus = self.sides
        split = {"queries": queries, "corpus": corpus, "relevant_docs": {**self.relevance}, "top_ranked": None}
        self.dataset = {"default": {"test": split}}
        self.data_loaded = True


def rows(side, **columns):
    return Dataset.from_dict({"id": [f"{side}{at}" for at in range(NUM)], **columns})


def pictures(shades, change=0):
    cells = [Pillow.fromarray(np.full((4, 4, 3), shade + change, dtype=np.uint8)) for shade in shades]
    return [{"bytes": png(cell), "path": None} for cell in cells]


def png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def clip(shade):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=4, width=32, height=32, pix_fmt="yuv420p")
        for step in range(8):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), shade + 8 * step, dtype=np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


TEXTS = [f"word {at * 7919 % 1000}" for at in range(NUM)]
SHADES = list(range(5, 5 + 7 * NUM, 7))


def run(suite, folder, encoder=None, cache=None):
    return suite.evaluate(encoder or FakeEncoder(), folder, Console(file=io.StringIO(), width=120), cache)


def scores_in(folder, name="InMemory"):
    (path,) = folder.glob(f"mteb/results/*/*/{name}.json")
    return json.loads(path.read_text())["scores"]["test"][0]


def trec(task, queries, candidates):
    """The same from pytrec_eval, on our own embeddings."""
    scores = (embed_contents(FakeEncoder(), queries) @ embed_contents(FakeEncoder(), candidates).T).double().numpy()
    found = {f"q{row}": {f"d{column}": scores[row, column] for column in range(NUM)} for row in range(NUM)}
    measures = {f"{name}.{','.join(map(str, KS))}" for name in ("recall", "ndcg_cut", "map_cut")}
    values = pytrec_eval.RelevanceEvaluator(task.relevance, measures).evaluate(found)
    names = {"recall": "recall_at", "ndcg_cut": "ndcg_at", "map_cut": "map_at"}
    return {f"{ours}_{k}": np.mean([one[f"{theirs}_{k}"] for one in values.values()]) for theirs, ours in names.items() for k in KS}


def check(task, queries, candidates, folder, suite=None):
    evaluation = run(suite or MtebSuite(MtebSuiteConfig(tasks=[task])), folder)
    expected = trec(task, queries, candidates)
    assert 0.1 < expected["ndcg_at_10"] < 1
    assert {name: scores_in(folder)[name] for name in expected} == pytest.approx(expected, abs=1e-5)  # mteb rounds
    written = json.loads((folder / "metrics.json").read_text())
    assert (written["score"], written["mteb/InMemory/ndcg_at_10"]) == (evaluation.score, evaluation.score)
    assert written["score_is"]["mean_of"] == ["mteb/InMemory/ndcg_at_10"]
    assert evaluation.score == pytest.approx(expected["ndcg_at_10"], abs=1e-5)


@pytest.mark.parametrize("instructions", [True, False])
def test_text_with_the_task_s_instruction_for_queries_alone(tmp_path, instructions):
    task = InMemory(
        rows("q", text=TEXTS), rows("d", text=[f"{text}." for text in TEXTS], title=["T"] * NUM), prompt={"query": "Find the word."}
    )
    queries = [Content(text, instruction="Find the word." if instructions else "") for text in TEXTS]
    check(
        task,
        queries,
        [Content(f"T {text}.") for text in TEXTS],
        tmp_path,
        MtebSuite(MtebSuiteConfig(tasks=[task], instructions=instructions)),
    )


def test_a_query_s_own_instruction_stands_in_its_text_as_mteb_has_it(tmp_path):
    task = InMemory(rows("q", text=TEXTS, instruction=["in short"] * NUM), rows("d", text=TEXTS), prompt={"query": "Find."})
    check(task, [Content(f"{text} in short", instruction="Find.") for text in TEXTS], [Content(text) for text in TEXTS], tmp_path)


def test_text_and_image_to_image(tmp_path):
    queries = rows("q", text=TEXTS, image=pictures(SHADES)).cast_column("image", Image())
    corpus = rows("d", image=pictures(SHADES, 3)).cast_column("image", Image())
    task = InMemory(queries, corpus, category="it2i", modalities=["text", "image"], type="Any2AnyRetrieval", prompt={"query": "Find it."})
    ours = [Content(text, (image(shade),), "Find it.") for text, shade in zip(TEXTS, SHADES, strict=True)]
    check(task, ours, [Content(media=(image(shade + 3),)) for shade in SHADES], tmp_path)


def test_text_to_video_without_torchcodec(tmp_path):
    clips, decoding = [clip(shade) for shade in SHADES], Decoding(fps=2.0, min_frames=2, max_frames=3)
    corpus = rows("d", video=[{"bytes": one, "path": None} for one in clips]).cast_column("video", Video())
    task = InMemory(
        rows("q", text=TEXTS), corpus, category="t2v", modalities=["text", "video"], type="Any2AnyRetrieval", prompt={"query": "x"}
    )
    videos = [LazyContent.of_stored(StoredContent(media=(StoredMedium(Modality.VIDEO, one, "mp4"),)), decoding, "clip") for one in clips]
    assert len(videos[0].decode().media[0].frames) == 3
    check(
        task,
        [Content(text, instruction="x") for text in TEXTS],
        videos,
        tmp_path,
        MtebSuite(MtebSuiteConfig(tasks=[task], decoding=decoding)),
    )


class Brightness(AbsTaskClassification):
    """Dark or bright: images, no sides, no text."""

    metadata = metadata("Brightness", type="ImageClassification", category="i2c", modalities=["image"], main_score="accuracy")
    input_column_name = "image"

    def load_data(self, **_):
        half = {"image": pictures(SHADES), "label": [int(shade > 90) for shade in SHADES]}
        self.dataset = {
            "train": Dataset.from_dict(half).cast_column("image", Image()),
            "test": Dataset.from_dict(half).cast_column("image", Image()),
        }
        self.data_loaded = True


def test_other_kinds_of_task_run_and_equal_contents_are_embedded_once(tmp_path):
    encoder, cache = FakeEncoder(), MemoryCache()
    evaluation = run(MtebSuite(MtebSuiteConfig(tasks=[Brightness()], instructions=False)), tmp_path, encoder, cache)
    assert 0.5 < evaluation.scores["Brightness"][1] <= 1
    assert len(encoder.processor.encoded) == len(SHADES) == len(cache)


def test_a_pillow_image_is_seen_as_its_file_and_one_that_cannot_be_shown_is_named():
    exif = Pillow.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Pillow.linear_gradient("L").crop((0, 0, 60, 40)).convert("CMYK").save(file, "JPEG", exif=exif)
    rows = [{"image": {"bytes": file.getvalue()}}, {"image": Pillow.open(file)}, {"image": Pillow.new("F", (4, 4))}]
    contents = MtebContents(rows, "", Decoding(), "task")
    (of_bytes,), (of_image,) = contents[0].decode().media, contents[1].decode().media
    assert of_bytes.frames.shape == (1, 60, 40, 3) and (of_bytes.frames == of_image.frames).all()
    with pytest.raises(DataError, match="the image of task/2, a Pillow image of mode F, cannot be shown: .*without a range"):
        contents[2]


def test_a_place_that_people_wrote_is_text():
    stored = MtebContents([{"text": "an <|IMAGE|> tag"}], "find <|VIDEO|>", Decoding(), "task")[0].stored
    assert (stored.text, stored.instruction) == (r"an <\|IMAGE|> tag", r"find <\|VIDEO|>")


def test_rows_that_hold_nothing_are_embedded_and_counted(tmp_path, caplog):
    texts = ["", *TEXTS[1:]]
    task = InMemory(rows("q", text=TEXTS), rows("d", text=texts), prompt={"query": "Find."})
    run(MtebSuite(MtebSuiteConfig(tasks=[task])), tmp_path)
    assert "1 rows of InMemory/default/test/document hold nothing: they were embedded as '.'" in caplog.text


def test_a_task_that_fails_is_named_and_the_rest_run(tmp_path):
    class Absent(InMemory):
        def load_data(self, **_):
            raise FileNotFoundError("no data set here")

    good, absent = InMemory(rows("q", text=TEXTS), rows("d", text=TEXTS)), Absent(None, None)
    absent.metadata = metadata("Absent")
    evaluation = run(MtebSuite(MtebSuiteConfig(tasks=[absent, good])), tmp_path)
    assert list(evaluation.scores) == ["InMemory"] and evaluation.failed == {"Absent": "FileNotFoundError: no data set here"}
    with pytest.raises(DataError, match=r"none of mteb's tasks could be run\. Absent: FileNotFoundError: no data set here"):
        run(MtebSuite(MtebSuiteConfig(tasks=[absent])), tmp_path)


def test_a_score_that_is_no_number_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("mteb.results.TaskResult.get_score", lambda self: float("nan"))
    with pytest.raises(DataError, match="InMemory: Its ndcg_at_10 is not a number"):
        run(MtebSuite(MtebSuiteConfig(tasks=[InMemory(rows("q", text=TEXTS), rows("d", text=TEXTS))])), tmp_path)


def test_tasks_and_benchmarks_go_by_name():
    assert [task.metadata.name for task in MtebSuite(MtebSuiteConfig(tasks=["STS12", "NanoArguAnaRetrieval"])).tasks] == [
        "STS12",
        "NanoArguAnaRetrieval",
    ]
    assert len(MtebSuite(MtebSuiteConfig(tasks=["MIEB(lite)"])).tasks) > 20
    with pytest.raises(ConfigError, match=r"one of the \d+ tasks or \d+ benchmarks of mteb, but is 'sts-12'\. Near it: STS12,"):
        MtebSuite(MtebSuiteConfig(tasks=["sts-12"]))
    with pytest.raises(ConfigError, match="'qqqqqqqqqq'.*lists them"):
        MtebSuite(MtebSuiteConfig(tasks=["qqqqqqqqqq"]))
    with pytest.raises(ConfigError, match="suite.tasks must be at least one"):
        MtebSuite(MtebSuiteConfig())


def test_without_mteb_the_error_tells_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mteb", None)
    with pytest.raises(ConfigError, match=r"pip install 'unite\[mteb\]'"):
        MtebSuite(MtebSuiteConfig(tasks=["STS12"]))
