"""Files that a report or a plot replaces as a whole."""

import importlib.util
import shutil
import tempfile
from pathlib import Path

from obslake.errors import ReportError

_CONVERTED = (".png", ".pdf")


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that appears under its name when it is complete.

    Raises:
        ReportError: it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(
            dir=path.absolute().parent, prefix=".obslake-report-"
        ) as temporary:
            written = Path(temporary) / "written"
            written.write_bytes(content)
            shutil.move(written, path)
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror or error}") from error


def check_plot_file(path: Path) -> None:
    """Refuse a name that says no known format, or one that needs a package that is not installed.

    Raises:
        ReportError: it is one of these.
    """
    suffix = path.suffix.lower()
    if suffix not in (".svg", *_CONVERTED):
        raise ReportError(f"{path}: the name must end with .svg, .png or .pdf")
    if suffix in _CONVERTED and importlib.util.find_spec("vl_convert") is None:
        raise ReportError(
            f"{path}: PNG and PDF need vl-convert\n  pip install 'obslake[plot]', or write .svg"
        )


def write_plot_file(path: Path, svg: str) -> int:
    """Write an SVG in the format that the name of the file says; return its size in bytes.

    Raises:
        ReportError: it cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".svg":
        content = svg.encode()
    else:
        import vl_convert

        content = (
            vl_convert.svg_to_png(svg, scale=2) if suffix == ".png" else vl_convert.svg_to_pdf(svg)
        )
    replace_file(path, content)
    return len(content)
