"""Embeddings to metrics to report.

    StoredTask -> RetrievalTask -> embed_contents -> ranks -> metrics -> SuiteResult -> table, plot, metrics.json

>>> suite = Suite("built_in", tasks={"text_to_image": "data/tasks/text_to_image"})
>>> result = suite.run(encoder)
>>> result.metrics()["built_in/text_to_image/recall@1"]
0.81
"""
