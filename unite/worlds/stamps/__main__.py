"""Fetches, curates and writes the stamps: `python -m unite.worlds.stamps`, with animations `animations=[1]`. See docs/stamps.md.

What is fetched stays in the user's cache, so a second set needs no network. A killed or broken run goes on when it is started again.
"""

from __future__ import annotations

import logging

import hydra

from unite.config.register import CONF, register
from unite.config.schema import StampsConfig
from unite.entry import say, shown_errors

register()
log = logging.getLogger("unite.worlds.stamps")  # not of this module, which is `__main__`


@hydra.main(config_path=str(CONF), config_name="stamps", version_base="1.3")
@shown_errors
def main(config: StampsConfig) -> None:
    """Makes the set, and says what is in it."""
    from unite.build.early import check_stamps

    check_stamps(config)
    from unite.build.stamps import make_stamps

    made = make_stamps(config)
    concepts = made["concepts"]["all"]
    say(f"The set is in {config.data_root}/stamps: {concepts['train']} concepts to train on, {concepts['test']} held out.")
    say(*(f"  {name}: {num:,} {what}" for what, key in (("rows", "sources"), ("queries", "tasks")) for name, num in made[key].items()))


if __name__ == "__main__":
    main()
