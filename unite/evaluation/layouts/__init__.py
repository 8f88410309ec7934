"""Benchmarks as they lie on disk, one file a layout.

    a folder below data_root  ->  TaskSource.load  ->  RetrievalTask, its media still files  ->  Suite.run

What belongs where is told by docs/benchmarks.md, and by the message about what is missing. Nothing is ever downloaded.

    from unite.evaluation.layouts.karpathy import Karpathy

    layout = Karpathy(folder="coco", annotations="dataset_coco.json", direction="text_to_image")
    task = layout.load("coco_t2i", Path("data"), Decoding())
"""
