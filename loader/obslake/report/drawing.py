"""Charts as SVG: bars, columns, lines, heat maps and trees, in one style, readable on light and dark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

_STYLE = (
    "text{font:12px system-ui,'DejaVu Sans',sans-serif;fill:#1b1f27}"
    ".title{font-size:15px;font-weight:600}.quiet{fill:#535c6b}"
    ".axis{stroke:#9aa3b0;fill:none}.line{fill:none;stroke-width:2}"
    "@media (prefers-color-scheme:dark){text{fill:#e7eaf0}.quiet{fill:#a7b0be}.axis{stroke:#6b7482}}"
)
PALETTE = ("#2f6fbf", "#d1730a", "#2e8b57", "#b4433a", "#7a5cc0", "#8a6d3b", "#c2528b", "#5f6b7a")
_LINE_HEIGHT = 20
_LONGEST_LABEL = 36

# Width of a character of the font, for margins.
_CHARACTER = 7


@dataclass
class Drawing:
    """Shapes and texts, from which an SVG is made."""

    width: float
    height: float
    title: str
    parts: list[str] = field(default_factory=list)

    def text(
        self, x: float, y: float, text: str, *, anchor: str = "start", style: str = ""
    ) -> None:
        """Write a text; ``style`` is a class of the style sheet."""
        named = f' class="{style}"' if style else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(shorten(text))}</text>'
        )

    def bar(self, x: float, y: float, width: float, height: float, colour: str, label: str) -> None:
        """Fill a rectangle; ``label`` says what it means."""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">'
            f"<title>{escape(shorten(label, 200))}</title></rect>"
        )

    def path(self, points: Sequence[tuple[float, float]], colour: str = "") -> None:
        """Draw a line through points; without a colour it is an axis."""
        style = f'class="line" stroke="{colour}"' if colour else 'class="axis"'
        coordinates = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline {style} points="{coordinates}"/>')

    def to_svg(self) -> str:
        """Return the text of the SVG."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:.0f}" height="{self.height:.0f}" '
            f'viewBox="0 0 {self.width:.0f} {self.height:.0f}" role="img" aria-label={quoteattr(self.title)}>'
            f"<style>{_STYLE}</style>{''.join(self.parts)}</svg>\n"
        )


