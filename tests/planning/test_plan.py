"""A stage by hand: a model whose figures are round."""

import io
from dataclasses import replace

import pytest
import torch
from rich.console import Console

from unite.config.schema import FeaturesBeyond, PlanConfig
from unite.encoder.features import FeatureBound
from unite.planning.contents import Contents
from unite.planning.counted import Pass
from unite.planning.devices import Device
from unite.planning.plan import plan_stage
from unite.planning.table import notes, table

CONTENTS = [Contents("text", 80, 10), Contents("image", 20, 40, 30, 1)]


class Model:
    """1000 parameters, 100 of them in adapters; a token is 2 operations forward and 4 backward, and keeps 8 bytes."""

    num_parameters, num_trained, num_whole, num_quantised, num_looked_up = 1000, 100, 0, 0, 0
    dim, merge_size, patch_bytes, dtype = 4, 2, 6, torch.bfloat16
    vision_is_trained = False
    family = None
    gathered = 10, 300, 20

    def language(self, contents, length):
        tokens = contents * length
        return Pass(tokens, 2.0 * tokens, 4.0 * tokens, 8.0 * tokens, 3.0 * tokens)

    def vision(self, frames, patches, is_image=False):
        return Pass(frames * patches, 5.0 * frames * patches, 0.0, 0.0, 0.0)


LARGE = Device(3e9, 1e6)


def planned(device=LARGE, model=Model, **changes):
    given = {"graph_tokens": 10**6, "token_budget": 64, "optimizer": "adamw", "has_average": False, **changes}
    return plan_stage("adaptation", 7200, CONTENTS, model(), device, PlanConfig(devices=4, utilisation=0.5), **given)


def test_a_stage_by_hand():
    plan = planned()
    assert plan.tokens == (80 * 10 + 20 * 40) / 4 == 400
    assert plan.visual_tokens == 20 * 30 / 4
    seen = 20 / 4 * 30 * 4  # patches: four a token
    assert plan.operations == pytest.approx(400 * 6 + seen * 5)
    assert plan.memory == pytest.approx(
        {
            "activations": 400 * (8 + 3),  # one pass of all
            "weights": 1000 * 2 + 100 * 4,
            "gradients": 400,
            "optimizer": 800,
            "features": 150 * 4 * 2,
            "inputs": seen * 6 + 24 * 400,
            "embeddings": 4 * 3 * 2 * (100 / 4) * 4,
            "runtime": 1.5e9 + 0.05 * 3e9,
        }
    )
    assert plan.seconds == pytest.approx(plan.operations / 5e5) and plan.hours == pytest.approx(2 * plan.seconds)
    assert plan.fits


def test_what_is_beyond_the_budget_of_graphs_passes_once_more_and_keeps_nothing():
    plan, direct = planned(graph_tokens=100), planned()
    assert plan.operations - direct.operations == pytest.approx(0.75 * 400 * 2)
    assert plan.memory["activations"] == 100 * 8 + 64 * 3


def test_features_beyond_their_bound_are_not_counted_and_what_is_seen_again_is():
    cached = {"graph_tokens": 100}
    again, host = (planned(**cached, features=FeatureBound(60, beyond)) for beyond in (FeaturesBeyond.again, FeaturesBeyond.host))
    assert again.memory["features"] == host.memory["features"] == 60 * 4 * 2
    seen = 20 / 4 * 30 * 4
    assert again.operations - planned(**cached).operations == pytest.approx(0.75 * (1 - 60 / 150) * seen * 5)
    assert host.operations == planned(**cached).operations
    assert planned(features=FeatureBound(60)).memory["features"] == planned().memory["features"]  # one pass holds all of them


@pytest.mark.parametrize(("optimizer", "average", "states"), [("adamw", True, 3), ("muon", False, 1), ("adamw_8bit", False, 0.5)])
def test_states_of_the_optimizer(optimizer, average, states):
    assert planned(optimizer=optimizer, has_average=average).memory["optimizer"] == 400 * states


def test_muon_keeps_two_states_of_words():
    class OfWords(Model):
        num_looked_up = 30

    assert planned(optimizer="muon", model=OfWords).memory["optimizer"] == 4 * (100 + 30)
    assert planned(optimizer="adamw", model=OfWords).memory["optimizer"] == 4 * 200


def test_what_is_trained_whole_has_a_float32_copy_and_a_trained_tower_passes_again():
    class Whole(Model):
        num_whole, num_trained, vision_is_trained = 1000, 1000, True

        def vision(self, frames, patches, is_image=False):
            return replace(Model.vision(self, frames, patches), backward=10.0 * frames * patches)

    plan = planned(model=Whole, graph_tokens=100)
    assert plan.memory["weights"] == 1000 * (2 + 4) and plan.memory["features"] == 0
    assert plan.operations == pytest.approx(400 * 6 + 0.75 * 800 + 600 * (5 * 1.75 + 10))


def test_weights_in_four_bits():
    class Narrow(Model):
        num_quantised = 600

    assert planned(model=Narrow).memory["weights"] == pytest.approx(400 * 2 + 600 * 0.516 + 100 * 4)


def test_sharded_devices_hold_a_part_each_and_the_layers_that_are_gathered():
    plan, plain = planned(is_sharded=True), planned()
    assert plan.memory["weights"] == 2400 / 4 + 10 + 300 + 4 * 20  # four devices
    assert plan.memory["gradients"] == 400 / 4 and plan.memory["optimizer"] == 800 / 4
    rest = ("activations", "features", "inputs", "embeddings", "runtime")
    assert [plan.memory[name] for name in rest] == [plain.memory[name] for name in rest]


def test_the_largest_budget_fits_and_one_above_it_does_not():
    fixed = 2400 + 400 + 800 + 1200 + 3600 + 9600 + 2400
    device = Device((1.5e9 + fixed + 64 * 3 + 226 * 8 + 7) / 0.95, 1e6)
    tight = planned(device)
    assert not tight.fits and tight.most_tokens == 226
    assert planned(device, graph_tokens=226).fits and not planned(device, graph_tokens=227).fits
    assert "With trainer.graph_tokens=226 it does" in notes([tight])[-1]


def test_a_budget_that_is_to_be_found_is_direct_where_that_fits_and_else_the_largest():
    fixed = 2400 + 400 + 800 + 1200 + 3600 + 9600 + 2400
    for room, expected in ((64 * 3 + 226 * 8 + 7, planned(graph_tokens=226)), (400 * 11 + 7, planned())):
        device = Device((1.5e9 + fixed + room) / 0.95, 1e6)
        found = planned(device, graph_tokens=None)
        assert found.fits and found.memory["activations"] == expected.memory["activations"] and found.operations == expected.operations
    assert not planned(Device(1e9, 1e6), graph_tokens=None).fits


def test_where_nothing_fits_it_is_said_what_takes_most():
    plan = planned(Device(1e9, 1e6))
    assert not plan.fits and plan.most_tokens == 0
    with io.StringIO() as file:
        Console(width=120, file=file).print(table([plan], "a title"))
        text = file.getvalue()
    assert "none" in text and "a title" in text and "80 of 10 tokens" in text
    assert "adaptation does not fit: 1.55 GB of 1 GB. Most of it is runtime. Take a larger device." in notes([plan])[-1]
