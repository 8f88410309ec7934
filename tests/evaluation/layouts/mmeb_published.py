"""A row of each of MMEB's 36 tasks in both published forms, and the texts that the authors' code makes of it.

Instructions and the form of the texts are those of public code and papers that show rows; what is asked and found is made up.
"""

from dataclasses import dataclass

from tests.evaluation.layouts.material import write_parquet, write_picture

ASKED = "Represent the given image with the following question:"
CLASS = "Represent the given image for classification"
ITSELF = "Represent the given image"
CROP = "Represent the given cropped image of the object"
PORTION = "Select the portion of the image that follows the language expressions:"


@dataclass(frozen=True)
class Published:
    """A row: instruction and text of the query, whether it has an image, the instruction of image candidates ("": texts), their texts."""

    instruction: str
    text: str
    candidates: tuple[str, ...]
    image: bool = True
    candidate_instruction: str = ""


TASKS = {
    "ImageNet-1K": Published(CLASS, "", ("sea snake", "tench")),
    "N24News": Published(
        "Represent the given news image with the following caption for domain classification:", "Wings for a shoot.", ("Style", "Dance")
    ),
    "HatefulMemes": Published(
        "Represent the given image for binary classification to determine whether it constitutes hateful speech or not", "", ("No", "Yes")
    ),
    "VOC2007": Published("Identify the object shown in the image", "", ("bus", "boat")),
    "SUN397": Published("Identify the scene shown in the image", "", ("firing range indoor", "attic")),
    "Place365": Published("Identify the scene shown in the image", "", ("bazaar outdoor", "bog")),
    "ImageNet-A": Published(CLASS, "", ("sea anemone, anemone", "stingray")),
    "ImageNet-R": Published(CLASS, "", ("baseball player", "flute")),
    "ObjectNet": Published("Identify the object shown in the image", "", ("mug", "bathrobe")),
    "Country211": Published("Identify the country depicted in the image", "", ("China", "Peru")),
    "OK-VQA": Published(ASKED, "What breed are they?", ("pug", "collie")),
    "A-OKVQA": Published(ASKED, "What is the man by the bags awaiting?", ("cab", "train")),
    "DocVQA": Published(ASKED, "What is the date?", ("June 4", "May 3")),
    "InfographicsVQA": Published(ASKED, "Which platform has most?", ("Email", "Fax")),
    "ChartQA": Published(ASKED, "Is the value of Favorable 38 in 2015?", ("Yes", "No")),
    "Visual7W": Published(ASKED, "Where is the man?", ("On a hill.", "At home.")),
    "ScienceQA": Published(ASKED, "Which is farthest north?", ("Maine", "Ohio")),
    "VizWiz": Published(ASKED, "Can you tell me what this is?", ("coffee", "tea")),
    "GQA": Published(ASKED, "What is under the utensil?", ("napkin", "table")),
    "TextVQA": Published(ASKED, "What is the brand of this camera?", ("dakota", "leica")),
    "VisDial": Published(
        "Represent the given dialogue about an image, which is used for image retrieval:",
        "Q:do you see many people\nA:just 3",
        ("", ""),
        False,
        ITSELF,
    ),
    "CIRR": Published(
        "Given an image, find a similar everyday image with the described changes:", "Make it a dog.", ("", ""), True, ITSELF
    ),
    "VisualNews_t2i": Published("Retrieve an image of this news caption.", "She makes a save.", ("", ""), False, ITSELF),
    "VisualNews_i2t": Published("Find a caption for the news in the given photo.", "", ("She makes a save.", "A vote.")),
    "MSCOCO_t2i": Published("Find me an everyday image that matches the given caption:", "A man on a bike.", ("", ""), False, ITSELF),
    "MSCOCO_i2t": Published("Find an image caption describing the given everyday image.", "", ("A man on a bike.", "Two zebras.")),
    "NIGHTS": Published("Find a day-to-day image that looks similar to the provided image.", "", ("", ""), True, ITSELF),
    "WebQA": Published(
        "Find a Wikipedia image that answers this question:",
        "Is it green?",
        ("A corner.", "A tower."),
        False,
        "Represent the given Wikipedia image with related text information:",
    ),
    "FashionIQ": Published("Find an image to match the fashion image and style note:", "Is shiny and silver.", ("", ""), True, ITSELF),
    "Wiki-SS-NQ": Published("Find the document image that can answer the given query:", "who wrote it", ("", ""), False, ITSELF),
    "OVEN": Published(
        "Retrieve a Wikipedia image-description pair that provides evidence for the question of this image:",
        "What is it?",
        ("A tower. It is old.", "A bog."),
        True,
        "Represent the given Wikipedia image with related text information:",
    ),
    "EDIS": Published(
        "Find a news image that matches the provided caption:",
        "A vote.",
        ("The vote of May.", "A save."),
        False,
        "Represent the given image with related text information:",
    ),
    "MSCOCO": Published("Select the portion of the image that isolates the object labeled as", '"hot dog"', ("", ""), True, CROP),
    "RefCOCO": Published(PORTION, "man in black", ("", ""), True, CROP),
    "RefCOCO-Matching": Published(PORTION, "man in black", ('"man in black"', '"left dog"'), True, PORTION),
    "Visual7W-Pointing": Published("Select the portion of the image that answers the question", "Which is red?", ("", ""), True, CROP),
}
TEXT_TO_IMAGE = ("VisDial", "MSCOCO_t2i", "VisualNews_t2i", "WebQA", "EDIS", "Wiki-SS-NQ")


