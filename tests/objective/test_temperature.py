import math

import pytest
import torch

from tests.objective.pools import IMAGE, TEXT, relations_of, unit
from tests.reference.contrastive import contrastive_loss
from unite.config.schema import MAMCLConfig
from unite.objective import MAMCL, Temperature


def test_a_fixed_temperature_is_no_state():
    temperature = Temperature(0.03)
    assert temperature().item() == pytest.approx(0.03)
    assert not list(temperature.parameters())
    assert not temperature.state_dict()


def test_a_learned_temperature_starts_as_given_and_stays_in_range():
    temperature = Temperature(0.05, learnable=True)
    assert temperature().item() == pytest.approx(0.05)
    for outside, expected in ((-50.0, 0.01), (50.0, 1.0)):
        with torch.no_grad():
            temperature.log_temperature.fill_(outside)
        value = temperature()
        assert value.item() == pytest.approx(expected)
        value.backward()  # at the bound it still learns
        assert temperature.log_temperature.grad.item() == pytest.approx(expected)
        temperature.log_temperature.grad = None


@pytest.mark.parametrize("hardness", [0.0, 9.0])
@pytest.mark.parametrize("embeddings_learn", [True, False])
def test_its_gradient_equals_the_oracle(hardness, embeddings_learn):
    relations = relations_of([0, 1, 2, 0], [[3], [4, 5], [6], [7]], [TEXT] * 4 + [IMAGE] * 3 + [TEXT], negative=[[8], [], [], [9]])
    relations.modality = torch.cat([relations.modality, torch.tensor([TEXT, IMAGE])])
    relations.fingerprint = relations.identity = torch.arange(10)
    embeddings = unit(10, 5, 0).requires_grad_(embeddings_learn)
    objective = MAMCL(MAMCLConfig(temperature=0.1, learnable_temperature=True, symmetric=True, hardness=hardness))
    objective(embeddings, relations).loss.backward()
    log_temperature = torch.tensor(math.log(0.1), dtype=torch.float64, requires_grad=True)
    loss, _ = contrastive_loss(
        embeddings.detach(), relations, temperature=log_temperature.exp(), within_modality=True, symmetric=True, hardness=hardness
    )
    loss.backward()
    assert objective.temperature.log_temperature.grad.item() == pytest.approx(log_temperature.grad.item(), rel=1e-5)
