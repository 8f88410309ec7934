from tests.curation.recipes.material import parquet, paths, read_all
from unite.curation.recipes.mmeb import Mmeb
from unite.types import Modality


def test_mmeb(tmp_path):
    columns = ("qry", "qry_image_path", "pos_text", "pos_image_path", "neg_text", "neg_image_path")
    values = [
        (
            "<|image_1|>\nRepresent the given image with the following question: What is it?\n",
            "images/A-OKVQA/Train/0.jpg",
            "cab",
            "",
            "train",
            "",
        ),
        ("<|image_1|>\nRepresent the given image for classification\n", "images/ImageNet_1K/Train/1.jpg", "tench", "", "", ""),
        (
            "Find me an everyday image that matches the given caption: A man: on a bike\n",
            "",
            "<|image_1|>\nRepresent the given image.\n",
            "images/2.jpg",
            "",
            "",
        ),
        ("", "", "x", "", "", ""),
    ]
    (tmp_path / "A-OKVQA").mkdir()
    parquet(tmp_path / "A-OKVQA" / "original-00000-of-00002.parquet", [dict(zip(columns, one, strict=True)) for one in values[:1]])
    parquet(tmp_path / "A-OKVQA" / "original-00001-of-00002.parquet", [dict(zip(columns, one, strict=True)) for one in values[1:]])
    question, label, caption, empty = read_all(Mmeb("m", tmp_path / "*" / "original-*.parquet", media_root=tmp_path))
    assert question.query.text == "<|IMAGE|>\n<|INSTRUCTION|> What is it?\n"
    assert question.query.instruction == "Represent the given image with the following question:"
    assert paths(question.query) == [str(tmp_path / "images/A-OKVQA/Train/0.jpg")]
    assert question.positives[0].text == "cab" and question.negatives[0].text == "train"
    assert label.query.modality is Modality.IMAGE and label.query.instruction and not label.negatives
    assert caption.query.text == "<|INSTRUCTION|> A man: on a bike\n" and not caption.query.media
    assert caption.positives[0].modality is Modality.IMAGE and caption.positives[0].instruction == "Represent the given image."
    assert empty == "empty content"


def test_a_list_of_several_is_named_and_not_cut(tmp_path):
    values = [{"qry": "q", "qry_image_path": [], "pos_text": ["a"] * number, "pos_image_path": None} for number in (1, 2)]
    first, second = read_all(Mmeb("m", parquet(tmp_path / "a.parquet", values)))
    assert first.positives[0].text == "a" and second == "several values"
