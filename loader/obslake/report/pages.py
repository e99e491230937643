"""Pages: one HTML file each, which needs nothing beside it.

Scripts and styles stand in the page, and its content security policy names their hashes: nothing else is executed,
and nothing is requested. Data are compressed JSON that the scripts read. The same data give the same bytes.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_ASSETS = Path(__file__).parent / "assets"
_START = "main.js"
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=async function|function|const|class)", re.MULTILINE)


@dataclass(frozen=True)
class Asset:
    """A script or a style that stands in each page."""

    text: str

    @property
    def csp_hash(self) -> str:
        """The hash by which a content security policy names it."""
        digest = hashlib.sha256(self.text.encode()).digest()
        return f"sha256-{base64.b64encode(digest).decode()}"


def render_page(
    title: str, kind: str, payloads: Mapping[str, bytes], footer: str, home: str = ""
) -> bytes:
    """Return a page.

    Args:
        title: title of the window.
        kind: which view ``main.js`` shows: ``overview``, ``problem``, ``lineage`` or ``single``.
        payloads: JSON by the id of the element that holds it.
        footer: what the page was built from.
        home: link to the overview.
    """
    template = _environment().get_template("page.html")
    page: str = template.render(
        title=title,
        kind=kind,
        payloads={name: pack(data) for name, data in payloads.items()},
        footer=footer,
        home=home,
        script=_script(),
        style=Asset((_ASSETS / "report.css").read_text(encoding="utf-8")),
    )
    return page.encode()


def to_json(value: object) -> bytes:
    """Return a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def pack(data: bytes) -> str:
    """Return data as a page holds them: compressed, in characters that end no element."""
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


@cache
def _script() -> Asset:
    """Return all modules as one: a page that is opened from a disk cannot import others."""
    return Asset("".join(_modules(_START, [])))


def _modules(name: str, seen: list[str]) -> list[str]:
    """Return the texts of a module and of those that it imports, each after what it needs."""
    if name in seen:
        return []
    seen.append(name)
    text = (_ASSETS / name).read_text(encoding="utf-8")
    needed = [part for other in _IMPORT.findall(text) for part in _modules(other, seen)]
    return [*needed, _EXPORT.sub("", _IMPORT.sub("", text))]
