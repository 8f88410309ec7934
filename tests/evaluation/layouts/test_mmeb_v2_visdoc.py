"""The document half of MMEB-V2, and ViDoRe by its own names, through their options in conf/suite to metrics."""

import pytest

from tests.encoder.chat_text import chat_text
from tests.evaluation.layouts.beir_material import write_repository
from unite.config.prompts import prompt_options
from unite.encoder.prompt import Prompt

#: The 24 tasks that the published report averages, their repositories and splits, as issue and code of the benchmark list them.
BEIR = ["arxivqa_test_subsampled", "docvqa_test_subsampled", "infovqa_test_subsampled", "tabfquad_test_subsampled", "tatdqa_test"]
BEIR += ["shiftproject_test"]
BEIR += [f"syntheticDocQA_{name}_test" for name in ("artificial_intelligence", "energy", "government_reports", "healthcare_industry")]
TASKS = {f"ViDoRe_{name.removesuffix('_subsampled').removesuffix('_test')}": (f"vidore/{name}_beir", "test") for name in BEIR}
TASKS["ViDoRe_esg_reports_human_labeled_v2"] = ("vidore/esg_reports_human_labeled_v2", "test")
TASKS |= {
    f"ViDoRe_{name}_v2_multilingual": (f"vidore/{name}_v2", "test") for name in ("biomedical_lectures", "economics_reports", "esg_reports")
}
TASKS |= {
    f"VisRAG_{name}": (f"openbmb/VisRAG-Ret-Test-{name}", "train")
    for name in ("ArxivQA", "ChartQA", "MP-DocVQA", "SlideVQA", "InfoVQA", "PlotQA")
}
TASKS |= {"ViDoSeek-page": ("VLM2Vec/ViDoSeek-page-fixed", "test"), "ViDoSeek-doc": ("VLM2Vec/ViDoSeek", "test")}
TASKS |= {"MMLongBench-page": ("VLM2Vec/MMLongBench-page-fixed", "test"), "MMLongBench-doc": ("VLM2Vec/MMLongBench-doc", "test")}

#: Those whose linear and exponential nDCG differ in the published result files: their grades differ within a query.
GRADED = ["ViDoRe_esg_reports_human_labeled_v2", "ViDoSeek-doc", "MMLongBench-doc"]


def write(root, tasks=TASKS):
    for folder, split in tasks.values():
        ids = {"ids": "string", "name": "page {:05d}.jpg".format} if "VisRAG" in folder else {}
        write_repository(root / folder, num=6, split=split, **ids)


def test_all_24_tasks_are_read_and_an_encoder_that_knows_finds_the_pages(suite_of, knowing, tmp_path):
    write(tmp_path)
    suite = suite_of("mmeb_v2_visdoc")
    assert list(suite.tasks) == list(TASKS) and len(TASKS) == 24
    result = suite.run(knowing)
    assert {name: list(task.metrics) for name, task in result.tasks.items()} == {name: ["ndcg_linear@5"] for name in TASKS}
    assert {(task.pair, task.ties) for task in result.tasks.values()} == {("text->image", "argmax")}
    assert all(task.metrics["ndcg_linear@5"] > 0.7 for task in result.tasks.values()) and not result.missing
    sizes = {group: len(names) for group, names in suite.groups.items()}
    parts = {"visdoc_vidore_v1": 10, "visdoc_vidore_v2": 4, "visdoc_visrag": 6, "visdoc_out_of_domain": 4}
    assert sizes == parts | {"visdoc": 24}
    assert [name for group in parts for name in suite.groups[group]] == list(suite.groups["visdoc"]) == list(TASKS)
    values = [task.metrics["ndcg_linear@5"] for task in result.tasks.values()]
    assert [name for name, source in suite.tasks.items() if source.grades == "published"] == GRADED
    assert result.metrics()["mmeb_v2_visdoc/mean/ndcg_linear@5"] == pytest.approx(sum(values) / 24)


def test_texts_reach_the_encoder_as_published(suite_of, tmp_path):
    write(tmp_path, {"one": TASKS["ViDoRe_arxivqa"]})
    task = suite_of("mmeb_v2_visdoc").load("ViDoRe_arxivqa")
    prompt = Prompt(prompt_options("vlm2vec")["prompt"])
    query, page = (side[0].decode() for side in (task.queries, task.candidates))
    # As `process_input_text` puts them together: the medium's token, the instruction and the text, a blank between.
    assert chat_text(prompt.segments(query), query) == "Find a document image that matches the given query: Where is 0?"
    written = chat_text(prompt.segments(page), page).replace("<|vision_start|>", "").replace("<|vision_end|>", "")
    assert written == "<|image_pad|> Understand the content of the provided document image."


def test_what_is_missing_is_told_by_repository_and_the_rest_runs(suite_of, knowing, tmp_path):
    write(tmp_path, {"one": TASKS["VisRAG_PlotQA"]})
    result = suite_of("mmeb_v2_visdoc").run(knowing)
    assert list(result.tasks) == ["VisRAG_PlotQA"] and len(result.missing) == 23
    told = "must be complete, but is 'without queries/test-*.parquet'. Put the data set VLM2Vec/ViDoSeek of the Hugging Face hub there"
    assert told in result.missing["ViDoSeek-doc"]


@pytest.mark.parametrize(("name", "num"), [("vidore_v1", 10), ("vidore_v2", 4)])
def test_vidore_by_its_own_names(name, num, suite_of, knowing, tmp_path):
    write(tmp_path)
    result = suite_of(name).run(knowing)
    assert len(result.tasks) == num and not result.missing
    assert {tuple(task.metrics) for task in result.tasks.values()} == {("ndcg@5",)}
