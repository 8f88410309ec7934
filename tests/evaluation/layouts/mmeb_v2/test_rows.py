"""All 18 tasks, from their files to texts, token ids and frames, against what the published code writes."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoConfig, AutoProcessor, AutoTokenizer
from transformers.video_utils import VideoMetadata

from tests.encoder.chat_text import chat_text
from tests.encoder.checkpoints import save_family, tiny
from tests.evaluation.layouts.mmeb_v2.material import TASKS, V, number_of
from tests.fake_encoder import FakeEncoder, FakeProcessor
from tests.written import write_csv
from unite.config.prompts import prompt_options
from unite.config.schema import PromptConfig, ReadingConfig
from unite.encoder.families import family_of
from unite.encoder.processor import ContentProcessor
from unite.encoder.prompt import Prompt
from unite.errors import DataError
from unite.evaluation.layouts.source import MissingTaskError
from unite.types import Modality

AS_WRITTEN = Prompt(PromptConfig(name="as_written", template="{content}", strip=False))
MARKS = ("<|vision_start|>", "<|vision_end|>")
KINDS = {
    "video_classification": ["K700", "SmthSmthV2", "HMDB51", "UCF101", "Breakfast"],
    "video_qa": ["MVBench", "Video-MME", "NExTQA", "EgoSchema", "ActivityNetQA"],
    "video_retrieval": ["DiDeMo", "MSR-VTT", "MSVD", "VATEX", "YouCook2"],
    "video_moment_retrieval": ["QVHighlight", "Charades-STA", "MomentSeeker"],
}


@pytest.fixture(scope="module")
def tasks(suite):
    return {name: suite.load(name) for name in TASKS}


@pytest.fixture(scope="module")
def processors(tmp_path_factory):
    """Of a family and a prompt: transformers' processor and this one's, of one tiny checkpoint."""
    root = tmp_path_factory.mktemp("published")
    tokenizer = AutoTokenizer.from_pretrained(tiny(root / "tiny"))

    def of(family, prompt):
        folder = save_family(family, root, tokenizer)
        theirs, config = AutoProcessor.from_pretrained(folder), AutoConfig.from_pretrained(folder)
        reading = ReadingConfig(min_image_tokens=1, max_length=4096, **prompt_options(prompt))
        return theirs, ContentProcessor(theirs, family_of(config.model_type, folder)(config, theirs), reading)

    return of


@pytest.fixture(scope="module")
def published(processors):
    """Those of Qwen2-VL, this one's with VLM2Vec's prompt."""
    return processors("qwen2_vl", "vlm2vec")


class Loud(FakeProcessor):
    """Takes texts in capitals: to a fake encoder a banana is NaN."""

    def encode(self, content):
        return super().encode(replace(content, text=content.text.upper()))


def text_of(content):
    """What a prompt writes that has no words of its own."""
    text = chat_text(AS_WRITTEN.segments(content), content)
    for mark in MARKS:
        text = text.replace(mark, "")
    return text


def frames_of(content):
    """(folder, places) that its frames tell."""
    [video] = content.media
    means = video.frames.mean(axis=(1, 2))
    [number] = set(np.round(means[:, 1] / 10).astype(int).tolist())
    return number, np.round(means[:, 0] / 4).astype(int).tolist()


def inputs(processor, text, content):
    """What transformers' processor makes of a published text, with the media of a content and no chat template."""
    frames = {kind: [medium.frames for medium in content.media if medium.modality is kind] for kind in (Modality.IMAGE, Modality.VIDEO)}
    videos = [torch.from_numpy(video).permute(0, 3, 1, 2) for video in frames[Modality.VIDEO]]
    metadata = [VideoMetadata(total_num_frames=len(video), fps=2.0, frames_indices=list(range(len(video)))) for video in videos]
    images = [Image.fromarray(image[0]) for image in frames[Modality.IMAGE]]
    media = {"images": images or None, "videos": videos or None, "video_metadata": metadata or None}
    return processor(text=[text], **media, do_sample_frames=False, do_resize=False, return_tensors="pt")


def first_pool(task, at):
    """The candidates of a row, in their order, by id and decoded."""
    ids = task.candidate_ids if task.pools is None else task.pools[task.query_ids[at]]
    of = dict(zip(task.candidate_ids, task.candidates, strict=True))
    return ids, [of[name].decode() for name in ids]


def test_the_suite_is_the_18_tasks_of_the_benchmark(suite):
    assert sorted(suite.tasks) == sorted(TASKS) == sorted(name for names in KINDS.values() for name in names)
    assert suite.groups == {**{kind: tuple(names) for kind, names in KINDS.items()}, "video": tuple(suite.tasks)}
    assert {source.metrics for source in suite.tasks.values()} == {("hit@1",)}
    assert (suite.decoding.min_frames, suite.decoding.max_frames) == (8, 8)