def shorten(text: str, longest: int = _LONGEST_LABEL) -> str:
    """Return a text in one short line that XML can hold."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return f"{line[: longest - 1]}…" if len(line) > longest else line


def _begin(title: str, width: float, height: float) -> Drawing:
    drawing = Drawing(max(width, 30 + 1.3 * _CHARACTER * len(shorten(title, 100))), height, title)
    drawing.parts.append(f'<text x="8" y="22" class="title">{escape(shorten(title, 100))}</text>')
    return drawing


def _margin(labels: Sequence[str]) -> float:
    return 16 + _CHARACTER * max((len(shorten(label)) for label in labels), default=0)


def stacked_bars(
    title: str, rows: Sequence[tuple[str, Sequence[int]]], classes: Mapping[str, str]
) -> str:
    """Draw one bar per row, from the shares of classes; ``classes`` are names with colours."""
    left, width = _margin([label for label, _ in rows]), 460
    drawing = _begin(title, left + width + 90, 70 + _LINE_HEIGHT * len(rows))
    _legend(drawing, left, 34, classes)
    for n, (label, counts) in enumerate(rows):
        y, x, total = 56 + _LINE_HEIGHT * n, left, sum(counts)
        drawing.text(left - 8, y + 13, label, anchor="end")
        for (name, colour), count in zip(classes.items(), counts, strict=True):
            size = width * count / total if total else 0
            drawing.bar(
                x, y, size, _LINE_HEIGHT - 4, colour, f"{label}, {name}: {count:,} of {total:,}"
            )
            x += size
        drawing.text(left + width + 8, y + 13, f"{total:,}", style="quiet")
    return drawing.to_svg()


def _legend(drawing: Drawing, x: float, y: float, classes: Mapping[str, str]) -> None:
    for name, colour in classes.items():
        drawing.bar(x, y, 10, 10, colour, name)
        drawing.text(x + 14, y + 9, name, style="quiet")
        x += 30 + _CHARACTER * len(name)
    drawing.width = max(drawing.width, x)


def columns(
    title: str,
    rows: Sequence[tuple[str, Sequence[float]]],
    classes: Mapping[str, str],
    unit: str,
    *,
    has_legend: bool = True,
) -> str:
    """Draw one column per row, from the values of classes that are stacked."""
    left, bottom, height = 76, 250, 190
    width = max(320.0, min(900.0, 26.0 * len(rows)))
    drawing = _begin(title, left + width + 20, bottom + 46)
    highest = max((sum(values) for _, values in rows), default=0) or 1
    step = width / max(len(rows), 1)
    for n, (label, values) in enumerate(rows):
        y: float = bottom
        for (name, colour), value in zip(classes.items(), values, strict=True):
            size = height * value / highest
            y -= size
            value_text = f"{label}, {name}: {value:,g} {unit}"
            drawing.bar(left + step * n, y, max(step - 2, 0.5), size, colour, value_text)
    _axes(drawing, left, bottom, width, height, highest, unit)
    if has_legend:
        _legend(drawing, left, bottom + 26, classes)
    labels = [shorten(label, int(width / 2 / _CHARACTER) - 1) for label, _ in rows]
    for label in labels[:1]:
        drawing.text(left, bottom + 16, label, style="quiet")
    for label in labels[1:][-1:]:
        drawing.text(left + width, bottom + 16, label, anchor="end", style="quiet")
    return drawing.to_svg()


def lines(
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    ends: tuple[str, str],
    unit: str,
    highest: float = 0,
) -> str:
    """Draw a line per series of points; ``ends`` are the labels of the least and the greatest x."""
    left, bottom, width, height = 76, 250, 480, 190
    named = len(series) > 1
    # Lines may lie on each other: their last values stand beside them.
    names = [f"{shorten(name, 26)}: {each[-1][1]:.4g}" for name, each in series.items()]
    drawing = _begin(title, left + width + (_margin(names) + 40 if named else 20), bottom + 30)
    points = [point for each in series.values() for point in each]
    least, greatest = min(x for x, _ in points), max(x for x, _ in points)
    highest = highest or max(y for _, y in points) or 1
    for n, (name, each) in enumerate(series.items()):
        colour = PALETTE[n % len(PALETTE)]
        drawn = [
            (left + width * (x - least) / ((greatest - least) or 1), bottom - height * y / highest)
            for x, y in each
        ]
        if len(drawn) > 1:
            drawing.path(drawn, colour)
        else:
            drawing.bar(drawn[0][0], drawn[0][1] - 4, 8, 8, colour, names[n])
        if named:
            drawing.bar(left + width + 12, 56 + 18 * n, 10, 10, colour, name)
            drawing.text(left + width + 28, 65 + 18 * n, names[n])
    _axes(drawing, left, bottom, width, height, highest, unit)
    drawing.text(left, bottom + 16, ends[0], style="quiet")
    drawing.text(left + width, bottom + 16, ends[1], anchor="end", style="quiet")
    return drawing.to_svg()


def _axes(
    drawing: Drawing,
    left: float,
    bottom: float,
    width: float,
    height: float,
    highest: float,
    unit: str,
) -> None:
    drawing.path([(left, bottom - height), (left, bottom), (left + width, bottom)])
    drawing.text(
        left - 6,
        bottom - height + 4,
        f"{highest:,.4g}" if highest < 1000 else f"{highest:,.0f}",
        anchor="end",
        style="quiet",
    )
    drawing.text(left - 6, bottom, "0", anchor="end", style="quiet")
    drawing.text(left - 6, bottom - height - 12, unit, style="quiet")


def heat_map(title: str, names: Sequence[str], shares: Sequence[Sequence[float | None]]) -> str:
    """Draw a square per pair, the darker the larger its share; None: there is no share."""
    left, size = _margin(names), max(8, min(24, 640 // max(len(names), 1)))
    bottom = 46 + size * len(names)
    drawing = _begin(title, left + max(size * len(names), 140) + 20, bottom + 26)
    for y, name in enumerate(names):
        drawing.text(left - 8, 40 + size * y + size * 0.7, name, anchor="end")
        for x, share in enumerate(shares[y]):
            value_text = "nothing in common" if share is None else f"{share:.1%}"
            colour = "none" if share is None else _shade(share)
            label = f"{name} and {names[x]}: {value_text}"
            drawing.bar(left + size * x, 40 + size * y, size - 1, size - 1, colour, label)
    drawing.text(left - 8, bottom + 11, "alike: 0 %", anchor="end", style="quiet")
    for step in range(6):
        drawing.bar(left + 16 * step, bottom, 15, 14, _shade(step / 5), f"{step / 5:.0%} alike")
    drawing.text(left + 104, bottom + 11, "100 %", style="quiet")
    return drawing.to_svg()


def _shade(share: float) -> str:
    """Return a blue that is darker the larger a share is."""
    light, dark = (232, 239, 250), (24, 82, 158)
    mixed = (a + (b - a) * share**3 for a, b in zip(light, dark, strict=True))
    return "#" + "".join(f"{round(value):02x}" for value in mixed)


Tree = tuple[float, "Tree | int", "Tree | int"]
"""Two branches and the distance at which they meet; a leaf is the number of its name."""


def dendrogram(title: str, tree: Tree | int, names: Sequence[str]) -> str:
    """Draw which leaves are close: branches meet at their distance from 0 to 1."""
    left, width = _margin(names), 420
    drawing = _begin(title, left + width + 20, 70 + _LINE_HEIGHT * len(names))
    placed: list[int] = []

    def draw(node: Tree | int) -> tuple[float, float]:
        if isinstance(node, int):
            y = 50.0 + _LINE_HEIGHT * len(placed)
            placed.append(node)
            drawing.text(left - 8, y + 4, names[node], anchor="end")
            return left, y
        distance, *branches = node
        x = left + width * distance
        (x1, y1), (x2, y2) = map(draw, branches)
        drawing.path([(x1, y1), (x, y1), (x, y2), (x2, y2)], PALETTE[0])
        return x, (y1 + y2) / 2

    draw(tree)
    bottom = 58 + _LINE_HEIGHT * len(names)
    drawing.text(left, bottom, "answer alike", style="quiet")
    drawing.text(left + width, bottom, "nothing alike", anchor="end", style="quiet")
    return drawing.to_svg()
