"""What the bar shows of a toy stage: its name and the window's mean loss."""

from tests.training.toy import batch_of, examples, fit
from unite.config.schema import MAMCLConfig
from unite.objective import MAMCL
from unite.training.progress_bar import StageProgressBar
from unite.training.step_log import StepLog


def test_the_bar_shows_the_stage_and_the_windows_mean_loss():
    step_log = StepLog(4, ["toy"])
    bar = StageProgressBar("adaptation", step_log)
    assert bar.get_metrics(None, None)["loss"] == "nan"
    fitted = fit([batch_of(examples(8 + at)) for at in range(4)], MAMCL(MAMCLConfig(temperature=0.1)), [bar, step_log])
    row = fitted.rows[4]
    expected = {"loss": f"{row['train/loss']:.3f}", "samples/s": f"{row['throughput/samples_per_second']:.0f}"}
    assert bar.get_metrics(fitted.trainer, fitted.module) == expected
    assert bar._get_train_description(0) == "adaptation"