@pytest.mark.parametrize("name", TASKS)
def test_texts_and_candidates_are_the_published_ones(name, tasks):
    task, wanted = tasks[name], TASKS[name]
    query = task.queries[wanted.at].decode()
    names, contents = first_pool(task, wanted.at)
    assert text_of(query) == wanted.query
    assert list(names)[: len(wanted.names)] == wanted.names and len(task.candidate_ids) == wanted.num_candidates
    assert [text_of(content) for content in contents[: len(wanted.names)]] == wanted.texts
    assert list(task.relevant[task.query_ids[wanted.at]]) == wanted.right
    assert (task.pair, task.ties) == (wanted.pair, "argmax")
    is_global = name in KINDS["video_retrieval"] or name in ("K700", "HMDB51", "UCF101", "Breakfast")
    assert (task.pools is None) is is_global and (is_global or list(names) == wanted.names)
    num_rows = sum(map(len, wanted.rows.values()))
    assert len(task.query_ids) == (num_rows if name != "MVBench" else 20)


@pytest.mark.parametrize("name", TASKS)
def test_frames_are_the_published_ones(name, tasks):
    task, wanted = tasks[name], TASKS[name]
    shown = [(wanted.video, task.queries[wanted.at].decode())] if wanted.video else []
    if wanted.videos:
        shown += zip(wanted.videos, first_pool(task, wanted.at)[1], strict=True)
    assert shown
    for folder, content in shown:
        num = wanted.frames[folder]
        places = np.linspace(0, num - 1, 8, dtype=int).tolist() if num > 8 else list(range(num))
        assert frames_of(content) == (number_of(name, folder), places)


@pytest.mark.parametrize("name", TASKS)
def test_token_ids_are_those_of_the_published_text(name, tasks, published):
    theirs, ours = published
    task, wanted = tasks[name], TASKS[name]
    candidate, text = first_pool(task, wanted.at)[1][0], wanted.texts[0]
    for content, written in ((task.queries[wanted.at].decode(), wanted.query), (candidate, text)):
        assert ours.encode(content).input_ids.tolist() == inputs(theirs, written, content)["input_ids"][0].tolist()


def test_token_ids_are_those_of_each_kind_of_query(tasks, published):
    theirs, ours = published
    texts = (
        TASKS["MomentSeeker"].query,
        "<|image_pad|> Select the video clip that aligns with the given text and image: the same coat",
        "Find the clip that corresponds to the given text: a goal is shot",
    )
    for query, text in zip(tasks["MomentSeeker"].queries, texts, strict=True):
        content = query.decode()
        assert ours.encode(content).input_ids.tolist() == inputs(theirs, text, content)["input_ids"][0].tolist()


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_time_is_that_of_two_frames_a_second(family, tasks, processors):
    """So Qwen2.5-VL's own processor and qwen-vl-utils, for Qwen3-VL's, take a list of pictures."""
    theirs, ours = processors(family, "plain")
    content = tasks["HMDB51"].queries[0].decode()
    [video] = content.media
    content = replace(content, media=(replace(video, frames=video.frames.repeat(8, 1).repeat(8, 2)),))  # of a size that no family changes
    text = TASKS["HMDB51"].query.replace(V, f"<|vision_start|>{V}<|vision_end|>") + "<|endoftext|>"
    expected, encoded = inputs(theirs, text, content), ours.encode(content)
    assert encoded.input_ids.tolist() == expected["input_ids"][0].tolist()
    assert encoded.media["intervals"].tolist() == list(expected.get("second_per_grid_ts", [1.0])) == [1.0]
    assert ("<0.2 seconds>" in theirs.tokenizer.decode(encoded.input_ids)) is (family == "qwen3_vl")


def test_all_tasks_run(suite, tasks):
    encoder = FakeEncoder()
    encoder.processor = Loud()
    result = suite.run(encoder)
    assert list(result.tasks) == list(suite.tasks) and not result.missing
    metrics = result.metrics()
    assert {f"mmeb_v2_video/mean_{group}/hit@1" for group in suite.groups} <= set(metrics)
    hits = [metrics[f"mmeb_v2_video/{name}/hit@1"] for name in suite.tasks]
    assert metrics["mmeb_v2_video/mean_video/hit@1"] == pytest.approx(sum(hits) / 18) == result.score.value


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
@pytest.mark.parametrize("name", ["NExTQA", "MomentSeeker", "MSVD"])
def test_rows_may_be_json(name, suffix, changed, tasks):
    task = changed(name, suffix=suffix)
    assert [content.stored.text for content in task.queries] == [content.stored.text for content in tasks[name].queries]
    assert task.pools == tasks[name].pools and task.relevance == tasks[name].relevance


