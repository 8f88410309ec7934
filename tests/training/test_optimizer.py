import pytest
import torch
from transformers import get_cosine_schedule_with_warmup

from unite.training.optimizer import warmup_cosine_factor


def test_the_schedule_is_linear_warm_up_and_cosine():
    factors = [warmup_cosine_factor(step, 50, warmup_ratio=0.2, final_lr_ratio=0.0) for step in range(51)]
    reference = get_cosine_schedule_with_warmup(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0), 10, 50)
    expected = [reference.lr_lambdas[0](step) for step in range(51)]
    assert factors[10:] == pytest.approx(expected[10:], abs=1e-12)
    assert factors[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])  # the first step is not lost at a rate of 0
