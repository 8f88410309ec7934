"""The 18 video tasks of MMEB-V2, two or three rows each, in the true layout, and what the published code makes of the first.

Texts are written out by hand from the templates of TIGER-AI-Lab/VLM2Vec, `src/data/eval_dataset`, for Qwen2-VL. A frame is as red as 4
times its place in its folder, and as green as 10 times the folder's number among those of its task.
"""

import copy
import json
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from unite.evaluation.layouts.mmeb_v2.questions import MVBENCH

V = "<|video_pad|>"
ASK = (
    "Given a video and a question, select the most accurate answer from the provided candidates. "
    "Return only the exact text of your chosen answer. Question: "
)
SHOWN = f"{V} Understand the content of the provided video."
SHOWN_CLIP = f"{V} Understand the content of the provided video clip."
FIND = "Find the clip that corresponds to the described scene in the given video:"


@dataclass
class Task:
    """A task on disk.

    Attributes:
        rows: the table's name below `rows`, or several, and what is in it.
        frames: folder below `frames` -> how many frames it has.
        query: the text of the first row's query.
        video: the folder of its video; "" without one.
        names: its candidates, in their order; of a global task, the first of all.
        texts: their texts.
        videos: their folders, where they are videos.
        right: those that are right.
        num_candidates: of the whole task.
        pair: of modalities.
        at: where the first row stands in the task: MVBench joins its tables in an order of its own.
    """

    rows: dict[str, list[dict]]
    frames: dict[str, int]
    query: str
    names: list[str]
    texts: list[str]
    right: list[str]
    num_candidates: int
    pair: str = "video->text"
    video: str = ""
    videos: list[str] = field(default_factory=list)
    image: str = ""
    at: int = 0


def classified(table, folder, instruction, labels, num_labels):
    rows = [{"video_id": f"clip_{letter}", "pos_text": label} for letter, label in zip("abc", labels, strict=False)]
    frames = {f"video_cls/{folder}/clip_{letter}": num for letter, num in zip("abc"[: len(labels)], (9, 8, 3), strict=False)}
    names = list(dict.fromkeys(labels))
    return Task({table: rows}, frames, f"{V} {instruction}", names, names, labels[:1], num_labels, video=f"video_cls/{folder}/clip_a")


def retrieved(table, folder, columns, values, instruction, names):
    rows = [dict(zip(columns, row, strict=True)) for row in values]
    folders = [f"video_ret/{folder}/{name}" for name in names]
    return Task(
        {table: rows},
        dict(zip(folders, (20, 64, 5), strict=False)),
        f"{instruction} a man rides a horse",
        names,
        [SHOWN] * len(names),
        names[:1],
        len(names),
        "text->video",
        videos=folders,
    )


def moments(table, folder):
    clips = ("negative_2", "negative_10", "positive_0")
    frames = {f"video_mret/{folder}/film/{name}": num for name, num in zip(("query", *clips), (30, 8, 8, 4), strict=True)}
    frames |= {f"video_mret/{folder}/other/{name}": 2 for name in ("query", "negative_0", "positive_0")}
    rows = [{"query": "a dog jumps", "video_path": "videos/film.mp4"}, {"query": "a cat sits", "video_path": "other.mkv"}]
    return Task(
        {table: [*rows, {"query": "the dog rests", "video_path": "videos/film.mp4"}]},
        frames,
        f"{V} {FIND} a dog jumps",
        [f"film/{clip}" for clip in clips],
        [SHOWN] * 3,
        ["film/positive_0"],
        5,
        "text+video->video",
        video=f"video_mret/{folder}/film/query",
        videos=[f"video_mret/{folder}/film/{clip}" for clip in clips],
    )


