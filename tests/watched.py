"""The works that a module shows, for whoever tests what it counts."""

from contextlib import contextmanager

from unite import progress


def watched(monkeypatch, module):
    """Returns the list of works that `module` shows from now on."""
    works = []

    @contextmanager
    def shown(*arguments, **given):
        with progress.shown(*arguments, **given) as work:
            works.append(work)
            yield work

    monkeypatch.setattr(module, "shown", shown)
    return works
