"""MMEB-V2's image tasks: what a row becomes, which candidates are one, and rows that are broken. Texts of all tasks: test_mmeb_rows.py."""

import pytest

from tests.encoder.chat_text import chat_text
from tests.evaluation.layouts.material import write_parquet, write_picture
from tests.evaluation.layouts.mmeb_published import TASKS, write_first_version, write_second_version
from unite.config.prompts import prompt_options
from unite.config.schema.media import Decoding
from unite.encoder.prompt import Prompt
from unite.errors import ConfigError, DataError
from unite.evaluation.layouts.mmeb import Mmeb
from unite.evaluation.layouts.mmeb_instruct import MmebInstruct
from unite.evaluation.layouts.source import MissingTaskError
from unite.types import Modality

PATHS = ["a.png", "b.png", "c.png"]


def load(root, parser, *rows, subset="CIRR"):
    folder = root / "MMEB-V2" / "image-tasks"
    for number, path in enumerate(PATHS):
        write_picture(folder / path, number)
    if rows:
        write_parquet(folder / "ziyjiang" / "MMEB_Test_Instruct" / subset / "test-00000-of-00001.parquet", list(rows))
    return MmebInstruct(folder="MMEB-V2/image-tasks", subset=subset, parser=parser).load(subset, root, Decoding())


def row(**changes):
    asked = {"qry_inst": "<|image_1|>\nChange it:", "qry_text": "Make it red.", "qry_img_path": "a.png"}
    found = {"tgt_inst": "<|image_1|>\nRepresent it.", "tgt_text": ["", ""], "tgt_img_path": ["b.png", "c.png"]}
    return asked | found | changes


def written(content):
    prompt = Prompt(prompt_options("vlm2vec")["prompt"])
    return chat_text(prompt.segments(content), content).replace("<|vision_start|><|image_pad|><|vision_end|>", "<image>")


#: By hand, as the benchmark's parsers put a text together: "<image> ", instruction, " ", text; " \n" becomes "\n"; a line break ends it.
QUERIES = [
    ("image_cls", row(), "<image>\nChange it: Make it red.\n"),
    ("image_cls", row(qry_inst="<|image_1|> Name it", qry_text=""), "<image>  Name it\n"),
    ("image_i2t", row(qry_inst="Name it \n", qry_text=None), "<image> Name it\n\n"),
    ("image_qa", row(qry_inst=" <|image_1|> Answer: ", qry_text="\nWhat? "), "<image>\nAnswer:\nWhat? \n"),
    ("image_i2i_vg", row(qry_inst="Change  \n it:", qry_text="<|image_1|> <|IMAGE|>"), "<image>\nChange \n it: <|image_1|> <|IMAGE|>\n"),
    ("image_i2i_vg", row(qry_inst="", qry_text=""), "<image>\n\n"),
    ("image_t2i", row(qry_inst="Find it: ", qry_text="A \n dog."), "Find it:  A \n dog.\n"),
    ("image_t2i", row(qry_inst="<|image_1|>\nFind it:", qry_text="A dog."), "Find it: A dog.\n"),
]
CANDIDATES = [
    ("image_cls", row(tgt_text=[" sea \n snake", "b"]), " sea \n snake"),
    ("image_i2i_vg", row(), "<image>\nRepresent it."),
    ("image_t2i", row(), "<image>\nRepresent it.\n"),
    ("image_i2i_vg", row(tgt_text=["red \n dog", ""]), "<image>\nRepresent it. red\n dog\n"),
    ("image_t2i", row(tgt_inst="Represent it:", tgt_text=["A dog.", ""]), "<image> Represent it: A dog.\n"),
    ("image_t2i", row(tgt_text=[" ", "not read"]), "<image>\nRepresent it.\n"),
]


@pytest.mark.parametrize(("parser", "given", "text"), QUERIES)
def test_a_query_is_written_as_its_parser_does(parser, given, text, tmp_path):
    texts = {"tgt_text": ["yes", "no"]} if parser in ("image_cls", "image_qa", "image_i2t") else {}
    assert written(load(tmp_path, parser, given | texts).queries[0].decode()) == text


