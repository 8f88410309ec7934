"""A stage's data made beforehand, and a run that breaks off."""

import pytorch_lightning as pl
import torch


class PreparedBatches(pl.LightningDataModule):
    """Batches from the step after the last one taken, as a mixture gives them.

    Args:
        make: returns the batch of a step, given the processor and the step.
    """

    def __init__(self, make):
        super().__init__()
        self.make = make

    def check(self):
        pass

    def attach(self, processor, num_steps):
        self.batches = [self.make(processor, step) for step in range(num_steps)]
        return num_steps

    def train_dataloader(self):
        return torch.utils.data.DataLoader(self.batches, batch_size=None, sampler=self)

    def __iter__(self):
        return iter(range(self.trainer.global_step, len(self.batches)))

    def __len__(self):
        return len(self.batches)


class BreakOff(pl.Callback):
    """Ends the run before a step."""

    def __init__(self, step):
        self.step = step

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.global_step == self.step:
            raise RuntimeError("broken off")
