"""Before any test: torchvision importable, nothing from a hub, one thread a process."""

import os

os.environ.update(
    HF_HUB_OFFLINE="1", WANDB_MODE="offline", WANDB_SILENT="true", CUDA_VISIBLE_DEVICES=os.environ.get("CUDA_VISIBLE_DEVICES", "")
)

from unite.torchvision_operators import mend_torchvision

mend_torchvision()