@pytest.mark.parametrize(("parser", "given", "text"), CANDIDATES)
def test_a_candidate_is_written_as_its_parser_does(parser, given, text, tmp_path):
    assert written(load(tmp_path, parser, given).candidates[0].decode()) == text


def test_only_a_dialogue_ends_in_two_line_breaks(tmp_path):
    asked = row(qry_inst="Find it:", qry_text="A dog.")
    assert written(load(tmp_path, "image_t2i", asked, subset="VisDial").queries[0].decode()) == "Find it: A dog.\n\n"


def test_the_instruction_is_no_content(tmp_path):
    task = load(tmp_path, "image_cls", row(qry_inst="<|image_1|>\nName it", qry_text="", tgt_text=["a", "b"]))
    query, candidate = task.queries[0].decode(), task.candidates[0].decode()
    assert (query.instruction, query.modality, candidate.instruction, task.pair) == ("Name it", Modality.IMAGE, "", "image->text")
    assert (load(tmp_path, "image_i2i_vg", row()).pair, load(tmp_path, "image_t2i", row()).pair) == ("text+image->image", "text->image")


ROWS = (
    row(tgt_text=["one", "two", "one"], tgt_img_path=["a.png", "b.png", "c.png"]),
    row(tgt_text=["three", '"two"', "two"], tgt_img_path=["b.png", "b.png", "b.png"]),
)


@pytest.mark.parametrize(
    ("parser", "texts", "pools"),
    [
        # by its text, by its image alone, by both without the quotation marks around the text
        ("image_cls", ["one", "two", "three", '"two"'], [[0, 1], [2, 3, 1]]),
        ("image_t2i", ["one", "two", "one"], [[0, 1, 2], [1]]),
        ("image_i2i_vg", ["one", "two", "one", "three"], [[0, 1, 2], [3, 1]]),
    ],
)
def test_what_has_one_name_is_one_candidate_and_the_first_row_says_what_it_is(parser, texts, pools, tmp_path):
    task = load(tmp_path, parser, *ROWS)
    found = [content.decode().text for content in task.candidates]
    begin = "" if parser == "image_cls" else "<|IMAGE|>\n<|INSTRUCTION|> "
    assert found == [f"{begin}{text}\n" if begin else text for text in texts]
    assert [[int(name[1:]) for name in task.pools[query]] for query in task.query_ids] == pools
    assert [task.relevance[query] for query in task.query_ids] == [{f"c{pool[0]:06d}": 1} for pool in pools]


def test_a_missing_task_and_a_missing_image_say_what_to_put_where(tmp_path):
    with pytest.raises(
        MissingTaskError, match=r"without ziyjiang/MMEB_Test_Instruct/CIRR.*Put the folder CIRR of ziyjiang.*mmeb_v1\.tar\.gz"
    ):
        load(tmp_path, "image_cls")
    with pytest.raises(MissingTaskError, match=r"without 1 of 2 media: .*image-tasks/gone\.png"):
        load(tmp_path, "image_i2i_vg", row(tgt_img_path=["gone.png", "a.png"]))


