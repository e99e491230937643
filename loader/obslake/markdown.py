"""Texts from data in Markdown."""

import re


def code_span(text: str) -> str:
    """Return a text as Markdown that shows it and does nothing else, also inside a table."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    # The marks of a code span must be longer than any in the text.
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") or not line.strip() else ""
    return f"{fence}{padding}{line}{padding}{fence}".replace("|", "\\|")
