"""mteb runs our encoder: on data in memory, its numbers are those of trec_eval on our own embeddings."""

import io
import json

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
from datasets import Image, Video  # noqa: E402
from mteb.models.model_implementations import MODEL_REGISTRY  # noqa: E402

from tests.evaluation.mteb_tasks import (  # noqa: E402
    KS,
    NUM,
    SHADES,
    TEXTS,
    Brightness,
    InMemory,
    metadata,
    of_name,
    pictures,
    rows,
    run,
)  # fmt: skip
from unite.evaluation.mteb_encoder import MtebContents  # noqa: E402
from unite.evaluation.mteb_model import register_evaluated  # noqa: E402


def clip(shade):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=4, width=32, height=32, pix_fmt="yuv420p")
        for step in range(8):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), shade + 8 * step, dtype=np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def scores_in(folder, name="InMemory"):
    (path,) = folder.rglob(f"mteb/results/**/{name}.json")
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
    with pytest.raises(DataError, match=r"none of mteb's tasks could be run\.\nNot run: Absent\. FileNotFoundError: no data set here$"):
        run(MtebSuite(MtebSuiteConfig(tasks=[absent])), tmp_path)


def test_a_task_whose_data_may_not_be_downloaded_says_how_it_may(tmp_path):
    class Remote(InMemory):
        def load_data(self, **_):
            raise ConnectionError("Couldn't reach 'mteb/remote' on the Hub (OfflineModeIsEnabled)")

    remote = Remote(None, None)
    remote.metadata = metadata("Remote")
    with pytest.raises(DataError, match=r"\(OfflineModeIsEnabled\)\. With HF_HUB_OFFLINE=0 its data is downloaded\.$"):
        run(MtebSuite(MtebSuiteConfig(tasks=[remote])), tmp_path)


def test_a_score_that_is_no_number_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("mteb.results.TaskResult.get_score", lambda self: float("nan"))
    with pytest.raises(DataError, match="InMemory. Its ndcg_at_10 is not a number"):
        run(MtebSuite(MtebSuiteConfig(tasks=[InMemory(rows("q", text=TEXTS), rows("d", text=TEXTS))])), tmp_path)


def test_a_task_that_two_benchmarks_have_is_run_once_and_another_scope_of_it_by_its_own_name(tmp_path, registered):
    one, same, part = registered(of_name("Words"))[0], of_name("Words")(), of_name("Words")()
    part._eval_splits = ["other"]
    benchmarks = [mteb.Benchmark(name=f"B{at}", tasks=[task]) for at, task in enumerate((one, same, part))]
    suite = MtebSuite(MtebSuiteConfig(tasks=benchmarks))
    assert list(suite.tasks.values()) == [one, part] and list(suite.tasks) == ["Words", "Words (B2)"]


def test_two_evaluations_of_one_checkpoint_are_one_model_and_how_it_was_run_is_an_experiment(tmp_path, monkeypatch):
    task, encoder = InMemory(rows("q", text=TEXTS), rows("d", text=TEXTS)), FakeEncoder()
    for folder, options in (("a", {}), ("b", {}), ("c", {"instructions": False, "decoding": Decoding(max_frames=32)})):
        suite = MtebSuite(MtebSuiteConfig(tasks=[task], **options))
        evaluation = suite.evaluate(encoder, tmp_path / folder, Console(file=io.StringIO()), checkpoint="someone/their-model")
    found = [path.relative_to(tmp_path / path.relative_to(tmp_path).parts[0]).parent for path in sorted(tmp_path.rglob("InMemory.json"))]
    assert found[0] == found[1] and found[2] == found[0] / "experiments" / "instructions_False__max_frames_32"
    assert evaluation.settings == {"instructions": False, "max_frames": 32}
    name = found[0].parts[-2].replace("__", "/", 1)
    assert name.startswith("unite/their-model-") and mteb.get_model_meta(name).revision == found[0].parts[-1]
    known = mteb.get_model_meta(name)
    monkeypatch.delitem(MODEL_REGISTRY, name)  # as in another process
    assert register_evaluated(tmp_path / "a") == [known] == [mteb.get_model_meta(name)]
    results = mteb.ResultCache(cache_path=tmp_path / "a" / "mteb").load_results(models=[name])
    assert [task.task_name for model in results for task in model.task_results] == ["InMemory"]
    with pytest.raises(DataError, match=r"must be a folder with results of mteb, but is 'without any'\. It is the run folder that"):
        register_evaluated(tmp_path / "d")


def test_suites_without_tasks_are_refused():
    with pytest.raises(ConfigError, match="suite.tasks must be at least one"):
        MtebSuite(MtebSuiteConfig())
