"""Contents to embeddings.

    Content -> prompt -> tokens and media's tensors -> MicroBatch                processor, in the workers
    MicroBatch -> towers -> language model -> last token -> unit vector          vlm, on the device

What is particular to a backbone is in `families`, one file each. Importing this package imports no torch: `unite.encoder.vlm` does.
"""