def test_rows_may_lie_as_on_the_hub(changed, suite, tmp_path):
    changed("NExTQA")
    rows = tmp_path / "MMEB-V2" / "video-tasks" / "rows"
    for config in ("MC", "OE"):
        (rows / "NExTQA" / config).mkdir(parents=True)
        shutil.copy(rows / "NExTQA.parquet", rows / "NExTQA" / config / "test-00000-of-00001.parquet")
    (rows / "NExTQA.parquet").unlink()
    assert len(suite.tasks["NExTQA"].load("NExTQA", tmp_path, suite.decoding).query_ids) == 2


def test_only_so_many_rows_count(suite, changed):
    assert suite.tasks["SmthSmthV2"].most_rows == 1000

    def many(rows):
        rows.extend([{**rows[1], "video_id": 1000 + number} for number in range(1100)])

    with pytest.raises(MissingTaskError, match="without 998 of 1000 media"):
        changed("SmthSmthV2", many)


def test_what_is_missing_is_told_for_each_task(suite, changed, tmp_path):
    with pytest.raises(MissingTaskError, match=r"video-tasks must be the folder of MMEB-V2's video tasks.*rows/HMDB51\.parquet"):
        suite.tasks["HMDB51"].load("HMDB51", tmp_path, suite.decoding)
    changed("HMDB51")
    home = tmp_path / "MMEB-V2" / "video-tasks"
    shutil.rmtree(home / "frames" / "video_cls" / "HMDB51" / "clip_b")
    (home / "frames" / "video_cls" / "HMDB51" / "clip_a" / "frame_0004.jpg").unlink()
    message = r"without 2 of 2 media: \S*HMDB51/clip_a \(without frame 4\), \S*HMDB51/clip_b'\. Put the rows of VLM2Vec/HMDB51 "
    with pytest.raises(MissingTaskError, match=message):
        suite.tasks["HMDB51"].load("HMDB51", tmp_path, suite.decoding)
    places = set()
    for name, layout in suite.tasks.items():
        with pytest.raises(MissingTaskError) as error:
            layout.load(name, tmp_path, suite.decoding)
        places.add(error.value.folder)
    assert len(places) == 18


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "MSR-VTT",
            lambda rows: rows[0].pop("caption") and rows[1].pop("caption"),
            "such that caption is among them, but is 'video_id, video'",
        ),
        (
            "MSR-VTT",
            lambda rows: rows[1].update(caption=" "),
            r"caption in row 1 of rows/MSR-VTT of task MSR-VTT must be there and not empty",
        ),
        ("HMDB51", lambda rows: rows.append(rows[0]), r"the ids in rows/HMDB51 .* must be unique, but is 'clip_a'"),
        ("Video-MME", lambda rows: rows.append(rows[0]), r"must be unique, but is '001-1'"),
        ("NExTQA", lambda rows: rows.append(rows[1]), r"must be unique, but is '7/6'"),
        ("DiDeMo", lambda rows: rows.clear(), "the table rows/DiDeMo of task DiDeMo must be of at least one row"),
    ],
)
def test_broken_rows_are_named(name, change, message, changed):
    with pytest.raises(DataError, match=message):
        changed(name, change, ".json" if name == "DiDeMo" else ".parquet")


def test_a_broken_table_is_named(changed, suite, tmp_path):
    changed("MSVD")
    path = tmp_path / "MMEB-V2" / "video-tasks" / "rows" / "MSVD.parquet"
    write_csv(path, ("video_id",), [("x",)])
    with pytest.raises(DataError, match=r"the file \S*MSVD\.parquet of task MSVD must be parquet"):
        suite.tasks["MSVD"].load("MSVD", tmp_path, suite.decoding)
    path.unlink()
    path.with_suffix(".json").write_text(json.dumps([["a", "list"]]))
    with pytest.raises(DataError, match=r"must be an object with named fields, but is 'list'"):
        suite.tasks["MSVD"].load("MSVD", tmp_path, suite.decoding)


def test_a_place_that_people_wrote_is_text(changed):
    task = changed("VATEX", lambda rows: rows[0].update(enCap=["a <|VIDEO|> sign"]))
    assert text_of(task.queries[0].decode()) == "Select a video that fits the description provided: a <|VIDEO|> sign"
    assert task.query_modality is Modality.TEXT
