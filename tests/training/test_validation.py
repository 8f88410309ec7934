"""When a model is looked at, what that leaves behind, and that training does not notice.

What it is looked at by, `validator.py` and `held_out_loss.py`, is tested on rows of words here, and by the commands in
`tests/test_train.py`.
"""

import json
import logging
import random
import time

import numpy as np
import pytest
import torch
from torch import nn

from tests.training.ranks import in_ranks
from tests.training.toy import BagEncoder, batch_of, examples, fit
from tests.word_processor import WordProcessor
from unite.config.schema import DataConfig, HeldOutConfig, MAMCLConfig, MixtureConfig, SourceConfig, SuiteConfig
from unite.data.collate import Collator
from unite.data.decode import decode_row
from unite.data.held_out import HeldOut
from unite.data.mixture import MixtureDataModule
from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardWriter
from unite.data.source import SourceDataModule
from unite.errors import CheckpointError, ConfigError, DataError
from unite.evaluation.suite import Suite
from unite.objective import MAMCL
from unite.training.step import ContrastiveStep
from unite.training.step_log import StepLog
from unite.training.validation import Best, Validation, undisturbed
from unite.training.validator import HeldOutValidator, SuiteValidator, Validated

OBJECTIVE = MAMCL(MAMCLConfig(temperature=0.1))


class Scores:
    """Gives the scores one after the other; draws random numbers and leaves the modes changed."""

    def __init__(self, *scores):
        self.scores = list(scores)
        self.weights = []

    def prepare(self):
        pass

    def __call__(self, encoder, objective, device):
        torch.rand(3), random.random(), np.random.rand()  # noqa: NPY002
        encoder.eval()
        self.weights.append(encoder.out.weight.detach().clone())
        return Validated({"loss": 0.5, "text-to-text/recall@1": 0.25}, self.scores.pop(0))


def trained(folder, *scores, every=2, patience=None, steps=7):
    validation = Validation(Scores(*scores), every, patience, folder)
    return fit([batch_of(examples(6)) for _ in range(steps)], OBJECTIVE, [validation], lr=0.05), validation


