"""A lakehouse of cursed names, every kind of response, and rules of equivalence, of which a part is loaded."""

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
)
from tests.spark.running import SparkWorkspace

SEED = 17
N_PROBLEMS = 60


@dataclass(frozen=True)
class Hostile:
    """A lakehouse, and what is not in it yet.

    Attributes:
        workspace: where it is.
        project: the project that builds it, a copy.
        early: the observations that are loaded.
        late: those that are not yet.
    """

    workspace: SparkWorkspace
    project: Path
    early: list[Observation]
    late: list[Observation]

    def write_equivalences(self, seed: int) -> None:
        """Write rules for some of all problems."""
        write_seed(self.project, equivalences(seed, [*self.early, *self.late]))


def load_hostile(folder: Path) -> Hostile:
    """Load half of the observations; build nothing."""
    workspace = SparkWorkspace(folder)
    project = copy_project(workspace)
    observations = random_observations(SEED, n_problems=N_PROBLEMS)
    half = len(observations) // 2
    hostile = Hostile(workspace, project, observations[:half], observations[half:])
    hostile.write_equivalences(SEED)
    load_observations(workspace, hostile.early, "early")
    load_descriptions(workspace, random_descriptions(SEED, observations), "descriptions")
    return hostile


def equivalences(seed: int, observations: list[Observation]) -> list[Equivalence]:
    """Rules for some problems; dbt itself reads a carriage return in a seed as a line feed."""
    rules = random_equivalences(seed, observations)
    return [rule for rule in rules if "\r" not in (rule.problem_id or "")]
