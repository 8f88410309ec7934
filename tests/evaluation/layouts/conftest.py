"""An encoder that knows the answers, and the suites of conf/suite over small benchmarks (see `material`)."""

import re

import pytest
from torch import nn

from tests.composed import composed
from tests.fake_encoder import FakeEncoder, FakeProcessor
from unite.batch import EncodedContent, index_tensor
from unite.build.suites import build_suites
from unite.types import PLACES


class KnowingProcessor(FakeProcessor):
    """One token: the number of the content. It keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.contents = []

    def encode(self, content):
        self.contents.append(content)
        text = PLACES.sub("", content.text)
        numbers = [int(one) for one in re.findall(r"\d+", text)] + [round(medium.frames.mean() / 20) for medium in content.media]
        tokens = index_tensor([sum(numbers)])
        return EncodedContent(tokens, tokens)


class KnowingEncoder(FakeEncoder):
    """Embeds equal numbers alike and others at right angles."""

    def __init__(self):
        super().__init__()
        self.processor = KnowingProcessor()

    def forward(self, micro_batch):
        return nn.functional.one_hot(micro_batch.input_ids[:, 0], 64).float()


class ConstantEncoder(FakeEncoder):
    """One embedding for everything."""

    def forward(self, micro_batch):
        return nn.functional.normalize(self.tokens[:1], dim=1).detach().expand(len(micro_batch.input_ids), -1)


@pytest.fixture
def knowing():
    return KnowingEncoder()


@pytest.fixture
def constant():
    return ConstantEncoder(64)


@pytest.fixture
def suite_of(tmp_path):
    """Builds a suite of conf/suite as the command does, its benchmarks in `tmp_path`."""

    def build(name, *overrides):
        [suite] = build_suites(composed("evaluate", "checkpoint=x", f"data_root={tmp_path}", f"suite={name}", *overrides))
        return suite

    return build
