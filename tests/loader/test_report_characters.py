"""Characters that XML 1.0 forbids, raw or as references, and UTF-16 declarations in all variants."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obslake.load.sources import xml_stream
from obslake.load.sources.files import open_sources
from obslake.load.sources.xml_stream import read_xml

from tests.harness.lake import Lake
from tests.loader.staging import EXAMPLES


class Texts:
    """Collects the attribute ``a`` and the text of a document."""

    def __init__(self) -> None:
        self.attribute = ""
        self.content = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        del name
        self.attribute = attributes.get("a", self.attribute)

    def end(self) -> None:
        pass

    def text(self, text: str) -> None:
        self.content += text


def read(folder: Path, content: str | bytes) -> tuple[int, str, str]:
    """Return the number of replaced characters, the attribute and the text."""
    path = folder / "r.xml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    texts = Texts()
    n_replaced = read_xml(open_sources([str(path)], folder)[0], texts)
    return n_replaced, texts.attribute, texts.content


def test_a_reference_is_replaced_like_the_character(lake: Lake) -> None:
    cases = (
        '<testcase name="colour"><failure message="no &#x1B;[31m&#8;&#0;">at</failure></testcase>'
        '<testcase name="face &#xD83D;&#xDE00;"/><testcase name="ok"/>'
    )
    path = lake.write("r.xml", f'<testsuite name="S">{cases}</testsuite>')
    report = lake.load("junit", path)
    assert report["warnings"] == [
        f"{path}: characters that XML does not allow: 3, replaced by U+FFFD"
    ]
    assert lake.rows("observations", "test_id", "output") == [
        ("colour", "failed@@no \ufffd[31m\ufffd\ufffd"),
        ("face 😀", "passed"),
        ("ok", "passed"),
    ]


@pytest.mark.parametrize(
    ("written", "read_as", "n_replaced"),
    [
        ("&#27;", "\ufffd", 1),
        ("&#x0000001b;", "\ufffd", 1),
        ("&#xFFFE;&#xFFFF;", "\ufffd\ufffd", 2),
        ("&#x110000;&#99999999999;", "\ufffd\ufffd", 2),
        ("&#X41;", "A", 0),
        ("&#9;&#x20;&#65;", "\t A", 0),
        ("&#55357;&#56832;", "😀", 0),
        ("&#xD83D;", "\ufffd", 1),
        ("&#xDE00;&#xD83D;", "\ufffd\ufffd", 2),
        ("&#xD83D;&#xD83D;&#xDE00;", "\ufffd😀", 1),
        ("&#xD83D;&#27;", "\ufffd\ufffd", 2),
        ("&amp;#27;", "&#27;", 0),
    ],
)
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_references(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
    written: str,
    read_as: str,
    n_replaced: int,
) -> None:
    monkeypatch.setattr(xml_stream, "_CHUNK", chunk)
    found = read(tmp_path, f'<x a="{written}">{written}</x>')
    assert found == (2 * n_replaced, read_as, read_as)


def test_text_that_looks_like_a_reference_is_unchanged(tmp_path: Path) -> None:
    text = "<x><![CDATA[&#0; <!-- ]] ]]>&#1;<!-- &#2; <![CDATA[ -->&#3;<![CDATA[--> &#4;]]></x>"
    assert read(tmp_path, text) == (2, "", "&#0; <!-- ]] \ufffd\ufffd--> &#4;")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_lone_surrogates(tmp_path: Path, encoding: str) -> None:
    """Java and JavaScript write them when they cut a text."""
    text = '<x a="\ud83d\ude00">\ud83d \ude00</x>'
    found = read(tmp_path, text.encode(encoding, "surrogatepass"))
    assert found == (2, "😀", "\ufffd \ufffd")


PIECES = st.sampled_from(
    ["&#x1b;", "&#xD83D;", "&#xDE00;", "&#65;", "&amp;", "\x1b", "é😀", "]]", "]", "-", "x" * 60]
)
SECTIONS = st.sampled_from([("", ""), ("<![CDATA[", "]]>"), ("<!--", "-->"), ("<b>", "</b>")])


@settings(
    max_examples=4 * EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    parts=st.lists(st.tuples(SECTIONS, st.lists(PIECES, max_size=4)), max_size=6),
    chunk=st.integers(1, 200),
)
def test_chunks_of_any_length_give_the_same_result(
    tmp_path: Path, parts: list[tuple[tuple[str, str], list[str]]], chunk: int
) -> None:
    inner = ""
    for (start, end), pieces in parts:
        text = "".join(pieces)
        if start == "<!--":
            text = text.replace("-", "")
        if start != "<![CDATA[":
            text = text.replace("]]", "]x")
        inner += start + text + ("x" if text.endswith("]") else "") + end
    document = f"<x>{inner}</x>"
    whole = read(tmp_path, document)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xml_stream, "_CHUNK", chunk)
        assert read(tmp_path, document) == whole


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32-be"])
@pytest.mark.parametrize("before", ["", "\r\n "])
@pytest.mark.parametrize("declared", ["UTF-16", "utf16", "UTF_16LE", "Unicode", "ISO-10646-UCS-2"])
def test_declarations_of_wide_encodings(
    tmp_path: Path, declared: str, before: str, encoding: str
) -> None:
    """With and without a byte order mark, right and wrong."""
    document = f'{before}<?xml version="1.0" encoding="{declared}"?><x a="é 表 😀"/>'
    assert read(tmp_path, document.encode(encoding)) == (0, "é 表 😀", "")
