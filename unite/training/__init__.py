"""Training: a batch goes through encoder and objective, gradients come back, stages follow one another.

Batch -> encoder -> (U, D) embeddings -> objective -> loss -> gradients       step
Trainer, log, checkpoints, alarms                                              module, callbacks
alignment -> adaptation -> exported encoder                                    stages, run_folder
"""
