import builtins

import numpy as np
import pytest
from PIL import Image

from tests.worlds.stamps.material import svg
from unite.errors import ConfigError, SkippedRowError
from unite.worlds.stamps.pictures import check_renderer, draw


def drawn(source, side=100):
    target = source.with_suffix(".made.png")
    draw(source, target, side)
    return np.asarray(Image.open(target))


def test_what_is_drawn_is_cropped_and_centred_on_white(tmp_path):
    canvas = Image.new("RGBA", (200, 50))
    canvas.paste((255, 0, 0, 255), (150, 10, 190, 30))  # 40 x 20
    canvas.save(tmp_path / "red.png")
    pixels = drawn(tmp_path / "red.png")
    assert pixels.shape == (100, 100, 3)
    down, across = np.nonzero((pixels == (255, 0, 0)).all(axis=-1))
    assert (down.min(), down.max(), across.min(), across.max()) == (27, 72, 4, 95)  # 92 x 46 in the middle
    assert (pixels[:27] == 255).all() and (pixels[:, :4] == 255).all()


def test_svg_is_rendered_in_whatever_units_its_size_is(tmp_path):
    for number, size in enumerate(('width="60" height="60"', 'width="60mm" height="60mm"', 'width="40pt" height="40pt"', "")):
        svg(tmp_path / f"{number}.svg", 1, size=size)
    first, *others = (drawn(tmp_path / f"{number}.svg") for number in range(4))
    assert len(np.unique(first.reshape(-1, 3), axis=0)) > 30
    assert all(np.abs(first.astype(int) - other).mean() < 5 for other in others)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("broken.svg", b"<svg", "unreadable picture: broken.svg"),
        ("empty.svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "empty picture: empty.svg shows nothing"),
        ("text.png", b"no picture", "unreadable picture: text.png"),
    ],
)
def test_what_shows_nothing_is_left_out(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SkippedRowError, match=reason):
        drawn(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_missing_renderer_is_told(monkeypatch):
    imported = builtins.__import__

    def without(name, *arguments, **options):
        if name == "resvg_py":
            raise ImportError(name)
        return imported(name, *arguments, **options)

    check_renderer()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        ConfigError, match=r"resvg-py, which renders SVG, must be installed, but is 'missing'. pip install 'unite\[stamps\]'"
    ):
        check_renderer()
