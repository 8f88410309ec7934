from pathlib import Path

import pytest
from hydra.errors import ConfigCompositionException

from tests.composed import composed


def test_a_runs_root_that_is_a_file_ends_with_its_message(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="runs_root must be a folder that can be written, but is .*file"):
        _ = composed("train", f"runs_root={tmp_path}/file").run_folder


@pytest.mark.parametrize(("command", "given"), [("export", ["run=x", "out=y"]), ("index", ["corpus=x"]), ("curate", ["out=y"])])
def test_the_logs_of_a_command_lie_where_it_is_told(command, given, tmp_path):
    folder = Path(composed(command, *given, f"runs_root={tmp_path}").run_folder)
    assert folder.parent == tmp_path / command


def test_a_command_writes_keys_of_its_own_into_mappings_of_plain_values_and_misspelt_options_nowhere():
    config = composed("export", "run=x", "out=y", "prompts={query: Find it.}", "prompts.mine=Hm")
    assert config.prompts == {"query": "Find it.", "mine": "Hm"}
    assert composed("train", "objective.modality_weights={text: 2}").objective.modality_weights == {"text": 2.0}
    renamed = composed("embed", "corpus=x", "checkpoint=y", "out=z", "columns.rename={old: new}").columns.rename
    assert renamed == {"old": "new"}
    for option in ("encoder.promptt=gme", "mixture.sources.more=1", "objective.modality_weights.text.more=1"):
        with pytest.raises(ConfigCompositionException):
            composed("train", option)
