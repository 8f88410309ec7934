"""What a mixture's options tell of a step."""

from unite.config.schema import EncoderConfig, PlanConfig
from unite.planning.contents import Contents, contents_of_step

MIXTURE = {
    "sources": {
        "ti": {"query": "text", "positive": "image", "decoding": {"max_frames": 12}},
        "tv": {"query": "text", "positive": "text+video", "decoding": {"max_frames": 5}},
    },
    "shares": {"ti": 3.0, "tv": 1.0},
}
ENCODER = EncoderConfig(path="x", max_image_tokens=300, max_frame_pixels=4 * 28 * 28, max_length=310)


def step(mixture=MIXTURE, **options):
    return contents_of_step(mixture, 100, ENCODER, PlanConfig(text_tokens=20, **options), 14, 2)


def test_each_row_is_a_query_and_a_positive_as_long_as_the_caps_allow():
    assert step() == [
        Contents("image", 75.0, 310, 300, 1),  # 320 tokens are cut
        Contents("text", 100.0, 20),
        Contents("text+video", 25.0, 20 + 3 * 4, 12, 5),  # two frames a token in time
    ]


def test_what_is_told_wins_and_without_shares_all_sources_are_alike():
    found = step(MIXTURE | {"shares": None}, image_tokens=50, frames=8)
    assert found == [Contents("image", 50.0, 70, 50, 1), Contents("text", 100.0, 20), Contents("text+video", 50.0, 36, 16, 8)]


def test_what_a_source_makes_of_its_clips():
    def of_clips(**clips):
        source = {"query": "text", "positive": "video", "decoding": {"max_frames": 5}, "clips": {"frames": "in_order", **clips}}
        return step({"sources": {"tv": source}, "shares": {"tv": 1.0}}, image_tokens=50)[1]

    assert of_clips() == Contents("video", 100.0, 20 + 3 * 4, 12, 5)
    assert of_clips(negatives=["reversed", "shuffled"]) == Contents("video", 300.0, 20 + 3 * 4, 12, 5)
    assert of_clips(frames="single") == Contents("video", 100.0, 20 + 4, 4, 1)
    assert of_clips(frames="images") == Contents("video", 100.0, 20 + 5 * 50, 250, 5)
    assert of_clips(in_turn=0.5) == of_clips()
