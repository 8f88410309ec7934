"""MMEB's rows, with the fields, file names and texts of the published tasks."""

import pytest

from tests.evaluation.layouts.material import write_image, write_parquet
from unite.config.schema.media import Decoding
from unite.data.mmeb import INSTRUCTIONS, split_instruction
from unite.errors import DataError
from unite.evaluation.layouts.mmeb import Mmeb
from unite.types import Modality

#: An image to the names of classes, a question about an image to answers, a text to images, an image and a change to images.
QUERIES = {
    "ImageNet-1K": "<|image_1|>\nRepresent the given image for classification\n",
    "OK-VQA": "<|image_1|>\nRepresent the given image with the following question: What is it plus 1?\n",
    "MSCOCO_t2i": "Find me an everyday image that matches the given caption: a dog, {number}\n",
    "CIRR": "<|image_1|>\nGiven an image, find a similar everyday image with the described changes: 1 more\n",
}
TARGET = "<|image_1|>\nRepresent the given image\n"


def write(root, subset, num=4, **changes):
    """The right one is `number`, for questions and changes one more; then two wrong ones, one of them named twice."""
    to_text, plus = subset in ("ImageNet-1K", "OK-VQA"), int(subset in ("OK-VQA", "CIRR"))
    rows = []
    for number in range(num):
        right = [number + plus, *((number + plus + step) % 8 for step in (2, 3, 2))]
        for one in (number, *right):
            write_image(root / "MMEB-eval" / "eval_images" / subset / f"{one}.jpg", one)
        rows.append(
            {
                "qry_text": QUERIES[subset].format(number=number),
                "qry_img_path": "" if subset == "MSCOCO_t2i" else f"{subset}/{number}.jpg",
                "tgt_text": [f"class {one}" if to_text else TARGET for one in right],
                "tgt_img_path": ["" if to_text else f"{subset}/{one}.jpg" for one in right],
            }
        )
    rows[0].update(changes)
    write_parquet(root / "MMEB-eval" / subset / "test-00000-of-00001.parquet", rows)


def load(root, subset):
    return Mmeb(folder="MMEB-eval", subset=subset).load(subset, root, Decoding())


def test_an_encoder_that_knows_finds_everything_and_missing_tasks_are_named(suite_of, knowing, tmp_path, caplog):
    for subset in QUERIES:
        write(tmp_path, subset)
    result = suite_of("mmeb").run(knowing)
    assert list(result.tasks) == ["ImageNet-1K", "OK-VQA", "CIRR", "MSCOCO_t2i"]
    assert {task.metrics["hit@1"] for task in result.tasks.values()} == {1.0}
    assert {name: task.pair for name, task in result.tasks.items()} == {
        "ImageNet-1K": "image->text",
        "OK-VQA": "text+image->text",
        "MSCOCO_t2i": "text->image",
        "CIRR": "text+image->image",
    }
    assert len(result.missing) == 32
    assert (
        "Put the folder N24News of TIGER-Lab/MMEB-eval there, and what its images.zip holds into eval_images." in result.missing["N24News"]
    )
    assert result.group_means() == {} and "mmeb/mean/hit@1" in result.metrics()
    assert "the mean over vqa is left out: it would be over other tasks without A-OKVQA, DocVQA" in caplog.text


def test_candidates_are_the_row_s_own_and_the_first_is_right(tmp_path):
    write(tmp_path, "OK-VQA")
    task = load(tmp_path, "OK-VQA")
    texts = dict(zip(task.candidate_ids, [content.decode().text for content in task.candidates], strict=True))
    pools = {query: [texts[name] for name in task.pools[query]] for query in task.query_ids}
    assert pools["q00000"] == ["class 1", "class 3", "class 4"]
    assert pools["q00003"] == ["class 4", "class 6", "class 7"]
    assert [texts[name] for name in task.relevance["q00003"]] == ["class 4"]
    assert len(task.candidate_ids) == len(set(texts.values()))
    assert task.metrics == ("hit@1",)


