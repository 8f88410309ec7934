"""The former place of `data_fingerprint`, until `suite.py` takes it from `tasks.py`."""

from unite.evaluation.tasks import data_fingerprint as data_fingerprint
