"""Contents to embeddings.

Content -> prompt -> tokens and patches -> MicroBatch                              processor, in the workers
MicroBatch -> vision tower -> language model -> last token -> unit vector           vlm, on the device
"""

from unite.encoder.adapters import LoRA
from unite.encoder.tiny import build_tiny_checkpoint
from unite.encoder.vlm import VLMEncoder

__all__ = ["LoRA", "VLMEncoder", "build_tiny_checkpoint"]
