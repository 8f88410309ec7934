"""Training: a batch goes through encoder and objective, gradients come back, stages follow one another.

Batch -> encoder -> (U, D) embeddings -> objective -> loss -> gradients       step
Lightning's module, optimizers, ranks                                          module, adamw, muon, parallel
what is logged and watched                                                     window, step_log, embedding_health, collapse_alarm
alignment -> adaptation -> exported encoder                                    stages
what breaks off and goes on                                                    stage_checkpoint, signals, stage_csv
"""
