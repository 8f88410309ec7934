"""What is silenced of a library, and that its other warnings come through."""

import logging
import warnings

import pytest

from unite.silenced import SILENCED, silence, silenced

#: As the libraries' tested versions say them.
WARNINGS = [
    "Using ModelCheckpoint with manual optimization and every_n_train_steps, but no pre-optimization state was saved. The checkpoint ...",
    "The number of training batches (2) is smaller than the logging interval Trainer(log_every_n_steps=10). Set a lower value ...",
    "You're resuming from a checkpoint that ended before the epoch ended and your dataloader is not resumable. This can cause ...",
    "`isinstance(treespec, LeafSpec)` is deprecated, use `isinstance(treespec, TreeSpec) and treespec.is_leaf()` instead.",
    "Checkpoint directory /runs/train/x/checkpoints/adaptation exists and is not empty.",
    "Found 274 module(s) in eval mode at the start of training. This may lead to unexpected behavior during training. If this is ...",
    "Corrupt EXIF data.  Expecting to read 12 bytes but only got 6. ",
    "Tag data larger than file. Skipping tag 270",
    "`gradient_checkpointing_enable` is deprecated and will be removed in v6. Use `activation_checkpointing_enable` instead.",
    "`is_gradient_checkpointing` is deprecated and will be removed in v6. Use `is_activation_checkpointing` instead.",
]
LIGHTNING, FABRIC = "pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.distributed"
LOGGED = [
    (LIGHTNING, "GPU available: False, used: False"),
    (LIGHTNING, "TPU available: False, using: 0 TPU cores"),
    (LIGHTNING, "💡 Tip: For seamless cloud logging and experiment tracking, try installing [litlogger]"),
    (LIGHTNING, "Using bfloat16 Automatic Mixed Precision (AMP)"),
    (LIGHTNING, "`Trainer.fit` stopped: `max_steps=2` reached."),
    (LIGHTNING, "Restoring states from the checkpoint path at runs/step=4.ckpt"),
    (LIGHTNING, "Restored all states from the checkpoint at runs/step=4.ckpt"),
    (LIGHTNING, f"{'-' * 100}\ndistributed_backend=gloo\nAll distributed processes registered. Starting with 2 processes\n{'-' * 100}\n"),
    (FABRIC, "Initializing distributed: GLOBAL_RANK: 0, MEMBER: 1/2"),
    ("transformers.modeling_utils", "\x1b[1mQwen2VLModel LOAD REPORT\x1b[0m from: /models/x\nKey            | Status     |  | \n"),
    ("transformers.configuration_utils", "You are using a model of type `unite_qwen2_vl` to instantiate a model of type ``. This may ..."),
    ("transformers.modeling_rope_utils", "Unrecognized keys in `rope_parameters` for 'rope_type'='default': {'mrope_section'}"),
    ("bitsandbytes.backends.cpu.ops", "Failed to load CPU gemm_4bit_forward from kernels-community: No module named 'kernels'. Please ..."),
    ("transformers.modeling_utils", "Qwen3VLVisionModel does not expose input embeddings. Gradients cannot flow back to the token ..."),
]
OTHERS = [
    (LIGHTNING, "You are using a CUDA device ('NVIDIA H200') that has Tensor Cores. To properly utilize them, you should set ..."),
    (FABRIC, "NCCL has timed out"),
    ("transformers.configuration_utils", "You are using a model of type `bert` to instantiate a model of type `qwen2_vl`. This may ..."),
    ("transformers.modeling_rope_utils", "Unrecognized keys in `rope_parameters` for 'rope_type'='yarn': {'mrope_section'}"),
    ("transformers.modeling_utils", "`torch_dtype` is deprecated! Use `dtype` instead!"),
]


@pytest.fixture
def untouched():
    """Leaves the process as it was."""
    with silenced():
        yield


def test_a_named_warning_is_silent_and_another_one_is_heard():
    other = "The 'train_dataloader' does not have many workers which may be a bottleneck."
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        silence()
        for text in (*WARNINGS, other):
            warnings.warn(text, stacklevel=1)
    assert [str(warning.message) for warning in heard] == [other]


def test_a_named_line_of_a_library_is_silent_and_another_one_is_heard(untouched, caplog):
    caplog.set_level(logging.INFO)
    transformers = logging.getLogger("transformers.modeling_utils")
    transformers.addHandler(caplog.handler)  # the library's own logger hands nothing up
    try:
        for name, text in (*LOGGED, *OTHERS):
            logging.getLogger(name).warning(text)
    finally:
        transformers.removeHandler(caplog.handler)
    assert list(dict.fromkeys(caplog.messages)) == [text for _, text in OTHERS]


def test_a_block_leaves_everything_as_it_was():
    logger = logging.getLogger(LIGHTNING)
    before, filters = list(logger.filters), list(warnings.filters)
    with silenced():
        assert logger.filters != before or before
    assert logger.filters == before and warnings.filters == filters


def test_each_has_its_reason():
    assert all(said.reason for said in SILENCED)