TASKS = {
    "K700": classified("Kinetics-700", "K700", "Recognize the category of the video content.", ["luge", "fly_tying", "luge"], 700),
    "SmthSmthV2": Task(
        {
            "SmthSmthV2": [
                {"video_id": 74225, "pos_text": "Holding something", "neg_text": ["Closing something", "Holding something", "Moving it"]},
                {"video_id": 9, "pos_text": "Moving it", "neg_text": ["Moving it", "Closing something"]},
            ]
        },
        {"video_cls/SSv2/74225": 11, "video_cls/SSv2/9": 8},
        f"{V} What actions or object interactions are being performed by the person in the video?",
        ["Closing something", "Holding something", "Moving it"],
        ["Closing something", "Holding something", "Moving it"],
        ["Holding something"],
        3,
        video="video_cls/SSv2/74225",
    ),
    "HMDB51": classified(
        "HMDB51", "HMDB51", "What actions or objects interactions are the person in the video doing?", ["wave", "ride_bike"], 51
    ),
    "UCF101": classified(
        "UCF101", "UCF101", "What activities or sports are being performed by the person in the video?", ["PlayingDaf", "Diving"], 101
    ),
    "Breakfast": classified(
        "Breakfast", "Breakfast", "Recognize the breakfast type that the person is cooking in the video. ", ["juice", "tea"], 10
    ),
    "MVBench": Task(
        {
            "MVBench/action_sequence": [
                {
                    "video": "ZS9XR.mp4",
                    "question": "What happened after?",
                    "candidates": ["Ate it.", "Tidied up.", "Ate it."],
                    "answer": "Ate it.",
                }
            ],
            "MVBench/object_existence": [{"video": "v_1.mp4", "question": "Is it?", "candidates": ["yes", "no"], "answer": "no"}],
        },
        {"video_qa/MVBench/action_sequence/ZS9XR.mp4": 64, "video_qa/MVBench/object_existence/v_1.mp4": 8},
        f"{V} {ASK} What happened after?\nOptions:\n(A) Ate it.\n(B) Tidied up.\n(C) Ate it.",
        ["(A) Ate it.", "(B) Tidied up.", "(C) Ate it."],
        ["(A) Ate it.", "(B) Tidied up.", "(C) Ate it."],
        ["(C) Ate it."],
        5,
        "text+video->text",
        video="video_qa/MVBench/action_sequence/ZS9XR.mp4",
        at=1,
    ),
    "Video-MME": Task(
        {
            "Video-MME": [
                {
                    "question": "Which fruit is it?",
                    "videoID": "fFjv93ACGo8",
                    "options": ["A. Apples.", "B. Mt. Fuji.", "C. 4.5 pears.", "D. None. Really."],
                    "answer": "C",
                    "question_id": "001-1",
                    "domain": "Knowledge",
                    "sub_category": "x",
                },
                {
                    "question": "And then?",
                    "videoID": "other",
                    "options": ["A. Yes.", "B. No.", "C. Maybe.", "D. Never."],
                    "answer": "A",
                    "question_id": "001-2",
                    "domain": "Knowledge",
                    "sub_category": "x",
                },
            ]
        },
        {"video_qa/Video-MME/fFjv93ACGo8": 64, "video_qa/Video-MME/other": 9},
        f"{V} {ASK} Which fruit is it?\nA. Apples.\nB. Mt. Fuji.\nC. 4.5 pears.\nD. None. Really.",
        ["A. Apples.", "B. Mt. Fuji.", "C. 4.5 pears.", "D. None. Really."],
        ["Apples", "Mt. Fuji", "4.5 pears", "None. Really"],
        ["C. 4.5 pears."],
        8,
        "text+video->text",
        video="video_qa/Video-MME/fFjv93ACGo8",
    ),
    "NExTQA": Task(
        {
            "NExTQA": [
                {"video": 4010069381, "question": "how do they sit", "answer": 4, "qid": "6", "type": "CH"}
                | dict(zip(("a0", "a1", "a2", "a3", "a4"), ("rocks", "beach", "rocks", "no", "bench "), strict=True)),
                {"video": 7, "question": "why", "answer": 0, "qid": "6", "type": "CW"}
                | dict(zip(("a0", "a1", "a2", "a3", "a4"), "abcde", strict=True)),
            ]
        },
        {"video_qa/NExTQA/4010069381": 40, "video_qa/NExTQA/7": 8},
        f"{V} {ASK} how do they sit\nOptions:\n(A) rocks\n(B) beach\n(C) rocks\n(D) no\n(E) bench",
        ["rocks", "beach", "no", "bench "],
        ["rocks", "beach", "no", "bench "],
        ["bench "],
        9,
        "text+video->text",
        video="video_qa/NExTQA/4010069381",
    ),
    "EgoSchema": Task(
        {
            "EgoSchema": [
                {
                    "video_idx": "001934bb",
                    "question": "What is done?",
                    "answer": "1",
                    "question_idx": "0",
                    "option": ["A. C cooks.", "B. C cleans."],
                },
                {"video_idx": "b", "question": "Why?", "answer": "0", "question_idx": "1", "option": ["A. For fun.", "B. C must."]},
            ]
        },
        {"video_qa/EgoSchema/001934bb": 64, "video_qa/EgoSchema/b": 8},
        f"{V} {ASK} What is done?A. C cooks. B. C cleans.",
        ["A. C cooks.", "B. C cleans."],
        ["C cooks", "C cleans"],
        ["B. C cleans."],
        4,
        "text+video->text",
        video="video_qa/EgoSchema/001934bb",
    ),
    "ActivityNetQA": Task(
        {
            "ActivityNetQA": [
                {"video_name": "1QIUV7WYKXg", "question": "is the man outside", "answer": "no", "question_id": "v_1_3"},
                {"video_name": "x", "question": "is it day", "answer": "yes", "question_id": "v_1_4"},
            ]
        },
        {"video_qa/ActivityNetQA/v_1QIUV7WYKXg": 64, "video_qa/ActivityNetQA/v_x": 8},
        f"{V} {ASK} is the man outside? (A) yes; (B) no.",
        ["yes", "no"],
        ["yes", "no"],
        ["no"],
        2,
        "text+video->text",
        video="video_qa/ActivityNetQA/v_1QIUV7WYKXg",
    ),
    "DiDeMo": retrieved(
        "DiDeMo",
        "DiDeMo",
        ("video", "caption"),
        [("test/54322086@N00_2408598493.mov", "a man rides a horse"), ("b.mp4", "two dogs"), ("c.avi", "rain")],
        "Find a video that includes the following described scenes:",
        ["54322086@N00_2408598493", "b", "c"],
    ),
    "MSR-VTT": retrieved(
        "MSR-VTT",
        "MSR-VTT",
        ("video_id", "video", "caption"),
        [("video9770", "video9770.mp4", "a man rides a horse"), ("video7", "video7.mp4", "two dogs")],
        "Find a video that contains the following visual content:",
        ["video9770", "video7"],
    ),
    "MSVD": retrieved(
        "MSVD",
        "MSVD",
        ("video_id", "video", "caption"),
        [("mv89psg6zh4_33_46", "mv89.avi", ["a man rides a horse", "a bird"]), ("b_1_2", "b.avi", ["two dogs"])],
        "Find the video snippet that corresponds to the given summary:",
        ["mv89psg6zh4_33_46", "b_1_2"],
    ),
    "VATEX": retrieved(
        "VATEX",
        "VATEX",
        ("videoID", "enCap"),
        [("Ptf_2VRj-V0_000122_000132", ["a man rides a horse", "x"]), ("b", ["two dogs", "y"])],
        "Select a video that fits the description provided:",
        ["Ptf_2VRj-V0_000122_000132", "b"],
    ),
    "YouCook2": retrieved(
        "YouCook2",
        "YouCook2",
        ("id", "video_path", "sentence"),
        [("xHr8X2Wpmno_0", "validation/xHr8X2Wpmno_0.mp4", "a man rides a horse"), ("b_1", "b_1.mp4", "pick the ends off")],
        "Find a video that demonstrates the following action while making a recipe:",
        ["xHr8X2Wpmno_0", "b_1"],
    ),
    "QVHighlight": moments("QVHighlight", "QVHighlight"),
    "Charades-STA": moments("Charades-STA", "Charades_STA"),
    "MomentSeeker": Task(
        {
            "MomentSeeker": [
                {
                    "query": "the man enters",
                    "input_frames": "movie101/77.mp4",
                    "positive_frames": [{"output_path": "movie101/77_1.mp4"}, {"output_path": "movie101/77_4.mp4"}],
                    "negative_frames": [{"output_path": "movie101/77_2.mp4"}],
                },
                {
                    "query": "the same coat",
                    "input_frames": "ego/5.jpg",
                    "positive_frames": [{"output_path": "ego/5_0.mp4"}],
                    "negative_frames": [{"output_path": "ego/5_1.mp4"}],
                },
                {
                    "query": "a goal is shot",
                    "input_frames": "",
                    "positive_frames": [{"output_path": "ego/5_1.mp4"}],
                    "negative_frames": [{"output_path": "ego/5_0.mp4"}],
                },
            ]
        },
        {
            f"video_mret/MomentSeeker/video_frames/{name}": num
            for name, num in {
                "movie101_77": 8,
                "movie101_77_1": 8,
                "movie101_77_4": 3,
                "movie101_77_2": 8,
                "ego_5_0": 8,
                "ego_5_1": 8,
            }.items()
        },
        f"{V} Find the clip that corresponds to the given sentence and video segment: the man enters",
        ["movie101_77_1", "movie101_77_4", "movie101_77_2"],
        [SHOWN_CLIP] * 3,
        ["movie101_77_1", "movie101_77_4"],
        5,
        "text+image+video->video",
        video="video_mret/MomentSeeker/video_frames/movie101_77",
        videos=[f"video_mret/MomentSeeker/video_frames/movie101_77_{number}" for number in (1, 4, 2)],
        image="video_mret/MomentSeeker/query_ego/5.jpg",
    ),
}


