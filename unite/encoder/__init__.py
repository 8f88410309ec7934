"""Contents to embeddings.

Content -> prompt -> tokens and patches -> MicroBatch                              processor, in the workers
MicroBatch -> vision tower -> language model -> last token -> unit vector           vlm, on the device
"""

from unite.torchvision_operators import mend_torchvision

mend_torchvision()

from unite.encoder.adapters import LoRA  # noqa: E402
from unite.encoder.tiny import build_tiny_checkpoint  # noqa: E402
from unite.encoder.vlm import VLMEncoder  # noqa: E402

__all__ = ["LoRA", "VLMEncoder", "build_tiny_checkpoint"]
