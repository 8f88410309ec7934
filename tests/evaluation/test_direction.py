import pytest

from unite.evaluation.direction import direction


@pytest.mark.parametrize(
    ("key", "way"),
    [
        ("train/loss", "lower"),
        ("train/source/t2i/loss", "lower"),
        ("train/loss/text-to-image", "lower"),
        ("train/source/loss_of_interest/accuracy", "higher"),
        ("validation/loss", "lower"),
        ("validation/score", "higher"),
        ("validation/text-to-image/recall@1", "higher"),
        ("emoji/t2i/ndcg@10", "higher"),
        ("emoji/diagnostics/modality_gap/t2i", "lower"),
        ("emoji/diagnostics/wrong_modality@10/t2i", "lower"),
        ("emoji/diagnostics/hits@10/t2i/text", ""),
        ("train/learning_rate", ""),
        ("source_epochs/t2i", ""),
        ("score", "higher"),
    ],
)
def test_which_way_is_better(key, way):
    assert direction(key) == way
