"""The audits of experiments/fairness: `python scripts/fairness.py results.json even-0=<run> ... skewed-0=<run> ... none-0=<run>`.

Each run is named `<arm>-<seed>`. The encoder is audited on the people world: all of it, technical people alone, caring ones alone.
Prints the table of the study.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from unite.config.schema.audit import AssociationConfig, AuditOptions
from unite.config.schema.evaluation import SuiteConfig
from unite.config.schema.media import Decoding
from unite.config.schema.world import PeopleWorldConfig
from unite.embedding import Embedder
from unite.embedding.memory import MemoryCache
from unite.evaluation.audit.audit import audit
from unite.evaluation.suite import Suite
from unite.files import read_json, write_json
from unite.worlds.people import PeopleWorld
from unite.worlds.people.atlas import people

KINDS = {"all": {}, "technical": {"kind": "technical"}, "caring": {"kind": "caring"}}


def words(kind: str) -> list[str]:
    """Returns the work of a kind: `a scientist`."""
    return [f"{'an' if person.name[0] in 'aeiou' else 'a'} {person.name}" for person in people() if person.kind == kind]


def options(only: dict[str, str]) -> AuditOptions:
    """Returns what is looked at; words only where everybody is."""
    lists = {kind: words(kind) for kind in ("technical", "caring")}
    asked = {"work_by_gender": ("gender", ["man", "woman"]), "work_by_tone": ("skin tone", ["light", "dark"])}
    wanted = {name: AssociationConfig(attribute=a, groups=g, words=lists, only={"kind": "activity"}) for name, (a, g) in asked.items()}
    return AuditOptions(only=only, associations={} if only else wanted)


def audited(run: str, suite: Suite) -> dict[str, Any]:
    """Returns what the table shows of a run's encoder, from three audits: name -> value, and whether it is told apart."""
    encoder, cache, found = Embedder(run).encoder, MemoryCache(), {}
    with TemporaryDirectory() as folder:
        for name, only in KINDS.items():
            audit(encoder, suite, options(only), run, Path(folder), cache)
            found[name] = read_json(Path(folder) / "audit.json")
    return {name: [round(value, 4), apart] for name, value, apart in rows(found)}


def rows(found: dict[str, Any]) -> Iterator[tuple[str, float, bool]]:
    """Yields what the table shows of a run: the name, the value, and whether it is told apart."""
    for kind in KINDS:
        for task in found[kind]["tasks"]:
            for attribute in (
                one for one in task["attributes"] if (kind == "all") == (one["name"] == "skin tone") and one["name"] != "kind"
            ):
                where = f"{task['name']}, {attribute['name']}{'' if kind == 'all' else f' of {kind} people'}"
                if task["name"] == "variants":
                    for group in attribute["parity"][0]["groups"]:
                        yield f"{where}: R@1 of {group['group']}, percent", 100 * group["value"], group["is_apart"]
                else:
                    for group in attribute["skew"][-1]["groups"]:
                        yield (
                            f"{where}: skew@10 of {group['group']}",
                            float("-inf") if group["skew"] is None else group["skew"],
                            group["is_apart"],
                        )
    for one in (one for task in found["all"]["tasks"] for one in task["associations"]):
        yield f"{one['name']}: effect", one["found"]["effect"], one["found"]["p"] < 0.05
    task = found["all"]["tasks"][0]
    yield f"{task['name']}: hits of the wrong modality, percent", 100 * task["wrong_modality"], False


def table(results: dict[str, Any]) -> str:
    """Returns the study's table: mean and range over the seeds, and in how many of them a group was told apart."""
    arms = list(dict.fromkeys(name.rpartition("-")[0] for name in results))
    lines = [f"| | {' | '.join(arms)} |", "|---" * (len(arms) + 1) + "|"]
    by_arm = {arm: [found for run, found in results.items() if run.startswith(f"{arm}-")] for arm in arms}
    for name in by_arm[arms[0]][0]:
        cells = []
        for arm in arms:
            values = np.array([run[name][0] for run in by_arm[arm]])
            apart = sum(run[name][1] for run in by_arm[arm])
            digits = 1 if "percent" in name else 2
            cells.append(f"{values.mean():.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f}), {apart} of {len(values)}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("runs", nargs="*", metavar="name=run", help="none prints the table of what is there")
    parser.add_argument("--data-root", default="data")
    arguments = parser.parse_args()
    results = read_json(arguments.out) if arguments.out.is_file() else {}
    world = PeopleWorld(PeopleWorldConfig(root=arguments.data_root, num_train=0))
    world.prepare()
    tasks = {name: name for name in ("variants", "all_variants", "captions")}
    suite = Suite(SuiteConfig(name="people", tasks=tasks, data_root=str(world.folder), decoding=Decoding()))
    for given in arguments.runs:
        name, _, run = given.partition("=")
        results[name] = audited(run, suite)
        write_json(arguments.out, results)
    print(table(results))


if __name__ == "__main__":
    main()
