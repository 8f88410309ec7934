"""A gallery of a run: real queries and their first five hits, failures among them. Of the stamps, or of `--tasks`.

    python scripts/gallery.py runs/small_real/<run> data/stamps experiments/small_real/gallery.png

Of each task the same number of queries, evenly spread over their ids in their order: nothing is chosen by hand. What is right has a green
frame; above each query stands the rank of the first right one.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

from unite.embedding.embed import embed_contents
from unite.embedding.embedder import Embedder
from unite.embedding.lazy import LazyContent, decoded
from unite.evaluation.tasks import RetrievalTask
from unite.types import Content, plain_text

TASKS = ("test/tuxpaint/t2i", "test/tuxpaint/i2t", "test/emoji/t2i", "test/clipart/t2i", "test/clipart/i2t", "test/style/i2i")
HITS = 5
RIGHT, WRONG = "#2e8b57", "#bbbbbb"


def spread(num: int, wanted: int) -> list[int]:
    """Returns evenly spread places among `num`: the middles of as many equal parts."""
    return [(2 * part + 1) * num // (2 * wanted) for part in range(min(num, wanted))]


def first_hits(queries: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the similarities of (q, D) to (c, D) in falling order, and the candidates in it, (q, c) each."""
    scores, order = (queries @ candidates.T).sort(dim=1, descending=True, stable=True)
    return scores, order


def show(axes: Axes, content: Content, colour: str = "none", note: str = "") -> None:
    """Draws a text or a picture into a cell."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color=colour, linewidth=2.5)
    text = _wrapped(plain_text(content.text))
    if content.media:
        axes.imshow(content.media[0].frames[0])
        axes.set_xlabel(text, fontsize=7)
    else:
        axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=8, transform=axes.transAxes)
    axes.set_title(note, fontsize=7, pad=2)


def _wrapped(text: str, width: int = 18) -> str:
    lines = [""]
    for word in text.split():
        lines[-1:] = [f"{lines[-1]} {word}".strip()] if len(lines[-1]) + len(word) < width else [lines[-1], word]
    return "\n".join(lines[:6])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="a run, or an exported encoder")
    parser.add_argument("folder", type=Path, help="that the tasks lie in")
    parser.add_argument("picture", type=Path, help="a PNG file")
    parser.add_argument("--queries", type=int, default=4, help="of each task")
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), help="folders in it")
    given = parser.parse_args()
    tasks = [RetrievalTask.of_folder(given.folder / name) for name in given.tasks]
    encoder = Embedder(given.checkpoint).encoder
    figure, cells = plt.subplots(len(tasks) * given.queries, 1 + HITS, figsize=(9, 1.5 * len(tasks) * given.queries), squeeze=False)
    rows = iter(cells)
    for name, task in zip(given.tasks, tasks, strict=True):
        asked = spread(len(task.query_ids), given.queries)
        candidates = embed_contents(encoder, task.candidates)
        scores, order = first_hits(embed_contents(encoder, [task.queries[place] for place in asked]), candidates)
        for row, place in enumerate(asked):
            _draw_row(next(rows), name, task, place, scores[row], order[row])
    figure.tight_layout(pad=0.4)
    figure.savefig(given.picture, dpi=80, pil_kwargs={"optimize": True})


def _draw_row(cells: Sequence[Axes], name: str, task: RetrievalTask, place: int, scores: Tensor, order: Tensor) -> None:
    right = task.relevant[task.query_ids[place]].keys()
    is_right = [task.candidate_ids[candidate] in right for candidate in order.tolist()]
    rank = 1 + is_right.index(True)
    show(cells[0], _of(task.queries[place]), note=f"{name.replace('test/', '')}: {rank} of {len(is_right)}")
    for hit, cell in enumerate(cells[1:]):
        content = _of(task.candidates[int(order[hit])])
        show(cell, content, RIGHT if is_right[hit] else WRONG, f"{float(scores[hit]):.2f}")


def _of(content: Content | LazyContent) -> Content:
    return decoded(content) if isinstance(content, LazyContent) else content


if __name__ == "__main__":
    with torch.no_grad():
        main()
