"""An exported folder onto the Hugging Face hub, where that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

from unite.errors import CheckpointError


class Hub(Protocol):
    """What is asked of the hub; `huggingface_hub.HfApi` is one."""

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> Any:
        """Makes a repository, if there is none of that name."""
        ...

    def upload_folder(self, *, repo_id: str, folder_path: str | Path, commit_message: str) -> Any:
        """Uploads a folder in one commit."""
        ...


def push(folder: Path, repository: str, *, private: bool, hub: Hub) -> str:
    """Pushes a folder, and returns where it is then.

    Args:
        folder: the export.
        repository: owner/name.
        private: whether a new repository is; one that is there stays as it is.
        hub: what pushes.

    Raises:
        CheckpointError: if the hub is not reached or refuses it. The folder stays.
    """
    try:
        hub.create_repo(repository, private=private, exist_ok=True)
        hub.upload_folder(repo_id=repository, folder_path=folder, commit_message=f"Export {folder.name}")
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        hint = f"The folder {folder} is whole: once you are logged in and HF_HUB_OFFLINE=0, `hf upload {repository} {folder} .` pushes it."
        raise CheckpointError(f"nothing was pushed to {repository} ({error}). {hint}") from error
    return f"https://huggingface.co/{repository}"
