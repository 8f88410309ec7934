"""The optimizers and their schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class ScheduleConfig:
    """What every optimizer has: linear warm-up, cosine decay, clipping, an average of the weights.

    Attributes:
        lr: the learning rate after warm-up.
        warmup_ratio: share of the steps in which the rate rises linearly from 0.
        final_lr_ratio: share of `lr` left at the end of the cosine.
        gradient_clip: the largest norm of the gradient over all parameters; null leaves it.
        ema_decay: share that the average of the weights keeps of itself at each step (0.999 looks back about 1000 steps); it is what is
            validated, exported and evaluated, while training goes on from the weights themselves. null has no average.

    Raises:
        ConfigError: if a value is out of its range.
    """

    _target_: str
    lr: float = 1e-4
    warmup_ratio: float = 0.03
    final_lr_ratio: float = 0.0
    gradient_clip: float | None = 1.0
    ema_decay: float | None = None

    def __post_init__(self) -> None:
        self.check_above_0("lr")
        self.check_share("warmup_ratio")
        if not 0 <= self.final_lr_ratio <= 1:
            raise ConfigError(must_be("optimizer.final_lr_ratio", "from 0 to 1", self.final_lr_ratio))
        if self.gradient_clip is not None and not self.gradient_clip > 0:
            raise ConfigError(must_be("optimizer.gradient_clip", "above 0, or null for none", self.gradient_clip))
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise ConfigError(must_be("optimizer.ema_decay", "above 0 and below 1, or null for no average", self.ema_decay))

    def check_above_0(self, *names: str) -> None:
        """Refuses what is not a number above 0."""
        for name in names:
            if not 0 < getattr(self, name) < math.inf:  # NaN is in no range
                raise ConfigError(must_be(f"optimizer.{name}", "a number above 0", getattr(self, name)))

    def check_share(self, *names: str) -> None:
        """Refuses what is not from 0 to below 1."""
        for name in names:
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(must_be(f"optimizer.{name}", "from 0 to below 1", getattr(self, name)))

    def check_least_0(self, *names: str) -> None:
        """Refuses what is not a number of at least 0."""
        for name in names:
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(must_be(f"optimizer.{name}", "a number of at least 0", getattr(self, name)))


@dataclass(kw_only=True)
class AdamWConfig(ScheduleConfig):
    """AdamW with linear warm-up and cosine decay, as the paper trains.

    Attributes:
        beta1, beta2, eps, weight_decay: of AdamW. Biases, norms and other vectors are not decayed.
    """

    _target_: str = "unite.training.adamw.AdamWCosine"
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_share("beta1", "beta2")
        self.check_least_0("eps", "weight_decay")


@dataclass(kw_only=True)
class MuonConfig(AdamWConfig):
    """Muon for the hidden matrices, AdamW for the rest: embeddings, patch embedding, biases, norms. Needs torch 2.9 or newer.

    Attributes:
        muon_lr: rate of the matrices after warm-up; of each it is multiplied by max(1, rows / columns) ** 0.5. `lr` is AdamW's.
        momentum: of Muon.
        muon_weight_decay: of the matrices; `weight_decay` is AdamW's.
    """

    _target_: str = "unite.training.muon.MuonCosine"
    lr: float = 1e-3
    beta2: float = 0.98
    muon_lr: float = 0.007
    momentum: float = 0.95
    muon_weight_decay: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_above_0("muon_lr")
        self.check_share("momentum")
        self.check_least_0("muon_weight_decay")


@dataclass(kw_only=True)
class AdamW8bitConfig(AdamWConfig):
    """AdamW whose two moments are kept in 8 bits each (arXiv 2110.02861), by bitsandbytes: `pip install 'unite[bitsandbytes]'`.

    Attributes:
        min_8bit_size: tensors of fewer values keep their moments in float32.
    """

    _target_: str = "unite.training.adamw_8bit.AdamW8bitCosine"
    min_8bit_size: int = 4096

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_8bit_size < 1:
            raise ConfigError(must_be("optimizer.min_8bit_size", "at least 1", self.min_8bit_size))


@dataclass(kw_only=True)
class AdafactorConfig(ScheduleConfig):
    """Adafactor (arXiv 1804.04235), torch's own: of a matrix it keeps a row and a column in place of two moments.

    `lr` is a share of the size (root mean square) of the tensor that is moved.

    Attributes:
        lr: the learning rate after warm-up, relative to each tensor's size; from the n-th step on at most n ** -0.5.
        beta2_decay: the second moment takes up a share of n ** beta2_decay of the gradient's at the n-th step.
        min_size: the size that a smaller tensor counts as.
        clip_threshold: the largest root mean square of an update before the rate.
        weight_decay: of matrices. Biases, norms and other vectors are not decayed.
    """

    _target_: str = "unite.training.adafactor.AdafactorCosine"
    lr: float = 1e-2
    beta2_decay: float = -0.8
    min_size: float = 1e-3
    clip_threshold: float = 1.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_above_0("min_size")
        self.check_least_0("weight_decay")
        if not -math.inf < self.beta2_decay <= 0:
            raise ConfigError(must_be("optimizer.beta2_decay", "a number of at most 0", self.beta2_decay))
        if not 1 <= self.clip_threshold < math.inf:
            raise ConfigError(must_be("optimizer.clip_threshold", "a number of at least 1", self.clip_threshold))
