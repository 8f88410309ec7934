"""Measurements, kept apart from the tests. `make bench` runs them and writes experiments/performance/results.json."""

from unite.torchvision_operators import mend_torchvision

mend_torchvision()