def write_frames(folder, number, num_frames):
    folder.mkdir(parents=True, exist_ok=True)
    for place in range(num_frames):
        frame = Image.fromarray(np.full((28, 28, 3), (4 * place, 10 * number, 0), np.uint8))
        frame.save(folder / f"frame_{place + 1:04d}.jpg", quality=95, subsampling=0)


def write(root, name, change=None, suffix=".parquet"):
    """Writes a task below `root`, which is the suite's `data_root`; `change` may change its rows before."""
    task, home = TASKS[name], root / "MMEB-V2" / "video-tasks"
    tables = copy.deepcopy(task.rows)
    if name == "MVBench":  # all twenty are read
        first = tables["MVBench/action_sequence"][0]
        for subset in MVBENCH:
            tables.setdefault(f"MVBench/{subset}", [first | {"video": "v.mp4"}])
    if change is not None:
        change(next(iter(tables.values())))
    for table, rows in tables.items():
        path = home / "rows" / f"{table}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        else:
            path.write_text("\n".join(map(json.dumps, rows)) if suffix == ".jsonl" else json.dumps(rows))
    frames = dict(task.frames)
    if name == "MVBench":
        frames |= {f"video_qa/{table}/v.mp4": 2 for table in tables if table not in task.rows}
    for number, (folder, num_frames) in enumerate(frames.items()):
        write_frames(home / "frames" / folder, number, num_frames)
    if task.image:
        (home / "frames" / task.image).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (28, 28), (0, 0, 200)).save(home / "frames" / task.image)


def number_of(name, folder):
    """What its frames tell by their green."""
    return list(TASKS[name].frames).index(folder)
