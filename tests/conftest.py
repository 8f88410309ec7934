"""Before any test: torchvision importable, nothing from a hub, one thread a process."""

import os

os.environ.update(
    HF_HUB_OFFLINE="1", WANDB_MODE="offline", WANDB_SILENT="true", CUDA_VISIBLE_DEVICES=os.environ.get("CUDA_VISIBLE_DEVICES", "")
)

import unite  # noqa: F401  before whatever else imports torchvision
