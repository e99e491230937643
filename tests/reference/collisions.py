"""A search for different texts that DuckDB's ``hash()`` gives one value.

They look like what programs make: blocks of eight bytes that each end with the same number, such as
``mbpp_222_prob222``. Nothing may take such texts for equal, nor refuse them.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

_BLOCK = 8


def colliding(candidates: Sequence[str]) -> list[list[str]]:
    """Return the candidates that share their hash with another one, those of one hash together."""
    given = pa.table({"text": pa.array(candidates, pa.string())})
    with duckdb.connect() as connection:
        connection.register("given", given)
        groups = connection.execute(
            "select list(distinct text order by text) as texts from given "
            "group by hash(text) having count(distinct text) > 1 order by texts"
        ).fetchall()
    return [texts for (texts,) in groups]


def numbered(words: Sequence[str], digits: int, suffix: str = "") -> list[str]:
    """Return texts in which the same number follows each of the words, which are cut to end a block."""
    room = _BLOCK - digits
    parts = [word[:room].ljust(room, "_") for word in words]
    return [
        "".join(f"{part}{number:0{digits}}" for part in parts) + suffix
        for number in range(10**digits)
    ]


@st.composite
def colliding_texts(draw: DrawFn, at_least: int = 6) -> list[str]:
    """Texts each of which shares its hash with another one, found among those of a form that is drawn."""
    words = st.text("abcdefghijklmnopqrstuvwxyz_-. ", min_size=1, max_size=7)
    form = draw(st.lists(words, min_size=2, max_size=4))
    suffix = draw(st.sampled_from(["", "!", "_suffix", '"}]']))
    texts = [
        text
        for digits in (1, 2, 3)
        for group in colliding(numbered(form, digits, suffix))
        for text in group
    ]
    assume(len(texts) >= at_least)
    return texts


def some_colliding_texts() -> list[str]:
    """Return such texts in the form of the public benchmarks' names, pairs side by side."""
    return [text for group in colliding(numbered(("mbpp_", "_prob"), 3)) for text in group]
