import io

import numpy as np
from PIL import Image

from unite.export.card_curves import curves_png, draw_curves
from unite.tracking.run_log import StageLog


def a_log(name, rows):
    return StageLog(name, rows, {}, {}, {})


def test_curves_are_what_was_logged_one_stage_after_the_other():
    first = a_log("alignment", {10: {"train/loss": 3.0}, 20: {"train/loss": 2.0}})
    second = a_log(
        "adaptation",
        {
            5: {"train/loss": 1.5, "train/accuracy/text-to-image": 0.25},
            8: {"validation/loss": 1.0, "validation/text-to-image/recall@1": 0.5},
        },
    )
    losses, pairs = draw_curves([first, second]).axes
    found = {line.get_label(): line.get_xydata().tolist() for axes in (losses, pairs) for line in axes.lines if line.get_label()[0] != "_"}
    assert found == {
        "alignment, train": [[10, 3.0], [20, 2.0]],
        "adaptation, train": [[25, 1.5]],
        "adaptation, validation": [[28, 1.0]],
        "text-to-image": [[25, 25.0]],
        "text-to-image, R@1 in validation": [[28, 50.0]],
    }


def test_a_long_curve_is_its_means_over_even_stretches():
    values = np.random.default_rng(0).random(500)
    figure = draw_curves([a_log("adaptation", {step: {"train/loss": float(value)} for step, value in enumerate(values)})])
    [line] = figure.axes[0].lines
    np.testing.assert_allclose(line.get_ydata(), values.reshape(50, 10).mean(axis=1))


def test_the_picture_is_a_small_png_and_none_where_no_loss_was_logged():
    picture = curves_png([a_log("adaptation", {1: {"train/loss": 1.0}})])
    assert Image.open(io.BytesIO(picture)).format == "PNG" and len(picture) < 200_000
    assert curves_png([]) is None and curves_png([a_log("adaptation", {1: {"health/alignment": 1.0}})]) is None
