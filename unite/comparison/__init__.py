"""Runs side by side: which is better, where, and what it still gets wrong.

    at evaluation    RetrievalTask, embeddings -> find_failures -> failures_file          (into the run's folder)
    afterwards       run folders -> load_runs -> group_runs -> compare -> Comparison -> page, Markdown

Nothing here embeds or ranks again: the folders hold the ranks of every query and small pictures of the failures, so a page can be made
where neither the data nor the encoder is. What is compared is training recipes, here called recipes for short: how runs were trained, their
seeds aside. They are none of curation's recipes, which read raw data.
"""
