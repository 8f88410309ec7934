from types import SimpleNamespace

from tests.training.toy import batch_of, examples, fit
from unite.config.schema import MAMCLConfig
from unite.objective import MAMCL
from unite.training.cut_texts import CutTexts
from unite.training.step_log import StepLog


def batch(cut, rows=8):
    made = batch_of(examples(rows))
    made.cut = [f"source/shard/{number}" for number in range(cut)]
    return made


def test_they_are_counted_and_said_at_powers_of_ten_and_at_the_end(caplog):
    callback = CutTexts()
    for cut in (0, 2, 3, 6, 0):
        callback.on_train_batch_start(SimpleNamespace(), None, batch(cut), 0)
    callback.on_train_end(SimpleNamespace(), None)
    said = [record.getMessage().partition(" hold")[0] for record in caplog.records]
    assert said == ["2 of 16 samples so far", "11 of 32 samples so far", "11 of 40 samples"]
    assert "longer than encoder.max_length: its end is not read. The last one is source/shard/1." in caplog.messages[0]
    again = CutTexts()
    again.load_state_dict(callback.state_dict())
    assert (again.num_cut, again.num_seen) == (11, 40)


def test_their_share_is_in_the_log():
    rows = fit([batch(0), batch(4), batch(2, 16)], MAMCL(MAMCLConfig()), [StepLog(1, ["toy"]), CutTexts()]).rows
    assert [rows[step]["train/cut_share"] for step in (1, 2, 3)] == [0, 0.5, 0.125]
