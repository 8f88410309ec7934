"""A row of each of the 36 tasks, in both forms, from file to the tokens that the authors' code gives.

Their texts are handed to transformers' own processor: VLM2Vec's for Qwen2-VL as they stand, UNITE's in its chat turn.
"""

import pytest
from PIL import Image
from transformers import AutoConfig, AutoProcessor, AutoTokenizer

from tests.encoder.checkpoints import save_family, tiny
from tests.evaluation.layouts.mmeb_published import (
    TASKS,
    texts_of_first_version,
    texts_of_second_version,
    write_first_version,
    write_second_version,
)
from unite.config.prompts import prompt_options
from unite.config.schema import ReadingConfig
from unite.encoder.families import family_of
from unite.encoder.processor import ContentProcessor

FORMS = {"mmeb": (write_first_version, texts_of_first_version), "mmeb_v2_image": (write_second_version, texts_of_second_version)}
SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
MARKED = "<|vision_start|><|image_pad|><|vision_end|>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("checkpoint")
    return save_family("qwen2_vl", made, AutoTokenizer.from_pretrained(tiny(made / "tiny")))


@pytest.fixture(scope="module")
def theirs(folder):
    return AutoProcessor.from_pretrained(folder)


@pytest.fixture(scope="module")
def ours(folder):
    def processor(prompt):
        checkpoint = AutoProcessor.from_pretrained(folder)
        family = family_of(folder.name, folder)(AutoConfig.from_pretrained(folder), checkpoint)
        return ContentProcessor(checkpoint, family, ReadingConfig(min_image_tokens=1, **prompt_options(prompt)))

    return {prompt: processor(prompt) for prompt in ("vlm2vec", "unite")}


def as_unite(text):
    """The turn of UNITE's released code, in which a text with an image is both, its instruction counting as text."""
    modalities = "sentence and image" if MARKED in text else "sentence"
    turn = f"<|im_start|>user\n{text.strip()}\nSummary above {modalities} in one word:<|im_end|>\n<|im_start|>assistant\n<|endoftext|>"
    return SYSTEM + turn


@pytest.mark.parametrize("form", FORMS)
def test_a_row_of_each_task_becomes_the_tokens_of_the_authors_code(form, ours, theirs, suite_of, tmp_path):
    write, texts = FORMS[form]
    for task in TASKS:
        write(tmp_path, task)
    suite = suite_of(form)
    assert list(suite.tasks) == list(TASKS)
    for name, row in TASKS.items():
        task = suite.load(name)
        assert (task.ties, task.metrics, task.pools) == ("argmax", ("hit@1",), {"q00000": ["c000000", "c000001"]})
        assert task.relevance == {"q00000": {"c000000": 1}}
        has_image = (row.image, bool(row.candidate_instruction))
        contents = (task.queries[0].decode(), task.candidates[0].decode())
        for prompt, token, written in (("vlm2vec", "<|image_pad|>", str), ("unite", MARKED, as_unite)):
            for content, text, image in zip(contents, texts(name, token), has_image, strict=True):
                images = [Image.fromarray(medium.frames[0]) for medium in content.media] or None
                assert (images is not None) is image
                expected = theirs(text=[written(text)], images=images)["input_ids"][0]
                assert ours[prompt].encode(content).input_ids.tolist() == list(expected), (name, prompt)
