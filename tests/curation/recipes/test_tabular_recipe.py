import numpy as np
import pytest

from tests.curation.material import loaded, write_csv
from tests.curation.recipes.material import read_texts
from unite.curation.recipes.image_captions import ImageCaptions
from unite.curation.recipes.text_pairs import TextPairs
from unite.errors import DataError, SkippedRowError


def test_a_media_root_that_is_no_folder(tmp_path):
    file = write_csv(tmp_path / "a.csv", ["image", "caption"], [["1.jpg", "one"]])
    with pytest.raises(DataError, match="i.media_root must be a folder, but is 'the file .*a.csv'"):
        ImageCaptions("i", file, media_root=file)
    with pytest.raises(DataError, match="i.media_root must be a folder, but is '.*nowhere, which is not there'"):
        ImageCaptions("i", file, media_root=tmp_path / "nowhere")


def test_a_list_that_was_written_as_text_is_no_text(tmp_path):
    lists = ['["a", "b"]', str(["it's", 'a "b"']), str(np.array(["a", "b"])), str(("a",)).replace("(", "[").replace(")", "]"), "[]"]
    texts = ["[a] is not a list", "[1, 2, 3]", "[sic]", '["', 'see ["a"] here']
    file = write_csv(tmp_path / "a.csv", ["query", "pos"], [["q", value] for value in [*lists, *texts]])
    found = read_texts(TextPairs("t", file))
    assert found[5:] == [("q", text) for text in texts]
    assert found[0] == 'list as text: pos is \'["a", "b"]\': JSON Lines and parquet keep lists'
    assert all(str(one).startswith("list as text: ") for one in found[:5])


def test_a_picture_in_place_of_its_path_is_told_in_short(tmp_path):
    file = write_csv(tmp_path / "a.csv", ["image", "caption"], [["/9j/" + "A" * 100_000 + "=", "one"]])
    with pytest.raises(SkippedRowError, match="^missing file: .*/9j/A.* ... A.*=$") as told:
        loaded(ImageCaptions("i", file).read(0)).store()
    assert len(str(told.value)) < 1100
