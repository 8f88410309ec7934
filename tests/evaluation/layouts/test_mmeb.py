"""MMEB's rows, with the fields, file names and texts of the published tasks."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.encoder.chat_text import chat_text
from tests.evaluation.layouts.material import write_image, write_parquet
from unite.config.schema import PromptConfig
from unite.config.schema.media import Decoding
from unite.data.identities import hash_of
from unite.data.mmeb import INSTRUCTIONS, split_instruction
from unite.data.rows import StoredContent, StoredMedium
from unite.encoder.prompt import Prompt
from unite.errors import DataError
from unite.evaluation.layouts.mmeb import Mmeb
from unite.types import Content, Medium, Modality

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
    assert "; vqa (without A-OKVQA, DocVQA, InfographicsVQA and 6 more); " in caplog.text


def test_candidates_are_the_row_s_own_and_the_first_is_right(tmp_path):
    write(tmp_path, "OK-VQA")
    task = load(tmp_path, "OK-VQA")
    texts = dict(zip(task.candidate_ids, [content.decode().text for content in task.candidates], strict=True))
    pools = {query: [texts[name] for name in task.pools[query]] for query in task.query_ids}
    assert pools["q00000"] == ["class 1", "class 3", "class 4"]
    assert pools["q00003"] == ["class 4", "class 6", "class 7"]
    assert [texts[name] for name in task.relevance["q00003"]] == ["class 4"]
    assert len(task.candidate_ids) == len(set(texts.values()))
    assert (task.metrics, task.ties) == (("hit@1",), "argmax")


def test_instruction_and_image_keep_their_places(tmp_path):
    for subset in QUERIES:
        write(tmp_path, subset)
    contents = {subset: load(tmp_path, subset).queries[2].decode() for subset in QUERIES}
    assert {subset: (one.instruction, one.text, one.modality) for subset, one in contents.items()} == {
        "ImageNet-1K": ("Represent the given image for classification", "<|IMAGE|>\n<|INSTRUCTION|>\n", Modality.IMAGE),
        "OK-VQA": (
            "Represent the given image with the following question:",
            "<|IMAGE|>\n<|INSTRUCTION|> What is it plus 1?\n",
            Modality.TEXT | Modality.IMAGE,
        ),
        "MSCOCO_t2i": ("Find me an everyday image that matches the given caption:", "<|INSTRUCTION|> a dog, 2\n", Modality.TEXT),
        "CIRR": (
            "Given an image, find a similar everyday image with the described changes:",
            "<|IMAGE|>\n<|INSTRUCTION|> 1 more\n",
            Modality.TEXT | Modality.IMAGE,
        ),
    }
    target = load(tmp_path, "CIRR").candidates[0].decode()
    assert (target.instruction, target.modality) == ("Represent the given image", Modality.IMAGE)


@pytest.mark.parametrize(
    ("text", "instruction", "rest"),
    [
        ('Select the portion of the image that isolates the object labeled as "hot dog"', INSTRUCTIONS[19], ' "hot dog"'),
        (
            "Represent the given image with related text information: Comic.",
            "Represent the given image with related text information:",
            " Comic.",
        ),
        ("Represent the given image.", "Represent the given image.", ""),
        ("sea snake", "", "sea snake"),
        ("an <|IMAGE|> tag", "", r"an <\|IMAGE|> tag"),
        ("A caption that says: Represent the given image.", "", "A caption that says: Represent the given image."),
    ],
)
def test_the_longest_instruction_is_taken(text, instruction, rest):
    place = "<|INSTRUCTION|>" if instruction else ""
    assert split_instruction(text, False) == (f"{place}{rest}", instruction)
    assert split_instruction(f"<|image_1|>\n{text}\n", True) == (f"<|IMAGE|>\n{place}{rest}\n", instruction)


#: Published texts of the tasks with image and text, and of targets with both, as public code writes them out.
PUBLISHED = (
    "<|image_1|>\nRepresent the given image with the following question: Is the value of Favorable 38 in 2015?\n",
    "<|image_1|>\nIdentify the scene shown in the image\n",
    "<|image_1|>\nRepresent the given news image with the following caption for domain classification: A street.\n",
    "<|image_1|>\nGiven an image, find a similar everyday image with the described changes: Make it a dog.\n",
    "<|image_1|>\nFind an image to match the fashion image and style note: Is shiny and silver with shorter sleeves and fit and flare.\n",
    "<|image_1|>\nRetrieve a Wikipedia image-description pair that provides evidence for the question of this image: What is it?\n",
    "<|image_1|>\nSelect the portion of the image that follows the language expressions: man in black\n",
    '<|image_1|>\nSelect the portion of the image that isolates the object labeled as "hot dog"\n',
    "<|image_1|>\nSelect the portion of the image that answers the question Which is red?\n",
    "<|image_1|>\nRepresent the given Wikipedia image with related text information: A tower.\n",
    "<|image_1|>\nRepresent the given image.\n",
    "<|image_1|> Represent the given image with the following question: What is the name of that toy in the background?",
    "<|image_1|>\nA question with an instruction that nobody knows?\n",
)


@pytest.mark.parametrize("text", PUBLISHED)
def test_a_published_text_keeps_its_order_in_the_prompt(text):
    written, instruction = split_instruction(text, True)
    content = Content(written, (Medium(Modality.IMAGE, np.zeros((1, 4, 4, 3), np.uint8), 1),), instruction)
    segments = Prompt(PromptConfig(name="as_written", template="{content}", strip=False)).segments(content)
    assert chat_text(segments, content) == text.replace("<|image_1|>", "<|vision_start|><|image_pad|><|vision_end|>")
    assert bool(instruction) is ("nobody knows" not in text)


def test_equal_contents_under_two_instructions_are_known_as_one():
    picture = (StoredMedium(Modality.IMAGE, b"picture", "jpg"),)
    asked = [
        split_instruction(f"<|image_1|>\n{task}\n", True) for task in ("Represent the given image for classification", INSTRUCTIONS[3])
    ]
    assert (
        len({hash_of(StoredContent(text, picture, instruction)) for text, instruction in asked} | {hash_of(StoredContent("", picture))})
        == 1
    )
    text, instruction = split_instruction("Find me an everyday image that matches the given caption: A dog.\n", False)
    assert hash_of(StoredContent(text, (), instruction)) == hash_of(StoredContent("A dog."))


def test_a_placeholder_without_image_is_removed(tmp_path):
    write(tmp_path, "MSCOCO_t2i", qry_text="<|image_1|>\nFind a Wikipedia image that answers this question: Who is 0?\n")
    content = load(tmp_path, "MSCOCO_t2i").queries[0].decode()
    assert (content.text, content.media) == ("<|INSTRUCTION|> Who is 0?\n", ())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"qry_text": "<|image_1|>\n", "qry_img_path": ""}, "the query in row 0 of OK-VQA of task OK-VQA must be a text, an image or both"),
        ({"qry_text": None}, "the text of the query in row 0 of OK-VQA of task OK-VQA must be a text, but is 'null'"),
        ({"tgt_text": ["a", None, "b", "c"]}, "the text of a candidate in row 0 of OK-VQA of task OK-VQA must be a text, but is 'null'"),
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


def test_of_equal_scores_the_first_wins_as_in_the_published_code(suite_of, constant, tmp_path):
    for subset in QUERIES:
        write(tmp_path, subset)
    result = suite_of("mmeb").run(constant)
    assert {task.metrics["hit@1"] for task in result.tasks.values()} == {1.0} and all(task.all_tied for task in result.tasks.values())


def test_a_broken_file_is_named(tmp_path):
    write(tmp_path, "OK-VQA")
    path = tmp_path / "MMEB-eval" / "OK-VQA" / "test-00000-of-00001.parquet"
    write_parquet(path, [{"qry": "old", "tgt_text": ["a"]}])
    with pytest.raises(DataError, match="must be qry_text, qry_img_path, tgt_text, tgt_img_path, but is 'qry, tgt_text'"):
        load(tmp_path, "OK-VQA")
    row = {"qry_text": "a", "qry_img_path": "", "tgt_text": ["a"], "tgt_img_path": [""]}
    write_parquet(path, [row | {"qry_inst": "Find it.", "tgt_inst": ""}])
    with pytest.raises(DataError, match="but is 'qry_text, .*tgt_inst'. Rows with qry_inst .* evaluate them by suite=mmeb_v2_image"):
        load(tmp_path, "OK-VQA")
    write_parquet(path, [row | {"__index_level_0__": 0}])  # as pandas writes it
    assert len(load(tmp_path, "OK-VQA").query_ids) == 1
    write_parquet(path, [row | {"tgt_text": "a"}])
    with pytest.raises(DataError, match="tgt_text in row 0 of OK-VQA of task OK-VQA must be a list of texts, but is \"'a'\""):
        load(tmp_path, "OK-VQA")
    write_parquet(path.with_name("test-00001-of-00002.parquet"), [row])
    with pytest.raises(DataError, match="the files of OK-VQA of task OK-VQA must be one set of shards"):
        load(tmp_path, "OK-VQA")
    path.with_name("test-00001-of-00002.parquet").unlink()
    write_parquet(path, [row], most=0)
    with pytest.raises(DataError, match="the rows of task OK-VQA must be at least one"):
        load(tmp_path, "OK-VQA")
    write_parquet(path, [row])
    table = pq.read_table(path)
    no_text = pa.array([b"\xff"] * len(table), pa.binary()).view(pa.string())
    pq.write_table(table.set_column(0, "qry_text", no_text), path)
    with pytest.raises(DataError, match="of task OK-VQA must be parquet, but is \"'utf-8' codec can't decode"):
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
