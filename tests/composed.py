"""A command's config, as its command line would compose it."""

from hydra import compose, initialize_config_dir

from unite.config.hydra_setup import CONF
from unite.config.register import register


def composed(command, *overrides):
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(command, list(overrides))
