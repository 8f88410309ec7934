import pytest

from unite.config.schema.encoder import LoRAConfig, Positions, Precision, ReadingConfig
from unite.errors import ConfigError


def test_names_stand_for_what_they_name():
    config = ReadingConfig(positions="sequential", dtype="float32")
    assert config.positions is Positions.sequential and config.dtype is Precision.float32


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"positions": "sequentiel"}, "encoder.positions must be one of mrope, sequential.*Did you mean 'sequential'"),
        ({"dtype": "float16"}, "encoder.dtype must be one of bfloat16, float32"),
        (
            {"min_image_tokens": 20, "max_image_tokens": 10},
            r"encoder.min_image_tokens must be from 1 to max_image_tokens \(10\), but is 20",
        ),
        ({"max_length": 0}, "encoder.max_length must be at least 1, but is 0"),
        ({"max_frame_pixels": 0}, "encoder.max_frame_pixels must be at least 1, but is 0"),
        ({"min_frame_pixels": 76801}, r"encoder.min_frame_pixels must be from 1 to max_frame_pixels \(76800\), but is 76801"),
    ],
)
def test_how_contents_are_read_has_bounds(settings, message):
    with pytest.raises(ConfigError, match=message):
        ReadingConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"r": 0}, "encoder.adapter.r must be at least 1, but is 0. To train without"),
        ({"alpha": 0}, "encoder.adapter.alpha must be at least 1, but is 0"),
        ({"dropout": 1.5}, "encoder.adapter.dropout must be from 0 to below 1, but is 1.5"),
    ],
)
def test_adapters_have_bounds(settings, message):
    with pytest.raises(ConfigError, match=message):
        LoRAConfig(**settings)
