import json
import math

import pytest
import pytorch_lightning as pl
import torch

from unite.errors import NonFiniteLossError
from unite.training.sample_keys import FailedBatch


class Diverges(pl.LightningModule):
    def training_step(self, batch, batch_idx):
        raise NonFiniteLossError(math.inf, ["source/shard/0", "source/shard/1"])

    def configure_optimizers(self):
        return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])


def test_the_samples_of_a_batch_whose_loss_is_not_finite_are_saved(tmp_path, caplog):
    trainer = pl.Trainer(
        accelerator="cpu",
        callbacks=[FailedBatch(tmp_path)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with pytest.raises(NonFiniteLossError, match="must be finite, but is inf"):
        trainer.fit(Diverges(), torch.utils.data.DataLoader([0, 1]))
    saved = json.loads((tmp_path / "failed_batch-rank0.json").read_text())
    assert saved["keys"] == ["source/shard/0", "source/shard/1"] and saved["step"] == 0
    assert f"named in {tmp_path / 'failed_batch-rank0.json'}" in caplog.text
