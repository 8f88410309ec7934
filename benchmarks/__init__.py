"""Measurements, kept apart from the tests. `make bench` runs them and writes experiments/performance/results.json."""
