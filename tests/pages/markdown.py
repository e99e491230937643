"""The Markdown files of the project: their text, headings, links and tables."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from tests.harness.commands import PROJECT

_FENCE = re.compile(r"^(```+|~~~+).*?^\1[`~]*\s*$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(`+)(?:(?!`).)+?\1")
_LINK = re.compile(r"\]\(\s*<?([^()\s>]*(?:\([^()\s]*\)[^()\s>]*)*)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)", re.MULTILINE)
_ATTRIBUTE = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=[\"']([^\"'\s]+)")
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*$", re.MULTILINE)
_EXPLICIT = re.compile(r"<a\s+(?:id|name)=[\"']([^\"']+)")


def pages() -> list[Path]:
    """Return the Markdown files that belong to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        # A copy of the project without git.
        roots = [*PROJECT.glob("*.md")]
        folders = ("bench", "demo", "docs", "loader", "models", "spark", "tests")
        return sorted(roots + [p for folder in folders for p in (PROJECT / folder).rglob("*.md")])
    return sorted(
        path for name in listed.stdout.split("\0") if name and (path := PROJECT / name).exists()
    )


def links(text: str) -> Iterator[str]:
    """Return the targets of all links and images, without code."""
    prose = _CODE.sub("", _FENCE.sub("", text))
    for pattern in (_LINK, _REFERENCE, _ATTRIBUTE):
        yield from pattern.findall(prose)


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub generates for headings, and explicit ones."""
    prose = _FENCE.sub("", text)
    found: set[str] = set()
    times: Counter[str] = Counter()
    for heading in _HEADING.findall(prose):
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        anchor = f"{slug}-{times[slug]}" if times[slug] else slug
        times[slug] += 1
        found.add(anchor)
    return found | set(_EXPLICIT.findall(prose))


def dead_links(page: Path, text: str) -> list[str]:
    """Return the broken links in a page's text to places within the project."""
    dead = []
    for target in links(text):
        if re.match(r"[a-z][a-z0-9+.-]*:|//", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        file = (page.parent / name).resolve() if name else page
        headings = text if file == page else ""
        if not file.is_relative_to(PROJECT) or not (file.exists() or headings):
            dead.append(f"{target}: no such file")
        elif anchor and (
            file.suffix != ".md"
            or anchor not in anchors(headings or file.read_text(encoding="utf-8"))
        ):
            dead.append(f"{target}: no such heading")
    return dead


def first_cells(text: str, heading: str) -> list[str]:
    """Return the first cells of the rows of the first table below a heading."""
    below = re.split(rf"^#+ {re.escape(heading)}$", text, maxsplit=1, flags=re.MULTILINE)[1]
    table = re.search(r"^\|.*\n\|[-| :]+\|\n((?:\|.*\n?)+)", below, re.MULTILINE)
    assert table, heading
    return [row.split("|")[1].strip() for row in table[1].splitlines()]
