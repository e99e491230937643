"""A lakehouse with hostile names, all kinds of responses, several right answers, and rules of equality and voting.

Some rows are loaded later.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from tests.marts.test_refresh import (
    copy_project,
    load_descriptions,
    load_observations,
    write_seed,
)
from tests.reference.equivalence import Equivalence
from tests.reference.naive import Observation
from tests.reference.strategies import (
    random_descriptions,
    random_equivalences,
    random_observations,
    random_voting_rules,
)
from tests.reference.voting import VotingRule
from tests.spark.running import SparkWorkspace

SEED = 17
N_PROBLEMS = 60


@dataclass(frozen=True)
class Hostile:
    """A lakehouse, and the observations that are loaded later.

    Attributes:
        workspace: its workspace.
        project: a copy of the project, which builds it.
        early: the observations that are loaded.
        late: the observations that are not loaded yet.
    """

    workspace: SparkWorkspace
    project: Path
    early: list[Observation]
    late: list[Observation]

    def write_equivalences(self) -> None:
        """Write rules for some problems."""
        write_seed(
            self.project, "response_equivalences", equivalences(SEED, [*self.early, *self.late])
        )

    def change_equivalences(self) -> None:
        """Change the rules of some problems that late observations belong to; the others keep theirs."""
        changed = {(o.data_set_id, o.problem_id) for o in self.late}
        before = equivalences(SEED, [*self.early, *self.late])
        after = equivalences(SEED + 1, self.late)
        specific = [rule for rule in after if (rule.data_set_id, rule.problem_id) in changed]
        scopes = {(rule.data_set_id, rule.problem_id) for rule in specific}
        kept = [rule for rule in before if (rule.data_set_id, rule.problem_id) not in scopes]
        assert specific
        write_seed(self.project, "response_equivalences", kept + specific)


def load_hostile(folder: Path) -> Hostile:
    """Load half of the observations of most problems, and all of the others. Nothing is built."""
    workspace = SparkWorkspace(folder)
    project = copy_project(workspace)
    observations = random_observations(SEED, n_problems=N_PROBLEMS)
    problems = sorted({(o.data_set_id, o.problem_id) for o in observations})
    settled = set(random.Random(SEED).sample(problems, k=N_PROBLEMS // 4))
    half = len(observations) // 2
    late = [o for o in observations[half:] if (o.data_set_id, o.problem_id) not in settled]
    early = [o for o in observations if o not in late]
    hostile = Hostile(workspace, project, early, late)
    hostile.write_equivalences()
    write_seed(project, "voting_rules", voting_rules(SEED, observations))
    load_observations(workspace, hostile.early, "early")
    load_descriptions(workspace, random_descriptions(SEED, observations), "descriptions")
    return hostile


def equivalences(seed: int, observations: list[Observation]) -> list[Equivalence]:
    """Return rules for some problems, and for some of their tests, that Spark can apply.

    There are none for names that dbt reads from a seed otherwise than they are written.
    """
    return [
        rule
        for rule in random_equivalences(seed, observations)
        if rule.rule != "unicode" and is_read_alike(rule.problem_id, rule.test_pattern)
    ]


def voting_rules(seed: int, observations: list[Observation]) -> list[VotingRule]:
    """Return voting rules for some problems, with names that dbt reads from a seed as they are written."""
    return [
        rule
        for rule in random_voting_rules(seed, observations)
        if is_read_alike(rule.problem_id, rule.argument)
    ]


def is_read_alike(*fields: str | None) -> bool:
    """Whether dbt reads these fields of a seed as they are written.

    It reads a carriage return as a line feed, and `null` and white space as an empty field.
    """
    return all(
        field is None or ("\r" not in field and field.strip().lower() not in ("null", ""))
        for field in fields
    )
