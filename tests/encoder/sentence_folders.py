"""Folders as sentence-transformers 6.2 saves them, of tiny checkpoints."""

import shutil

from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import AutoProcessor

_START = "{% for message in messages %}"
_SYSTEM = "{% if loop.first and message['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
_TURN = (
    "<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
#: As Qwen2-VL's and Qwen2.5-VL's have it, with a system turn of its own, and as Qwen3-VL's has it, without.
QWEN2, QWEN3 = _START + _SYSTEM + _TURN, _START + _TURN
TEXT_ALONE = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}


def save_sentence_folder(checkpoint, folder, template=None, *, normalize=True, pooling="lasttoken", prompts=None, default=None, **options):
    """Saves a SentenceTransformer of a checkpoint and returns its folder.

    Args:
        template: its chat template; None for that of its family.
        options: of the module `Transformer`.
    """
    base = folder.with_name(f"{folder.name}-base")
    shutil.copytree(checkpoint, base)
    processor = AutoProcessor.from_pretrained(base)
    processor.chat_template = template or (QWEN3 if "qwen3" in checkpoint.name else QWEN2)
    processor.save_pretrained(base)
    transformer = Transformer(str(base), **options)
    modules = [transformer, Pooling(transformer.get_embedding_dimension(), pooling), *([Normalize()] if normalize else [])]
    SentenceTransformer(modules=modules, prompts=prompts, default_prompt_name=default).save(str(folder))
    return folder
