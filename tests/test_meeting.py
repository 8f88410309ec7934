import time

from torch.distributed import HashStore

from tests.rank_threads import in_threads, rank_of
from unite.errors import RankError
from unite.meeting import Meeting


def told(function, world_size=3, **given):
    store = HashStore()
    return in_threads(lambda rank: function(Meeting(store, rank_of(rank, world_size), **given), rank), world_size)


def test_equal_ranks_go_on_and_the_first_difference_is_told_to_all():
    def compare(meeting, rank):
        meeting.compare({"the version of torch": "2.9", "the option seed": 0}, {})
        other = {"the version of torch": "2.9", "the option seed": 1 if rank == 2 else 0, "the option name": str(rank)}
        meeting.compare(other, {"the option": "Give the same command on each machine."})

    errors = told(compare)
    assert all(isinstance(error, RankError) for error in errors) and len({str(error) for error in errors}) == 1
    assert str(errors[0]).startswith("the option name must be equal on all ranks, but is '0' for rank 0 and '1' for rank 1 on ")
    assert str(errors[0]).endswith("Give the same command on each machine.")


def test_an_option_that_one_rank_alone_has_is_a_difference():
    errors = told(lambda meeting, rank: meeting.compare({"a": 1} | ({"b": 2} if rank else {}), {}), 2)
    assert "b must be equal on all ranks, but is None for rank 0 and 2 for rank 1" in str(errors[1])


def test_a_folder_that_is_not_shared_is_told_to_all_and_a_shared_one_is_left_as_it_was(tmp_path):
    def see(meeting, rank):
        meeting.see_folder(tmp_path / "shared", "runs_root")
        meeting.see_folder(tmp_path / ("mine" if rank == 1 else "shared"), "runs_root")

    errors = told(see, unseen=0.2)
    message = f"the folder {tmp_path / 'mine'} must be the same on all machines, but rank 1 on "
    assert all(str(error).startswith(message) and "Let runs_root lie on a disk that all machines share" in str(error) for error in errors)
    assert not list((tmp_path / "shared").iterdir())


def test_a_rank_that_does_not_come_is_named():
    errors = told(lambda meeting, rank: time.sleep(1) if rank == 2 else meeting.compare({}, {}), patience=0.3)
    assert "rank 2 did not come to where the ranks compare what they have within 0 s" in str(errors[0])
