"""Markdown with texts from data, in the room that job summaries and comments have."""

import re
from collections.abc import Iterator

# Job summaries and comments of CI systems have room for about this.
MOST_BYTES = 60_000
_LONGEST_TEXT = 160
# Room for the sentence that says how much is left out.
_RESERVE = 100


def code_span(text: str) -> str:
    """Return a text as Markdown that shows it and does nothing else, also inside a table."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    # The marks of a code span must be longer than any in the text.
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") or not line.strip() else ""
    return f"{fence}{padding}{line}{padding}{fence}".replace("|", "\\|")


def short_code(text: str) -> str:
    """Return the beginning of a text from data as Markdown that shows it and does nothing else."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[: _LONGEST_TEXT + 1])
    if len(line) > _LONGEST_TEXT:
        line = f"{line[:_LONGEST_TEXT]}…"
    return code_span(line)


class LimitedMarkdown:
    """A text with room for some bytes."""

    def __init__(self, most_bytes: int, see: str = "obslake report") -> None:
        """Set the room, and the command that shows what is left out."""
        self.left = most_bytes
        self._see = see
        self.text = ""

    def add(self, part: str, reserve: int = 0) -> bool:
        """Add a part if there is room for it and for a reserve; return whether there was."""
        size = len(part.encode())
        if size + reserve > self.left:
            return False
        self.left -= size
        self.text += part
        return True

    def add_table(
        self, title: str, heads: list[str], rows: Iterator[list[str]], n_rows: int, noun: str
    ) -> None:
        """Add a table with as many rows as there is room for, and say how many it lacks."""
        start = f"\n{title}\n\n" if title else "\n"
        head = "".join(f"| {' | '.join(row)} |\n" for row in (heads, ["---"] * len(heads)))
        written = 0
        for row in rows:
            line = f"| {' | '.join(row)} |\n"
            if not self.add(line if written else start + head + line, _RESERVE):
                break
            written += 1
        if written < n_rows:
            self.add(f"\n{n_rows - written:,} more {noun}: see `{self._see}`.\n")
