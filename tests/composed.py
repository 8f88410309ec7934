"""A command's config, as its command line would compose it."""

from hydra import compose, initialize_config_dir

from unite.config.register import CONF, register


def composed(command, *overrides):
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(command, list(overrides))
