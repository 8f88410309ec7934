"""What a run leaves in its folder while it trains, read back, and the W&B run that is made of it.

    log*/metrics.csv -> read_log -> StageLog: curves by stage, aligned by step, samples, tokens or hours
    config.yaml, metrics.json, <suite>.json, <suite>_failures.json, StageLog -> W&B run

The folder is the source. A W&B run made of it is the same whether training was resumed or not, and whether it was online or not.
"""
