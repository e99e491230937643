"""The results of checks."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """Something that is wrong.

    Attributes:
        where: table, file or problem.
        what: what is wrong with it.
    """

    where: str
    what: str


@dataclass
class Check:
    """One check.

    Attributes:
        name: what was checked.
        counted: number of things checked.
        faults: what is wrong.
        notes: what is not wrong, but worth knowing.
    """

    name: str
    counted: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fault(self, where: str, what: str) -> None:
        """Add a fault."""
        self.faults.append(Fault(where, what))


def one_line(error: BaseException) -> str:
    """Return the first line of an exception's message."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
