import pytest
from omegaconf import OmegaConf

from tests.composed import composed
from unite.build.train import build_mixture
from unite.data.order import MixtureOrder, SourceSize


def stage(experiment, *overrides):
    config = composed("train", f"+experiment={experiment}", "data_root=/data", *overrides)
    OmegaConf.resolve(config)
    return config.adaptation, config


@pytest.mark.parametrize(
    ("experiment", "num_rows", "shares"),
    [
        ("paper_stage1", 6_379_600, {"text to text": 0.216, "text to image": 0.392, "text to video": 0.392}),
        (
            "paper_stage2",
            1_268_200,
            {
                "image to image": 0.0125,
                "text to image": 0.2548,
                "image to text": 0.2757,
                "text to text+image": 0.0136,
                "text+image to text": 0.1476,
                "text+image to image": 0.1381,
                "text+video to video": 0.1577,
            },
        ),
    ],
)
def test_the_papers_mixtures_have_the_papers_shares(experiment, num_rows, shares):
    mixture = build_mixture(*stage(experiment))
    assert sum(mixture.shares.values()) == num_rows
    # Were the sources as large as the paper's, an epoch would be each of them once.
    order = MixtureOrder({name: SourceSize(int(rows)) for name, rows in mixture.shares.items()}, mixture.shares, mixture.batch_size)
    assert all(0.97 < epochs < 1.03 for epochs in order.epochs(num_rows // mixture.batch_size).values())
    found = dict.fromkeys(shares, 0.0)
    for name, source in mixture.sources.items():
        found[f"{source.query} to {source.positive}"] += order.shares[name]
        assert source.source == name and f"/{source.query}-to-{source.positive}" in source.shards
    assert found == pytest.approx(shares, abs=1e-3)


def test_a_temperature_on_the_command_line_stands_instead_of_the_shares():
    mixture = build_mixture(*stage("paper_stage1", "mixture.shares=null", "mixture.temperature=2", "mixture.exhausted=end"))
    assert (mixture.shares, mixture.temperature, mixture.exhausted) == ({}, 2.0, "end")
