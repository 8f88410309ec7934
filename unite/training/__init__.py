"""Training: a batch goes through encoder and objective, gradients come back, stages follow one another."""