def test_the_best_weights_are_kept_and_can_be_loaded(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        found, validation = trained(tmp_path, 0.1, 0.3, 0.3, 0.2)
    assert [step for step in found.rows if "validation/score" in found.rows[step]] == [2, 4, 6, 7]  # and at the last step
    assert {"validation/loss", "validation/text-to-text/recall@1", "validation/share_of_time"} <= set(found.rows[4])
    assert 0 < found.rows[7]["validation/share_of_time"] < 1
    assert {path.name for path in tmp_path.iterdir()} == {"best.json", "step=4.ckpt"}
    assert json.loads((tmp_path / "best.json").read_text()) == {"step": 4, "score": 0.3, "file": "step=4.ckpt"}
    assert "optimizer_states" not in torch.load(tmp_path / "step=4.ckpt", weights_only=True)
    weights = validation.validator.weights
    assert not torch.equal(found.module.encoder.out.weight, weights[1])
    with caplog.at_level(logging.INFO):
        validation.load_best(found.module, found.trainer.strategy)
    assert torch.equal(found.module.encoder.out.weight, weights[1])
    assert "validation at step 4: loss 0.500, score 0.300, the best so far" in caplog.text
    assert "of the stage's" in caplog.text and "(4 times)" in caplog.text and "the best score was 0.300 at step 4" in caplog.text
    assert "the weights of step 4 are exported, the best in validation (score 0.300)" in caplog.text


def test_what_was_best_is_remembered_by_a_resumed_run(tmp_path):
    trained(tmp_path, 0.1, 0.3, steps=4)
    _, validation = trained(tmp_path, 0.2, 0.25, steps=4)
    assert validation.best == Best(4, 0.3, "step=4.ckpt")


def test_training_ends_where_nothing_gets_better(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        found, _ = trained(tmp_path, 0.1, 0.3, 0.2, 0.3, 0.9, patience=2, steps=20)
    assert found.trainer.global_step == 8 and "step 8: no better score since step 4, training ends" in caplog.text
    found, _ = trained(tmp_path, 0.1, 0.2, 0.3, 0.4, patience=2, steps=8)  # as far as the best, and no further
    assert found.trainer.global_step == 8


def test_best_weights_that_are_not_there_are_told(tmp_path):
    found, validation = trained(tmp_path, 0.1, steps=2)
    (tmp_path / "step=2.ckpt").unlink()
    with pytest.raises(CheckpointError, match=r"best weights in .* must be kept by a validation, but is 'missing'. Set export=last"):
        validation.load_best(found.module, found.trainer.strategy)


def test_training_is_the_same_with_and_without(tmp_path):
    torch.manual_seed(3)
    plain = fit([batch_of(examples(6)) for _ in range(7)], OBJECTIVE, [], lr=0.05).module
    torch.manual_seed(3)
    found, _ = trained(tmp_path, 0.1, 0.3, 0.3, 0.2)
    for one, other in zip(plain.parameters(), found.module.parameters(), strict=True):
        assert torch.equal(one, other)


def test_its_time_does_not_count_as_that_of_steps(tmp_path):
    class Slow(Scores):
        def __call__(self, encoder, objective, device):
            time.sleep(0.5)
            return super().__call__(encoder, objective, device)

    callbacks = [StepLog(4, ["toy"]), Validation(Slow(0.1, 0.2), 4, None, tmp_path)]
    rows = fit([batch_of(examples(6)) for _ in range(8)], OBJECTIVE, callbacks).rows
    assert rows[8]["throughput/samples_per_second"] > 4 * 6 / 0.5


def test_random_states_and_modes_are_put_back():
    module = nn.Sequential(nn.Dropout(), nn.Linear(2, 2))
    module[1].eval()
    drawn = lambda: (torch.rand(1).item(), random.random(), np.random.rand())  # noqa: E731, NPY002
    torch.manual_seed(0), random.seed(0), np.random.seed(0)  # noqa: NPY002
    expected = drawn()
    torch.manual_seed(0), random.seed(0), np.random.seed(0)  # noqa: NPY002
    with pytest.raises(KeyError), undisturbed(module):
        drawn()
        module.eval()
        raise KeyError
    assert drawn() == expected and module[0].training and not module[1].training


class Words(BagEncoder):
    """The toy encoder with a processor, as evaluation needs one."""

    def __init__(self):
        super().__init__(dropout=0.5)
        self.processor = WordProcessor()

    def forward(self, micro, media_features=None):
        return super().forward(micro).float()


@pytest.fixture
def mixture(tmp_path):
    folder = tmp_path / "words"
    with ShardWriter(folder, 9) as writer:
        for at, example in enumerate(examples(40)):
            negatives = tuple(StoredContent(one.text) for one in example.negatives)
            query, positive = (StoredContent(f"{one.text} {'w' * (8 + at)}") for one in (example.query, example.positives[0]))
            writer.write(Row(f"{at:03d}", query, (positive,), negatives))
    sources = {"toy": SourceDataModule(SourceConfig(name="toy", shards=str(folder), query="text", positive="text"))}
    held_out = HeldOut(HeldOutConfig(share=0.5), list(sources.values()))
    return MixtureDataModule(MixtureConfig(shares={"toy": 1.0}), DataConfig(batch_size=8), sources, 0, held_out)


def validate(mixture):
    torch.manual_seed(0)
    validator = HeldOutValidator(HeldOutConfig(share=0.5), mixture)
    validator.prepare()
    encoder = Words()
    return encoder, validator(encoder, OBJECTIVE, torch.device("cpu"))


def test_the_loss_is_that_of_training_on_the_held_out_rows(mixture):
    encoder, found = validate(mixture)
    source, order = mixture.sources["toy"], mixture.held_out_order()
    assert source.num_held_out == 20 and order.steps_an_epoch == 2
    encoder.eval()
    rows = [[source.held_out.read(at) for _, at in order.batch(step)] for step in range(2)]
    examples = [[decode_row(row, row.key, "toy", source.decoding) for row in batch] for batch in rows]
    batches = [Collator(encoder.processor, 64)(batch) for batch in examples]
    losses = [ContrastiveStep(encoder, OBJECTIVE, 10**6)(batch, lambda loss: loss.sum().backward()).loss.item() for batch in batches]
    assert [found.metrics[name] for name in ("loss", "loss/text-to-text")] == pytest.approx([sum(losses) / 2] * 2, rel=1e-5)
    assert max(batch.relations.negative.max() for batch in batches) > 0  # hand-made negatives count too


def test_recall_is_among_all_held_out_rows(mixture):
    _, found = validate(mixture)
    assert found.score == found.metrics["text-to-text/recall@1"] == found.metrics["task/toy/recall@1"]
    assert found.metrics["text-to-text/recall@1"] <= found.metrics["text-to-text/recall@5"] <= found.metrics["text-to-text/recall@10"] <= 1
    assert not any("mrr" in name for name in found.metrics)


def found_by_rank(rank, mixture):
    _, found = validate(mixture)
    return {**found.metrics, "score": found.score}


def test_ranks_together_find_what_one_process_finds(mixture, tmp_path):
    expected = found_by_rank(0, mixture)
    for found in in_ranks(found_by_rank, 2, tmp_path, mixture):
        assert found == pytest.approx(expected, rel=1e-5)


def test_a_suite_is_looked_at_by_its_tasks(mixture, tmp_path, caplog):
    mixture.check()
    task = HeldOutValidator(HeldOutConfig(), mixture).suite().load("toy")
    checked = []
    config = SuiteConfig(name="s", tasks={"mine": task, "lost": "lost"}, groups={"both": ["mine", "lost"]}, data_root=str(tmp_path))
    validator = SuiteValidator(lambda: Suite(config), checked.append)
    with pytest.raises(DataError, match="not prepared"):
        validator(Words(), OBJECTIVE, torch.device("cpu"))
    validator.prepare()
    found = validator(Words(), OBJECTIVE, torch.device("cpu"))
    assert "s/lost is not validated on" in caplog.text and list(checked[0].tasks) == ["mine"]
    assert found.score == found.metrics["task/mine/recall@1"] and "loss" not in found.metrics


def test_a_suite_that_is_not_on_disk_or_refused_is_told_before_training(tmp_path):
    def refuse(suite):
        raise ConfigError("trained on")

    config = SuiteConfig(name="s", tasks={"lost": "lost"}, data_root=str(tmp_path))
    with pytest.raises(DataError, match="no task of suite s could be run"):
        SuiteValidator(lambda: Suite(config), refuse).prepare()
