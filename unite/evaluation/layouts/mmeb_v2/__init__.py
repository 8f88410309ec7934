"""MMEB-V2 (VLM2Vec-V2, arXiv 2507.04590), its 18 video tasks, as its own code reads them: TIGER-AI-Lab/VLM2Vec at 6e1e1d4.

    MMEB-V2/video-tasks/rows/HMDB51.parquet                     rows of VLM2Vec/HMDB51
    MMEB-V2/video-tasks/frames/video_cls/HMDB51/<video>/*.jpg   frames of TIGER-Lab/MMEB-V2

rows             what all have in common: rows, frames, texts, the task they become
classification   a video to the name of what is done in it: HMDB51, UCF101, K700, Breakfast, SmthSmthV2
questions        a video and a question to an answer: Video-MME, NExTQA, EgoSchema, MVBench, ActivityNetQA
retrieval        a text to a video: MSR-VTT, MSVD, DiDeMo, VATEX, YouCook2
moments          a text, with or without a picture or video, to a clip: QVHighlight, Charades-STA, MomentSeeker
labels.json      the candidates of classification (`src/data/eval_dataset/video_classification_utils.py` there)

Columns and texts were read in that code, `src/data/eval_dataset` and `experiments/public/eval/video.yaml`, not in the tables themselves.
"""
