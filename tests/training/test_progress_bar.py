"""What the bar shows of a toy stage: its name, the window's mean loss, and no version of a logger."""

from tests.training.toy import batch_of, examples, fit
from unite.config.schema import MAMCLConfig
from unite.objective import MAMCL
from unite.training.progress_bar import StageProgressBar
from unite.training.step_log import StepLog


class Shown(StageProgressBar):
    """Keeps what it would show at the end of each batch."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.shown = self.get_metrics(trainer, pl_module)


def test_the_bar_shows_the_stage_and_the_windows_mean_loss():
    bar = Shown("adaptation")
    fitted = fit([batch_of(examples(8 + at)) for at in range(4)], MAMCL(MAMCLConfig(temperature=0.1)), [bar, StepLog(4, ["toy"])])
    bar.on_train_batch_end(fitted.trainer, fitted.module, None, None, 0)
    assert set(bar.shown) == {"loss", "samples/s"}
    assert abs(float(bar.shown["loss"]) - fitted.rows[4]["train/loss"]) < 1e-2  # to three digits
    assert bar._get_train_description(0) == "adaptation"
