"""unite: universal multimodal embeddings, from curated data to an evaluated encoder.

    raw rows -> curation -> shards -> sample -> batch -> embeddings -> loss          training
                                                         embeddings -> ranking -> metrics -> report   evaluation

Importing this package imports no torch: entry points answer `--help` and config errors at once. It makes torchvision importable where its
compiled operators do not fit torch (see `unite.torchvision_operators`): import it before sentence-transformers or timm there.
"""

from unite.torchvision_operators import mend_torchvision

__version__ = "0.1.0"

mend_torchvision()
