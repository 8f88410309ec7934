"""How the vectors of a stored corpus are kept."""

from __future__ import annotations

from enum import StrEnum


class Vectors(StrEnum):
    """How a number of an embedding is kept, from exact to small: 32, 16 or 8 bits of it, or its sign alone (`binary`)."""

    float32 = "float32"
    float16 = "float16"
    int8 = "int8"
    binary = "binary"
