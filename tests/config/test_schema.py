"""The schema knows no torch, so a default that a class has too stands twice: here they are held equal."""

import inspect
from dataclasses import MISSING, fields
from enum import Enum

import pytest
from hydra.utils import get_object

from unite.config import schema

NODES = [one for one in vars(schema).values() if isinstance(one, type) and str(getattr(one, "_target_", "???")).startswith("unite.")]
#: Where the config means another default than the class.
MEANT = {("EncoderConfig", "gradient_checkpointing")}  # what is configured is mostly a run that trains a large model


def test_the_components_are_found():
    assert {"EncoderConfig", "MAMCLConfig", "MediaPolicy", "SuiteConfig"} <= {one.__name__ for one in NODES}


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.__name__)
def test_a_default_that_the_class_has_too_is_the_same(node):
    parameters = inspect.signature(get_object(node._target_)).parameters
    compared = {}
    for field in fields(node):
        given = field.default.value if isinstance(field.default, Enum) else field.default
        is_set = given is not MISSING and "???" not in str(given) and "${" not in str(given)
        has_default = field.name in parameters and parameters[field.name].default is not inspect.Parameter.empty
        if is_set and has_default and (node.__name__, field.name) not in MEANT:
            compared[field.name] = (given, parameters[field.name].default)
    assert {name: pair for name, pair in compared.items() if pair[0] != pair[1]} == {}
