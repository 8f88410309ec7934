"""Before any test: torchvision importable, nothing from a hub, one thread a process."""

import os

import pytest

os.environ.update(
    HF_HUB_OFFLINE="1", WANDB_MODE="offline", WANDB_SILENT="true", CUDA_VISIBLE_DEVICES=os.environ.get("CUDA_VISIBLE_DEVICES", "")
)

import unite  # noqa: F401  before whatever else imports torchvision


@pytest.fixture(scope="session", autouse=True)
def user_cache(tmp_path_factory):
    """Nothing is kept in the user's own cache."""
    os.environ["UNITE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def wandb_server(monkeypatch):
    """A server that keeps what it is sent, as the one that the client speaks to."""
    import wandb  # few tests need it, and it takes its time to import

    from tests.fake_wandb import fake_wandb

    with fake_wandb() as fake:
        monkeypatch.setenv("WANDB_BASE_URL", fake.address)
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        monkeypatch.delenv("WANDB_MODE", raising=False)
        wandb.teardown()  # the address is read when the client starts
        yield fake
        wandb.teardown()
