"""Measurements, kept apart from the tests. `make bench` runs them and writes experiments/performance/results.json."""

import unite  # noqa: F401  before whatever else imports torchvision
