from omegaconf import OmegaConf

from unite.build.meeting import meet, options_to_compare


def test_what_may_differ_is_not_compared_and_data_are_told_from_where_they_lie():
    def options(root, seed=0):
        given = {"seed": seed, "data_root": root, "cache": root, "logger": {"csv": True}, "data": {"num_workers": 2, "batch_size": 32}}
        return options_to_compare(OmegaConf.create({**given, "shards": "${data_root}/emoji", "trainer": {"progress_bar": True}}))

    assert options("/a") == options("/b") == {"seed": 0, "data.batch_size": 32, "shards": "<data_root>/emoji"}
    assert options("/a", seed=1) != options("/a")


def test_alone_there_is_nobody_to_meet():
    meet(OmegaConf.create({}))
