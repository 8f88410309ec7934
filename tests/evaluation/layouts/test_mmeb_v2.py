"""MMEB-V2's suite of 78 tasks, as its own report lists them."""

#: `modality2dataset` of the benchmark's report, as the names of its published result files are.
IMAGE = """ImageNet-1K N24News HatefulMemes VOC2007 SUN397 Place365 ImageNet-A ImageNet-R ObjectNet Country211
OK-VQA A-OKVQA DocVQA InfographicsVQA ChartQA Visual7W ScienceQA VizWiz GQA TextVQA
VisDial CIRR VisualNews_t2i VisualNews_i2t MSCOCO_t2i MSCOCO_i2t NIGHTS WebQA FashionIQ Wiki-SS-NQ OVEN EDIS
MSCOCO RefCOCO RefCOCO-Matching Visual7W-Pointing"""
VIDEO = """K700 SmthSmthV2 HMDB51 UCF101 Breakfast MVBench Video-MME NExTQA EgoSchema ActivityNetQA
DiDeMo MSR-VTT MSVD VATEX YouCook2 QVHighlight Charades-STA MomentSeeker"""
VISDOC = """ViDoRe_arxivqa ViDoRe_docvqa ViDoRe_infovqa ViDoRe_tabfquad ViDoRe_tatdqa ViDoRe_shiftproject
ViDoRe_syntheticDocQA_artificial_intelligence ViDoRe_syntheticDocQA_energy ViDoRe_syntheticDocQA_government_reports
ViDoRe_syntheticDocQA_healthcare_industry ViDoRe_esg_reports_human_labeled_v2 ViDoRe_biomedical_lectures_v2_multilingual
ViDoRe_economics_reports_v2_multilingual ViDoRe_esg_reports_v2_multilingual
VisRAG_ArxivQA VisRAG_ChartQA VisRAG_MP-DocVQA VisRAG_SlideVQA VisRAG_InfoVQA VisRAG_PlotQA
ViDoSeek-page-fixed ViDoSeek-doc MMLongBench-page-fixed MMLongBench-doc"""
MAIN = {"image": ("hit@1",), "video": ("hit@1",), "visdoc": ("ndcg_linear@5",)}


def test_the_suite_is_the_78_tasks_of_the_report_with_its_metrics(suite_of):
    suite = suite_of("mmeb_v2")
    written = {
        modality: [suite.leaderboard.task_names.get(task, task) for task in suite.groups[modality]]
        for modality in suite.leaderboard.modalities
    }
    lists = {"image": IMAGE, "video": VIDEO, "visdoc": VISDOC}
    assert {modality: sorted(names) for modality, names in written.items()} == {name: sorted(told.split()) for name, told in lists.items()}
    assert len(suite.tasks) == 78 and sorted(task for one in MAIN for task in suite.groups[one]) == sorted(suite.tasks)
    for modality, metrics in MAIN.items():
        assert {tuple(suite.tasks[task].metrics) for task in suite.groups[modality]} == {metrics}
    assert {source.ties for source in suite.tasks.values() if hasattr(source, "ties")} == {"argmax"}
    own = {group: len(names) for group, names in suite.groups.items() if group not in MAIN}
    for modality in MAIN:  # each part is of one modality, and the parts are the whole
        parts = [group for group in own if group.startswith(f"{modality}_")]
        assert sorted(task for group in parts for task in suite.groups[group]) == sorted(suite.groups[modality])
    assert all(group.startswith(tuple(f"{modality}_" for modality in MAIN)) for group in own)