@pytest.mark.parametrize(
    ("parser", "changes", "message"),
    [
        ("image_cls", {"tgt_text": []}, "tgt_text in row 0 of CIRR of task CIRR must be at least one text, but is 'empty'"),
        ("image_cls", {"tgt_text": ["a", None]}, "a text in tgt_text in row 0 of CIRR of task CIRR must be a text, but is 'null'"),
        ("image_cls", {"tgt_text": ["a", ""]}, "a candidate in row 0 of CIRR of task CIRR must be a text, an image or both"),
        ("image_qa", {"qry_img_path": "", "tgt_text": ["a"]}, "qry_img_path in row 0 of CIRR of task CIRR must be the path of an image"),
        ("image_qa", {"qry_inst": None, "tgt_text": ["a"]}, "qry_inst in row 0 of CIRR of task CIRR must be a text, but is 'null'"),
        ("image_t2i", {"qry_text": None}, "qry_text in row 0 of CIRR of task CIRR must be a text, but is 'null'"),
        ("image_t2i", {"tgt_inst": None}, "tgt_inst in row 0 of CIRR of task CIRR must be a text, but is 'null'"),
        ("image_t2i", {"tgt_text": []}, "the candidates in row 0 of CIRR .* but is '0 texts and 2 paths"),
        ("image_i2i_vg", {"tgt_img_path": ["a.png"]}, "the candidates in row 0 of CIRR .* but is '2 texts and 1 paths"),
        ("image_i2i_vg", {"tgt_img_path": ["a.png", ""]}, "but is '2 texts and 1 paths that are not empty'"),
        ("image_cls", {"tgt_text": "snake"}, "tgt_text in row 0 of CIRR of task CIRR must be a list of texts, but is .*snake"),
        ("image_cls", {"tgt_text": [1, 2]}, r"tgt_text in row 0 .* must be a list of texts, but is '\[1, 2\]'"),
        ("image_cls", {"qry_text": 5, "tgt_text": ["a"]}, "qry_text in row 0 .* must be a text, but is '5'"),
        ("image_qa", {"qry_img_path": ["a.png"], "tgt_text": ["a"]}, "qry_img_path in row 0 .* must be a text, but is .*a.png"),
        ("image_t2i", {"tgt_img_path": [1, 2]}, r"tgt_img_path in row 0 .* must be a list of texts, but is '\[1, 2\]'"),
    ],
)
def test_a_broken_row_is_named(parser, changes, message, tmp_path):
    with pytest.raises(DataError, match=message):
        load(tmp_path, parser, row(**changes))


def test_rows_of_another_form_are_refused_with_what_reads_them(tmp_path):
    write_first_version(tmp_path, "CIRR")
    old = tmp_path / "MMEB-eval" / "CIRR" / "test-00000-of-00001.parquet"
    new = tmp_path / "MMEB-V2" / "image-tasks" / "ziyjiang" / "MMEB_Test_Instruct" / "CIRR" / old.name
    write_second_version(tmp_path, "CIRR")
    new_bytes = new.read_bytes()
    new.write_bytes(old.read_bytes())
    with pytest.raises(DataError, match="must be qry_inst, .*but is 'qry_text, .*MMEB-eval: evaluate them by suite=mmeb"):
        load(tmp_path, "image_i2i_vg")
    old.write_bytes(new_bytes)
    with pytest.raises(DataError, match="MMEB_Test_Instruct: evaluate them by suite=mmeb_v2_image"):
        Mmeb(folder="MMEB-eval", subset="CIRR").load("CIRR", tmp_path, Decoding())
    write_second_version(tmp_path, "CIRR", qry_video="a.mp4")
    with pytest.raises(DataError, match=r"the columns of .* must be qry_inst, qry_text, .*, but is '.*qry_video'"):
        load(tmp_path, "image_i2i_vg")


def test_an_unknown_parser_is_named():
    with pytest.raises(ConfigError, match="the parser of CIRR must be one of .*image_i2i_vg.*, but is 'image_vg'"):
        MmebInstruct(folder="x", subset="CIRR", parser="image_vg")


def test_the_suite_runs_what_is_there_and_its_groups_are_those_of_the_benchmark(suite_of, constant, knowing, tmp_path):
    for task in ("ImageNet-1K", "NIGHTS"):
        write_second_version(tmp_path, task)
    suite = suite_of("mmeb_v2_image")
    assert {task.metrics["hit@1"] for task in suite.run(constant).tasks.values()} == {1.0}
    result = suite.run(knowing)
    assert set(result.tasks) == {"ImageNet-1K", "NIGHTS"} and "mmeb_v2_image/NIGHTS/hit@1" in result.metrics()
    assert {group: len(names) for group, names in suite.groups.items()} == {
        "image_classification": 10,
        "image_qa": 10,
        "image_retrieval": 12,
        "image_grounding": 4,
        "image": 36,
    }
    assert suite.groups["image"] == tuple(TASKS)
