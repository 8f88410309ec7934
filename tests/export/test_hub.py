import pytest
from huggingface_hub.errors import OfflineModeIsEnabled

from unite.errors import CheckpointError
from unite.export.hub import push


class FakeHub:
    """Remembers what it is asked."""

    def __init__(self, error=None):
        self.asked, self.error = [], error

    def create_repo(self, repo_id, **options):
        self.asked.append((repo_id, options))
        if self.error is not None:
            raise self.error

    def upload_folder(self, **options):
        self.asked.append(options)


@pytest.mark.parametrize("private", [True, False])
def test_a_repository_is_made_and_gets_the_folder(tmp_path, private):
    hub = FakeHub()
    assert push(tmp_path, "me/mine", private=private, hub=hub) == "https://huggingface.co/me/mine"
    made, uploaded = hub.asked
    assert made == ("me/mine", {"private": private, "exist_ok": True})
    assert uploaded == {"repo_id": "me/mine", "folder_path": tmp_path, "commit_message": f"Export {tmp_path.name}"}


@pytest.mark.parametrize("error", [OfflineModeIsEnabled("offline"), OSError("no network")])
def test_a_hub_that_is_not_reached_says_how_to_push_later(tmp_path, error):
    with pytest.raises(
        CheckpointError, match=r"nothing was pushed to me/mine \(.*\). The folder .* is whole: .* `hf upload me/mine .*` pushes it"
    ):
        push(tmp_path, "me/mine", private=True, hub=FakeHub(error))
