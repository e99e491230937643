"""Resolve a reference against a base address.

The prescribed answers are the examples of RFC 3986, section 5.4; if the section allows two
answers, the one for strict parsers is prescribed.
"""

from problems import UNDEFINED, Problem

PROBLEM = Problem("url_join", {"join": "join(base: str, reference: str) -> str"})

BASE = "http://a/b/c/d;p?q"
RFC_3986 = {
    "g:h": "g:h", "g": "http://a/b/c/g", "./g": "http://a/b/c/g", "g/": "http://a/b/c/g/",
    "/g": "http://a/g", "//g": "http://g", "?y": "http://a/b/c/d;p?y", "g?y": "http://a/b/c/g?y",
    "#s": "http://a/b/c/d;p?q#s", "g#s": "http://a/b/c/g#s", "g?y#s": "http://a/b/c/g?y#s",
    ";x": "http://a/b/c/;x", "g;x": "http://a/b/c/g;x", "g;x?y#s": "http://a/b/c/g;x?y#s",
    "": "http://a/b/c/d;p?q", ".": "http://a/b/c/", "./": "http://a/b/c/", "..": "http://a/b/",
    "../": "http://a/b/", "../g": "http://a/b/g", "../..": "http://a/", "../../": "http://a/",
    "../../g": "http://a/g", "../../../g": "http://a/g", "../../../../g": "http://a/g",
    "/./g": "http://a/g", "/../g": "http://a/g", "g.": "http://a/b/c/g.", ".g": "http://a/b/c/.g",
    "g..": "http://a/b/c/g..", "..g": "http://a/b/c/..g", "./../g": "http://a/b/g",
    "./g/.": "http://a/b/c/g/", "g/./h": "http://a/b/c/g/h", "g/../h": "http://a/b/c/h",
    "g;x=1/./y": "http://a/b/c/g;x=1/y", "g;x=1/../y": "http://a/b/c/y",
    "g?y/./x": "http://a/b/c/g?y/./x", "g?y/../x": "http://a/b/c/g?y/../x",
    "g#s/./x": "http://a/b/c/g#s/./x", "g#s/../x": "http://a/b/c/g#s/../x", "http:g": "http:g",
}  # fmt: skip
for reference, prescribed in RFC_3986.items():
    PROBLEM.test(f"rfc3986_{reference or 'empty'}", BASE, reference, expected=prescribed)

STIMULI = {
    "base_without_path": ("http://a", "g"),
    "base_without_path_dots": ("http://a", "../g"),
    "base_with_trailing_slash": ("http://a/b/", "g"),
    "base_with_dots": ("http://a/b/../c/./d", "g"),
    "base_with_fragment": ("http://a/b#f", ""),
    "base_with_port": ("http://a:8080/b", "/g"),
    "default_port": ("http://a:80/b", "g"),
    "base_with_userinfo": ("http://user:secret@a/b", "g"),
    "upper_case_host": ("HTTP://EXAMPLE.org/b", "g"),
    "absolute_reference": ("http://a/b", "https://c/d/../e"),
    "empty_query": ("http://a/b?q", "?"),
    "empty_fragment": ("http://a/b#f", "#"),
    "empty_query_in_reference": ("http://a/b", "g?"),
    "double_slash_in_path": ("http://a/b//c", "../g"),
    "double_slash_reference": ("http://a/b/c", "g//h"),
    "triple_slash": ("http://a/b", "///g"),
    "colon_in_first_segment": ("http://a/b/c", "./g:h"),
    "digit_scheme": ("http://a/b/c", "1:2"),
    "percent_lower_case": ("http://a/b", "%7euser%2f"),
    "percent_dots": ("http://a/b/c/d", "%2e%2e/g"),
    "bad_percent": ("http://a/b", "100%"),
    "space": ("http://a/b", "my file"),
    "outer_space": ("http://a/b", " g "),
    "tab_and_newline": ("http://a/b", "g\th\n"),
    "backslash": ("http://a/b", "\\g\\h"),
    "unicode_path": ("http://a/b", "caf\u00e9"),
    "unicode_host": ("http://m\u00fcnchen.example/b", "g"),
    "unicode_query": ("http://a/b", "?q=\u00e9"),
    "plus_in_query": ("http://a/b", "?q=a+b%20c"),
    "brackets_in_query": ("http://a/b", "?q[]=1"),
    "ipv6": ("http://[::1]:8000/b", "g"),
    "broken_ipv6": ("http://[::1/b", "g"),
    "big_port": ("http://a:99999/b", "g"),
    "file_scheme": ("file:///b/c", "g"),
    "ftp_scheme": ("ftp://a/b/c", "../g"),
    "unknown_scheme": ("foo://a/b/c", "../g"),
    "mailto": ("http://a/b", "mailto:me@example.org"),
    "mailto_base": ("mailto:me@example.org", "g"),
    "urn_base": ("urn:example:a", "#f"),
    "data_reference": ("http://a/b", "data:,hello"),
    "javascript_reference": ("http://a/b", "javascript:void(0)"),
    "relative_base": ("b/c", "g"),
    "rooted_base": ("/b/c", "../g"),
    "empty_base": ("", "g"),
    "both_empty": ("", ""),
    "no_host": ("http:///b", "g"),
    "null_character": ("http://a/b", "g\x00h"),
    "only_dots_and_slashes": ("http://a/b/c/d", "../.././../."),
    "none_reference": ("http://a/b", None),
    "none_base": (None, "g"),
    "bytes": (b"http://a/b", b"g"),
}
for name, (base, reference) in STIMULI.items():
    PROBLEM.test(name, base, reference, expected=UNDEFINED)


@PROBLEM.implementation("stdlib:urllib", "urllib.parse")
def urllib_urljoin(base, reference):
    from urllib.parse import urljoin

    return urljoin(base, reference)


@PROBLEM.implementation("hyperlink", "hyperlink")
def hyperlink_click(base, reference):
    import hyperlink

    return hyperlink.URL.from_text(base).click(reference).to_text(with_password=True)


@PROBLEM.implementation("yarl", "yarl")
def yarl_join(base, reference):
    from yarl import URL

    return str(URL(base).join(URL(reference)))


@PROBLEM.implementation("rfc3986", "rfc3986")
def rfc3986_resolve(base, reference):
    import rfc3986

    return rfc3986.uri_reference(reference).resolve_with(base).unsplit()


@PROBLEM.implementation("uritools", "uritools")
def uritools_urijoin(base, reference):
    import uritools

    return uritools.urijoin(base, reference)


@PROBLEM.implementation("furl", "furl")
def furl_join(base, reference):
    from furl import furl

    return furl(base).join(reference).url


@PROBLEM.implementation("ada-url", "ada_url")
def ada_url_join(base, reference):
    import ada_url

    return ada_url.join_url(base, reference)


@PROBLEM.implementation("boltons", "boltons.urlutils")
def boltons_navigate(base, reference):
    from boltons.urlutils import URL

    return URL(base).navigate(reference).to_text()
