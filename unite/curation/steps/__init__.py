"""Curation steps: one file a step, each with a name, plain keyword arguments and reasons that are counted.

row-wise   LoadedRow  -> Drop or None       in parallel, a part of the rows at a time
set-wise   Collection -> Verdict            over signatures (and embeddings) of all rows, never over media

row-wise   text_length  language  image_size  image_contrast  video_length
set-wise   exact_duplicates  near_duplicates  semantic_duplicates  decontamination  semantic_decontamination
           similarity  false_negatives  balance  hard_negatives

They may be named in any order: the row-wise ones run first.
"""
