"""Runs side by side: which is better, where, and what it still gets wrong.

    at evaluation    RetrievalTask, embeddings -> find_failures -> failures_file          (into the run's folder)
    afterwards       run folders -> load_runs -> group_runs -> compare -> Comparison -> page, Markdown

Nothing here embeds or ranks again: the folders hold the ranks of every query and small pictures of the failures, so a page can be made
where neither the data nor the encoder is.
"""