def texts_of_first_version(task, token):
    """The texts of query and first candidate in MMEB's first version, with the token that a backbone has for an image."""
    row = TASKS[task]
    image = f"{token}\n" if row.image else ""
    asked = f"{row.instruction} {row.text}" if row.text else row.instruction
    query = f"{image}{asked}\n" + ("\n" if task == "VisDial" else "")
    found = f"{row.candidate_instruction} {row.candidates[0]}" if row.candidates[0] else row.candidate_instruction
    return query, f"{token}\n{found}\n" if row.candidate_instruction else row.candidates[0]


def texts_of_second_version(task, token):
    """Those of MMEB-V2: the same, but that an image to look for without a text ends without a line break unless a text asks for it."""
    query, candidate = texts_of_first_version(task, token)
    without = TASKS[task].candidate_instruction and not TASKS[task].candidates[0] and task not in TEXT_TO_IMAGE
    return query, candidate.removesuffix("\n") if without else candidate


def write_first_version(root, task):
    """Writes the row as TIGER-Lab/MMEB-eval has it."""
    row = TASKS[task]
    query, candidate = texts_of_first_version(task, "<|image_1|>")
    if task == "WebQA":  # which has the token though there is no image
        query = f"<|image_1|>\n{query}"
    candidates = [candidate.replace(row.candidates[0], text, 1) if row.candidates[0] else candidate for text in row.candidates]
    paths = _write_images(root / "MMEB-eval" / "eval_images", task)
    written = {
        "qry_text": query,
        "qry_img_path": paths[0] if row.image else "",
        "tgt_text": candidates,
        "tgt_img_path": paths[1:] if row.candidate_instruction else ["", ""],
    }
    write_parquet(root / "MMEB-eval" / task / "test-00000-of-00001.parquet", [written])


def write_second_version(root, task, **changes):
    """Writes the row as ziyjiang/MMEB_Test_Instruct has it; that of a text to look for has neither tgt_inst nor tgt_img_path."""
    row = TASKS[task]
    folder = root / "MMEB-V2" / "image-tasks"
    paths = _write_images(folder, task)
    written = {
        "qry_inst": f"<|image_1|>\n{row.instruction}" if row.image or task == "WebQA" else row.instruction,
        "qry_text": row.text,
        "qry_img_path": paths[0] if row.image else "",
        "tgt_text": list(row.candidates),
    }
    if row.candidate_instruction:
        written |= {"tgt_inst": f"<|image_1|>\n{row.candidate_instruction}", "tgt_img_path": paths[1:]}
    write_parquet(folder / "ziyjiang" / "MMEB_Test_Instruct" / task / "test-00000-of-00001.parquet", [written | changes])


def _write_images(folder, task):
    paths = [f"{task}/{task}_image_{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        write_picture(folder / path, number)
    return paths
