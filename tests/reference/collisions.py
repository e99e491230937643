"""Finds different texts for which DuckDB's ``hash()`` returns the same value.

They look like generated names: blocks of eight bytes that all end with the same number, such as
``mbpp_222_prob222``. No code may treat such texts as equal, or refuse them.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

_BLOCK = 8


def colliding(candidates: Sequence[str]) -> list[list[str]]:
    """Return the candidates that share their hash with another one, grouped by hash."""
    given = pa.table({"text": pa.array(candidates, pa.string())})
    with duckdb.connect() as connection:
        connection.register("given", given)
        groups = connection.execute(
            "select list(distinct text order by text) as texts from given "
            "group by hash(text) having count(distinct text) > 1 order by texts"
        ).fetchall()
    return [texts for (texts,) in groups]


def numbered(words: Sequence[str], digits: int, suffix: str = "") -> list[str]:
    """Return texts in which each word, cut to fit a block, is followed by the same number."""
    room = _BLOCK - digits
    parts = [word[:room].ljust(room, "_") for word in words]
    return [
        "".join(f"{part}{number:0{digits}}" for part in parts) + suffix
        for number in range(10**digits)
    ]


@st.composite
def colliding_texts(draw: DrawFn, at_least: int = 6) -> list[str]:
    """Draw texts that each share their hash with another one, in a random form."""
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
    """Return colliding texts in the form of names in public benchmarks, pairs adjacent."""
    return [text for group in colliding(numbered(("mbpp_", "_prob"), 3)) for text in group]
