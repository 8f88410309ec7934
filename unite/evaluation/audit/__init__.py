"""An audit: does an encoder find what is of one group as well, and show it as often, as what is of another?

    task with labels -> embeddings -> ranks of the relevant    -> parity       R@k by the group of what was to be found
                                   -> the first k              -> skew         shares of the groups among them and in the pool
                                   -> one pool of all tasks    -> modality     hits of the wrong modality, by group
                     words         -> similarity to candidates -> association  of two groups with two lists of words

Labels are those of the candidates: `labels.json` of a task folder, or `labels` of a content in shards of pairs. What varies together is one
unit (the variants of one picture, say): intervals resample units, and differences are those within them.
"""
