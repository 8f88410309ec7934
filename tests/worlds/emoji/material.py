"""The size of the world that tests build."""

SMALL = {"num_train": 64, "num_queries": 24, "num_candidates": 64, "num_glyphs": 32}
