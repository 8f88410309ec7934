import pytest

from tests.composed import composed
from unite.build.encoder import build_trained_encoder
from unite.errors import CheckpointError, ConfigError


@pytest.mark.parametrize(("device", "hint"), [("toaster", ""), ("cuda:99", "torch sees")])
def test_a_device_that_is_not_there_is_refused(device, hint):
    with pytest.raises(ConfigError, match=f"device must be auto, cpu, cuda, or cuda:<number>.*, but is '{device}'.*{hint}"):
        build_trained_encoder(composed("evaluate", "checkpoint=x", f"device={device}"))


def test_a_checkpoint_that_is_not_there_is_no_hub_name(tmp_path):
    with pytest.raises(CheckpointError, match="checkpoint must be a run folder that holds encoder/config.json.*nowhere, no folder"):
        build_trained_encoder(composed("evaluate", f"checkpoint={tmp_path}/nowhere", "device=cpu"))
