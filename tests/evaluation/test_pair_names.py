from unite.evaluation.pair_names import LETTERS, arrow, modality_order, short


def test_pairs_are_written_as_in_the_paper_and_in_words():
    assert short("text->image") == "T → I" and short("text+image->video") == "T+I → V"
    assert arrow("text->text+video") == "text → text+video"
    assert LETTERS == "T text, I image, V video"


def test_single_modalities_come_first_then_what_is_fused_then_what_is_unknown():
    names = ["sound", "text+image", "video", "text+image+video", "image", "text", "text+video"]
    assert sorted(names, key=modality_order) == ["text", "image", "video", "text+image", "text+video", "text+image+video", "sound"]
