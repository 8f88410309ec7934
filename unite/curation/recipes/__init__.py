"""Recipes: one small file a raw format, each a `Recipe` that turns records into `RawRow`s.

    unite_json             the UNITE authors' JSON rows
    mmeb                   TIGER-Lab/MMEB-train parquet
    webvid_covr            WebVid-CoVR CSV
    image_captions         CC3M, CapsFusion, LAION style: CSV, TSV, JSONL, parquet; a folder
    coco                   COCO's captions JSON
    video_captions         InternVid, Tarsier2-Recap style JSONL, with clip start and end
    text_pairs             pairs and triplets in sentence-transformers' layout
    huggingface            any saved Hugging Face dataset, by a column map
    webdataset_shards      any WebDataset: image, video, text and JSON members

`tables` reads the annotation files, `tabular` is the recipe over one.
"""
