import pytest
import torch

from tests.encoder.material import image, make
from unite.config.schema import FeaturesBeyond
from unite.encoder.features import FeatureBound, KeptFeatures
from unite.types import Content

CPU = torch.device("cpu")


def seen(*lengths, first=0):
    """Features of media of so many tokens, views of one tensor as a tower's pass returns them."""
    whole = torch.arange(4.0 * sum(lengths)).view(-1, 2, 2) + 100 * first
    return {(first + place, 2): one for place, one in enumerate(whole.split(lengths))}


def bytes_held(known, names):
    """Bytes of the tensors that lie behind what is kept, each once."""
    storages = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in known.of(names, CPU).values()}
    return sum(storages.values())


@pytest.mark.parametrize("beyond", list(FeaturesBeyond))  # on a CPU the host's memory is the same
def test_no_more_than_the_bound_is_kept_and_those_that_come_first_stay(beyond):
    known, first, second = KeptFeatures(FeatureBound(10, beyond)), seen(3, 4), seen(2, 5, 1, first=2)
    known.keep(first)
    known.keep(second)
    names = [*first, *second]
    assert [name in known for name in names] == [True, True, True, False, True]
    assert (known.num_tokens, len(known), known.num_left_out, known.num_on_host, known.num_again) == (10, 4, 1, 0, 0)
    found = known.of(names, CPU)
    assert all(torch.equal(found[name], {**first, **second}[name]) for name in found)
    assert bytes_held(known, names) == 10 * 2 * 2 * 4
    known.keep({names[3]: second[names[3]]})
    assert (known.num_again, known.num_tokens) == (1, 10)


def test_without_a_bound_all_is_kept_as_it_came():
    known, features = KeptFeatures(), seen(300, 500)
    known.keep(features)
    assert all(known.of(features, CPU)[name] is features[name] for name in features)


def test_what_is_not_kept_is_seen_again_and_the_same(tiny_folder):
    encoder = make(tiny_folder)
    shown = []
    encoder.model.visual.register_forward_pre_hook(lambda module, args, kwargs: shown.append(len(kwargs["grid_thw"])), with_kwargs=True)
    contents = [Content(media=(image(seed),)) for seed in range(4)]
    batch = encoder.processor.pad([encoder.processor.encode(content) for content in contents], range(4))
    expected = encoder.encode_media(batch)
    each = len(expected) // 4
    for tokens, again in ((4 * each, []), (4 * each - 1, [1]), (each, [3]), (0, [4])):
        known = KeptFeatures(FeatureBound(tokens))
        shown.clear()
        for _ in range(2):
            torch.testing.assert_close(encoder.encode_media(batch, known), expected, rtol=1e-5, atol=1e-6)
        assert shown == [4, *again] and known.num_tokens <= tokens
        assert known.num_again == sum(again)
