"""Embeds a corpus into a Lance table: `python -m unite.embed corpus=photos checkpoint=runs/stage2_mamcl/<run> out=corpora/photos`.

Called again, it embeds what is new or changed and drops what is gone; killed, it goes on where it was. `torchrun --nproc-per-node=4 -m
unite.embed ...` shares it among four GPUs.
"""

from __future__ import annotations

import logging

import hydra

from unite.config.register import CONF, register
from unite.config.schema import EmbedConfig, Engine
from unite.entry import agree_on_start, say, shown_errors
from unite.progress import shown

register()
log = logging.getLogger("unite.embed")  # not of this module, which is `__main__`


@hydra.main(config_path=str(CONF), config_name="embed", version_base="1.3")
@shown_errors
def main(config: EmbedConfig) -> None:
    """Brings the stored corpus in `out` to what the sources hold, and says what became of them."""
    from unite.build.early import check_embed

    check_embed(config)  # refused before what takes longer to import
    log.info("embedding %s by %s into %s", config.corpus, config.checkpoint, config.out)
    with shown("importing torch and transformers"):
        from unite.build.early_data import addresses
        from unite.build.embed import build_corpus_encoder, build_corpus_options
        from unite.build.encoder import check_trained_encoder
        from unite.build.meeting import meet
        from unite.processes import is_first_rank, joined_ranks
        from unite.search.corpus.embed import embed_corpus

    meet(config)
    with joined_ranks(config.device):
        check_trained_encoder(config)
        options, columns = build_corpus_options(config)
        workers = config.workers if config.engine is Engine.ray else 0
        outcome = embed_corpus(addresses(config), config.out, build_corpus_encoder(config), options, columns, config.format, workers)
        if is_first_rank():
            say(*outcome.told(config.out), f"Search in it: python -m unite.search index={config.out}")


if __name__ == "__main__":
    agree_on_start()
    main()
