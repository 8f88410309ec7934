"""Objectives: embeddings and Relations to a loss.

    embeddings (U, D), Relations -> [masks: terms, targets, exclusions] -> [blockwise: loss and gradient] -> ObjectiveOutput
    those of several processes                                             [in_pieces: the same]

    >>> objective = MAMCL(MAMCLConfig(temperature=0.03))
    >>> output = objective(embeddings, batch.relations)
    >>> output.loss.backward()

Every row has a query q and positives; every (row, positive p) is one *term*, with s the inner product of the (L2-normalised) embeddings and
t the temperature:

    loss(q, p) = -log( exp(s_qp / t) / (exp(s_qp / t) + sum over c in N(row, p) of exp(s_qc / t)) )

The loss is the weighted mean over terms: a term weighs its positive's `modality_weights` entry (1 without) divided by the number of
positives of its row, and the sum is divided by the weights of all rows of the pool.

The candidates c are the pool's unique contents that are anybody's positive or negative. N(row, p), the negatives, are the candidates except
- what shows or tells the same as the row: the identity of its query or of one of its positives (so never q or p itself);
- the positives of any row with the same query;
- for MAMCL, what is not of the positive's modality: equality of the whole tag, text+image is neither text nor image.
A row's hand-made negatives are candidates like any other, for every row, under the same rules; but a margin (`false_negative_margin`)
spares them in their own row.

`candidate_candidate=True` adds to the sum exp(s_pc / t) of each c in N(row, p), `query_query=True` exp(s_qr / t) of the pool's queries r
except what shows or tells the same as the row, the queries that share a positive with q and, for MAMCL, those not of q's modality. These
are the terms of Qwen3-Embedding (arXiv 2506.05176, Eq. 1). Margin and hardness treat them as the others; they count among the negatives.

This is MAMCL of UNITE (arXiv 2505.19650), with its mask M_ij = [modality(c_j) = modality(p_i)] inside the sum; without that rule it is
InfoNCE (arXiv 1807.03748). Beyond the paper: several positives, the two rules about what is the same, weights, and for `symmetric=True`
the candidate-to-query direction, in which a positive scores the queries of the pool under the mirrored rules: not those that show or tell
the same as the row, not those of any row with the same positive and, for MAMCL, only those of the modality of the row's query (the paper
trains MAMCL one way). The symmetric loss is the mean of both directions.

Contents with equal fingerprints, as different ranks may hold, count as one: the first, which receives the gradient.
"""

from unite.objective.infonce import InfoNCE
from unite.objective.mamcl import MAMCL
from unite.objective.matryoshka import Matryoshka
from unite.objective.output import ObjectiveOutput, Terms
from unite.objective.temperature import Temperature

__all__ = ["MAMCL", "InfoNCE", "Matryoshka", "ObjectiveOutput", "Temperature", "Terms"]