def test_instructions_leave_the_text_and_the_placeholder_becomes_the_image_s_place(tmp_path):
    for subset in QUERIES:
        write(tmp_path, subset)
    contents = {subset: load(tmp_path, subset).queries[2].decode() for subset in QUERIES}
    assert {subset: (one.instruction, one.text, one.modality) for subset, one in contents.items()} == {
        "ImageNet-1K": ("Represent the given image for classification", "", Modality.IMAGE),
        "OK-VQA": (
            "Represent the given image with the following question",
            f"{Modality.IMAGE.place}\nWhat is it plus 1?",
            Modality.TEXT | Modality.IMAGE,
        ),
        "MSCOCO_t2i": ("Find me an everyday image that matches the given caption", "a dog, 2", Modality.TEXT),
        "CIRR": (
            "Given an image, find a similar everyday image with the described changes",
            f"{Modality.IMAGE.place}\n1 more",
            Modality.TEXT | Modality.IMAGE,
        ),
    }
    target = load(tmp_path, "CIRR").candidates[0].decode()
    assert (target.instruction, target.text, target.modality) == ("Represent the given image", "", Modality.IMAGE)


@pytest.mark.parametrize(
    ("text", "instruction", "rest"),
    [
        ('Select the portion of the image that isolates the object labeled as "hot dog"', INSTRUCTIONS[19], '"hot dog"'),
        (
            "Represent the given image with related text information: Comic.",
            "Represent the given image with related text information",
            "Comic.",
        ),
        ("Represent the given image.", "Represent the given image", ""),
        ("sea snake", "", "sea snake"),
    ],
)
def test_the_longest_instruction_is_taken(text, instruction, rest):
    assert split_instruction(text) == (instruction, rest)


def test_a_placeholder_without_image_is_removed(tmp_path):
    write(tmp_path, "MSCOCO_t2i", qry_text="<|image_1|>\nFind a Wikipedia image that answers this question: Who is 0?\n")
    content = load(tmp_path, "MSCOCO_t2i").queries[0].decode()
    assert (content.text, content.media) == ("Who is 0?", ())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"qry_text": "<|image_1|>\n", "qry_img_path": ""}, "row 0 of OK-VQA of task OK-VQA must be a text, an image or both"),
        ({"tgt_text": []}, "the candidates in row 0 of OK-VQA .* but is '0 texts and 4 paths'"),
        ({"tgt_img_path": [""]}, "'4 texts and 1 paths'"),
        ({"tgt_text": ["", "a", "b", "c"]}, "a candidate in row 0 of OK-VQA .*without image"),
        ({"qry_img_path": "OK-VQA/none.jpg"}, r"without 1 of 4 media: .*eval_images/OK-VQA/none\.jpg"),
    ],
)
def test_a_broken_row_is_named(changes, message, tmp_path):
    write(tmp_path, "OK-VQA", **changes)
    with pytest.raises(DataError, match=message):
        load(tmp_path, "OK-VQA")


def test_a_broken_file_is_named(tmp_path):
    write(tmp_path, "OK-VQA")
    path = tmp_path / "MMEB-eval" / "OK-VQA" / "test-00000-of-00001.parquet"
    write_parquet(path, [{"qry": "old", "tgt_text": ["a"]}])
    with pytest.raises(DataError, match="such that qry_text, qry_img_path, tgt_img_path is among them, but is 'qry, tgt_text'"):
        load(tmp_path, "OK-VQA")
    path.write_bytes(b"no parquet")
    with pytest.raises(DataError, match="of task OK-VQA must be parquet"):
        load(tmp_path, "OK-VQA")
    path.unlink()
    with pytest.raises(DataError, match=r"without OK-VQA/test-00000-of-00001\.parquet"):
        load(tmp_path, "OK-VQA")


def test_the_groups_are_those_of_the_benchmark(suite_of):
    suite = suite_of("mmeb")
    sizes = {group: len(names) for group, names in suite.groups.items()}
    assert sizes == {"classification": 10, "vqa": 10, "retrieval": 12, "grounding": 4, "ind": 20, "ood": 16}
    kinds = [name for group in ("classification", "vqa", "retrieval", "grounding") for name in suite.groups[group]]
    assert kinds == list(suite.tasks) and sorted(kinds) == sorted([*suite.groups["ind"], *suite.groups["ood"]])
    assert [source.subset for source in suite.tasks.values()] == list(suite.tasks)
