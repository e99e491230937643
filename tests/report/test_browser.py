"""The pages in a real browser: what they show is what SQL says, and nothing in the data acts."""

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from obslake.query.ask import open_marts
from obslake.report.overview import page_name

from tests.harness.workspace import Workspace
from tests.report.conftest import Browser, data_of, write
from tests.report.examples import HOSTILE, LONG, hostile, kinds, observation, revisions

Make = Callable[..., duckdb.DuckDBPyConnection]

SLUGIFY = page_name("problems", "demo", "slugify")
JSON = page_name("problems", "demo", "json_parse")


@pytest.fixture(scope="module")
def demo_report(demo: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on the demo corpus."""
    folder = tmp_path_factory.mktemp("report")
    with open_marts(str(demo.home)) as marts:
        write(marts, folder / "single.html")
        return write(marts, folder / "demo").parent


def in_microseconds(duration: Decimal) -> str:
    """Return a duration as pages write it."""
    if duration >= 1000:
        return f"{(duration / 1000).normalize():f}\N{NO-BREAK SPACE}ms"
    return f"{duration.normalize():f}\N{NO-BREAK SPACE}µs"


def rows_of(browser: Browser) -> int:
    """Return how many rows a table says that it has."""
    return int(browser.page.locator("table[role=grid]").get_attribute("aria-rowcount")) - 1


def cells(browser: Browser, row: str) -> list[str]:
    """Return the cells of the row of a test."""
    found = browser.page.locator("tbody tr", has=browser.page.locator(f"th:has-text('{row}')"))
    return [text.strip() for text in found.first.locator("th, td").all_inner_texts()]


def test_the_overview_counts_what_sql_counts(
    browser: Browser, demo: Workspace, demo_report: Path
) -> None:
    browser.open(demo_report / "index.html", sort="problem")
    shown = [cells(browser, name)[:6] for name in browser.texts(".grid tbody th")]
    expected = demo.query(
        "select problem_id, n_implementations, n_clusters, n_stimuli, n_tied_stimuli from problem_assessments "
        "order by problem_id"
    )
    assert [(row[0], *map(int, row[2:5])) for row in shown] == [row[:4] for row in expected]
    suspects = dict(
        demo.query("select problem_id, count(*) from suspect_oracles group by problem_id")
    )
    ties = {row[0]: row[4] for row in expected}
    assert cells(browser, "json_parse")[1] == str(suspects["json_parse"] + ties["json_parse"])


def test_the_overview_sorts_searches_and_remembers(browser: Browser, demo_report: Path) -> None:
    page = browser.open(demo_report / "index.html")
    assert browser.texts(".grid tbody th")[0] == "iso_datetime"
    page.get_by_role("button", name="Stimuli").click()
    assert browser.texts(".grid tbody th")[0] == "lru_cache"
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Stimuli")
    page.get_by_label("Find").fill("json")
    page.wait_for_selector("text=1 of 15 problems")
    assert re.search(r"q=json&sort=-stimuli|sort=-stimuli&q=json", page.url)
    page.reload()
    page.wait_for_selector("text=1 of 15 problems")
    page.get_by_role("link", name="json_parse").click()
    page.wait_for_selector("h1:has-text('json_parse')")


def test_the_matrix_shows_the_rows_that_sql_finds(
    browser: Browser, demo: Workspace, demo_report: Path
) -> None:
    filters = {
        "all": "true",
        "": "n_responses > 1 or n_cells < n_implementations or not agrees_with_specified or consensus = 'tie'",
        "tie": "consensus = 'tie'",
        "specified": "not agrees_with_specified",
    }
    for name, condition in filters.items():
        browser.open(demo_report / JSON, rows=name)
        ((expected,),) = demo.query(
            f"""
            select count(*)
            from (
                select test_id, step_id, count(distinct response_hash) as n_responses, count(*) as n_cells
                from stimulus_response_matrix
                where problem_id = 'json_parse' and implementation_id <> 'oracle'
                group by all
            )
            join (from consensus_oracles where problem_id = 'json_parse') using (test_id, step_id)
            cross join (select n_implementations from problem_assessments where problem_id = 'json_parse')
            where {condition}
            """
        )
        assert rows_of(browser) == expected > 0
        assert browser.texts(".counted")[0].startswith(f"{expected} of 192 stimuli")


def test_cells_are_those_of_the_matrix(
    browser: Browser, demo: Workspace, demo_report: Path
) -> None:
    browser.open(demo_report / SLUGIFY, rows="all", q="emoji", open="1,2,3")
    names = browser.texts("thead .name")
    matrix = dict(
        demo.query(
            "select (test_id, implementation_id), response from stimulus_response_matrix "
            "where problem_id = 'slugify'"
        )
    )
    assert len(names) == 13
    for test in browser.texts("tbody th .test"):
        shown = [re.sub(r"^[A-Z]=?\s+", "", text) for text in cells(browser, test)[3:]]
        responses = [matrix[(test, name)] for name in names]
        assert [text for text in shown if "raises" not in text] == [
            text for text in responses if not text.startswith("$")
        ]


def test_a_cluster_opens_into_its_members(browser: Browser, demo_report: Path) -> None:
    page = browser.open(demo_report / SLUGIFY)
    assert len(browser.texts("thead .name")) == 10
    page.get_by_role("button", name="show all 2 implementations of cluster 1").click()
    assert browser.texts("thead .name")[:2] == ["boltons@20.2.1", "boltons@26.2.0"]
    assert "open=1" in page.url
    page.get_by_role("button", name="show cluster 1 as one column").click()
    assert len(browser.texts("thead .name")) == 10


def test_a_link_opens_a_cell_with_its_votes_and_executions(
    browser: Browser, demo: Workspace, demo_report: Path
) -> None:
    where = "problem_id = 'json_parse' and test_id = 'valid_deep_1500' and step_id = 1"
    browser.open(demo_report / JSON, test="valid_deep_1500", step=1, impl="demjson3@3.0.6")
    panel = browser.page.locator(".panel").inner_text()
    ((oracle, votes, voters, specified),) = demo.query(
        f"select oracle_response, n_votes, n_voters, specified_response from consensus_oracles where {where}"
    )
    assert f"{votes} of {voters} votes" in panel
    assert "contradicts the consensus" in panel
    ((inputs, n_executions),) = demo.query(
        f"select any_value(inputs), count(*) from stimulus_response_cube "
        f"where {where} and implementation_id = 'demjson3@3.0.6'"
    )
    assert f"{n_executions} executions" in panel
    durations = [
        Decimal(f"{nanoseconds:.1e}") / 1000
        for (nanoseconds,) in demo.query(
            "select duration_ns from stimulus_response_cube "
            f"where {where} and implementation_id = 'demjson3@3.0.6' order by duration_ns"
        )
    ]
    assert f"in {in_microseconds(durations[0])} to {in_microseconds(durations[-1])}" in panel
    codes = browser.page.locator(".panel pre").all_text_contents()
    assert {inputs, oracle, specified} <= set(codes)
    assert browser.page.locator("[aria-selected]").inner_text().endswith("false")
    # A stimulus has a panel as well.
    browser.go(test="valid_deep_1500", step="1")
    panel = browser.page.locator(".panel").inner_text()
    assert "demjson3@3.0.6" in panel
    assert "object HTML" not in panel
    assert re.search(r"A 7 implementations, 7 votes\s+false", panel)


def test_pages_are_read_by_keyboard(browser: Browser, demo_report: Path) -> None:
    page = browser.open(demo_report / SLUGIFY)
    page.locator(".grid tbody [tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "PageDown", "PageUp"):
        page.keyboard.press(key)
    place = page.evaluate(
        "[document.activeElement.ariaColIndex - 1, document.activeElement.parentNode.ariaRowIndex]"
    )
    assert place == [3, "2"]
    page.keyboard.press("Enter")
    assert page.locator(".panel h2").inner_text() == "ampersand · step 0"
    assert "impl=boltons" in page.url
    page.keyboard.press("Escape")
    assert not page.locator(".panel").is_visible()
    assert page.evaluate("document.activeElement.ariaColIndex - 1") == 3
    # The last row is far from those that the page holds.
    for _ in range(10):
        page.keyboard.press("PageDown")
    assert page.evaluate("document.activeElement.parentNode.ariaRowIndex") == str(
        rows_of(browser) + 1
    )


def test_two_implementations_are_compared(
    browser: Browser, demo: Workspace, demo_report: Path
) -> None:
    pair = ("python-slugify@3.0.6", "python-slugify@9.2.0")
    page = browser.open(demo_report / SLUGIFY, view="compare", a=pair[0], b=pair[1])
    ((common, equal),) = demo.query(
        "select n_common_stimuli, n_equal_responses from implementation_agreements "
        "where problem_id = 'slugify' and implementation_a = ? and implementation_b = ?",
        pair,
    )
    assert f"They answer {equal} of {common} common stimuli alike" in page.inner_text("main")
    assert len(browser.texts(".differences li")) == common - equal
    assert "konnitiha" in browser.texts(".differences del")
    browser.go(view="ranking")
    ranked = demo.query(
        "select implementation_id from implementation_assessments where problem_id = 'slugify' "
        "order by assessment_rank"
    )
    assert browser.texts("tbody th") == [name for (name,) in ranked]
    browser.go(view="suite")
    suite = demo.query(
        "select test_id from discriminating_tests where problem_id = 'slugify' and is_in_minimal_suite "
        "order by suite_rank"
    )
    assert browser.texts("tbody td:nth-child(2)") == [name for (name,) in suite]


def test_heat_maps_have_the_agreements_of_the_mart(
    browser: Browser, demo: Workspace, demo_report: Path
) -> None:
    page = browser.open(demo_report / SLUGIFY, view="clusters")
    exemplars = demo.query(
        "select cluster_rank, exemplar_implementation_id from behavior_clusters where problem_id = 'slugify'"
    )
    rank = {name: number for number, name in exemplars}
    agreements = demo.query(
        "select implementation_a, implementation_b, n_equal_responses, n_common_stimuli "
        "from implementation_agreements where problem_id = 'slugify'"
    )
    assert page.get_by_role("img", name="Tree of the clusters").is_visible()
    order = data_of(demo_report / SLUGIFY)["tree"]["order"]
    # Those beside each other are close.
    labels = page.locator("svg text").all_text_contents()
    assert labels[::2] == labels[1::2] == [str(rank) for rank in order]
    titles = page.locator("rect title").all_text_contents()
    found = [title.rpartition(" (")[0] for title in titles]
    for one, two, equal, common in agreements:
        if one in rank and two in rank:
            words = (
                f"clusters {rank[one]} and {rank[two]}: {equal} of {common} common stimuli alike"
            )
            assert words in found


def test_states_are_told_apart(browser: Browser, marts_of: Make, tmp_path: Path) -> None:
    marts = marts_of(kinds())
    folder = write(marts, tmp_path / "report").parent
    browser.open(folder / page_name("problems", "examples", "kinds"), rows="all")
    consensus = {test: cells(browser, test)[2] for test in browser.texts("tbody th .test")}
    assert consensus == {
        "all_alike": "unanimous 5/5 1",
        "contradicted": "unanimous 5/5 1",
        "majority": "majority 3/5 1",
        "nobody_votes": "no votes",
        "null_or_nothing": "tie 1:1 of 3",
        "tied": "tie 2:2 of 5",
    }
    answers = {test: cells(browser, test)[4:] for test in consensus}
    assert (
        sorted(answers["nobody_votes"])
        == sorted(
            [
                "A timed out",
                "C crashed",
                "B not serializable Socket",
                "not executed",
                "not executed",
            ]
        )
        or len(set(answers["nobody_votes"])) == 4
    )
    words = " ".join(answers["null_or_nothing"])
    assert all(
        each in words
        for each in ("null", "returns nothing", "not serializable", "not executed", "object Queue")
    )
    assert [cells(browser, test)[3] for test in ("tied", "contradicted", "majority")] == [
        "no winner 1",
        "differs 9",
        "not specified",
    ]
    assert browser.page.locator("td.winner", has_text="null").count() == 0
    # One cell has another response in an earlier run.
    browser.go(rows="flaky")
    assert browser.texts("tbody th .test") == ["majority"]
    browser.go(rows="all", test="majority", step="0", impl="beta")
    assert "2 executions with different responses" in browser.page.inner_text(".panel")


def test_problems_without_responses_have_pages(
    browser: Browser, marts_of: Make, tmp_path: Path
) -> None:
    marts = marts_of(
        [
            observation("specified only", "t", "oracle", "1"),
            observation("never executed", "t", "a", "$*", "not_executed"),
            observation("timeouts", "t", "a", "$TIMEOUT", "timeout"),
            observation(" ", "t", "a", "1"),
            observation("cut", "t", "a", f"{LONG}a"),
            observation("cut", "t", "b", f"{LONG}b"),
        ]
    )
    page = browser.open(write(marts, tmp_path / "report"))
    links = {a.inner_text(): a.get_attribute("href") for a in page.get_by_role("link").all()}
    # A blank name would be a link that cannot be seen.
    assert {"specified only", "timeouts", "cut", "“ ”"} <= set(links)
    for name, link in links.items():
        for view in ("", "clusters", "ranking", "compare", "suite"):
            browser.open(tmp_path / "report" / link, view=view, rows="all", test="t", step=0)
            assert page.inner_text("h1").startswith(name)
            assert not re.search("undefined|NaN|object Object", page.inner_text("body"))
    browser.open(tmp_path / "report" / (links["specified only"] or ""))
    assert "No implementation executed anything" in browser.texts(".counted")[0]
    browser.open(tmp_path / "report" / (links["cut"] or ""), view="compare")
    assert "differ after the first 20,000 of 50,001 characters" in page.inner_text("main")


def test_hostile_texts_are_inert(browser: Browser, marts_of: Make, tmp_path: Path) -> None:
    folder = write(marts_of(hostile()), tmp_path / "report").parent
    problem = folder / page_name("problems", "examples", HOSTILE[0])
    page = browser.open(folder / "index.html")
    assert browser.texts(".grid tbody th") == [HOSTILE[0]]
    for view in ("", "clusters", "ranking", "compare", "suite"):
        browser.open(problem, view=view, rows="all")
        acting = "img:not([src^='data:image/svg+xml']), iframe, main script, a[href^='javascript:']"
        assert page.locator(acting).count() == 0
    browser.open(problem, rows="all", test=HOSTILE[3], step=0, impl=HOSTILE[-1])
    panel = page.inner_text(".panel")
    # Characters that reorder or hide text are shown by their numbers.
    assert "\\u202egnp.exe \\u2066 \\u200b" in panel
    assert not set("\u202e\u2066\u200b\x1b") & set(page.inner_text("body"))
    assert LONG[:20_000].strip() in page.locator(".panel").inner_text().replace("\n", " ")
    assert "20,000 of 50,000 characters" in panel


def test_a_lineage_shows_what_its_revisions_changed(
    browser: Browser, marts_of: Make, tmp_path: Path
) -> None:
    observations, descriptions = revisions()
    folder = write(marts_of(observations, descriptions), tmp_path / "report").parent
    page = browser.open(folder / "index.html")
    page.get_by_role("link", name="main").click()
    page.wait_for_selector("h1:has-text('main')")
    browser.page.wait_for_selector("body[data-ready]")
    changes = [re.split(r"\s+", text)[:2] for text in browser.texts(".change")]
    assert changes == [
        ["regressed", "also_regressed"],
        ["regressed", "regressed"],
        ["gone", "gone"],
        ["fixed", "fixed"],
        ["new", "new"],
    ]
    text = page.inner_text("main")
    assert "failed AssertionError: expected …, got …" in text
    assert "33.3 % of 3 executions in 3 runs" in text
    assert "50.00 ms" in text
    strips = {row: cells(browser, row) for row in ("steady", "fixed")}
    assert [len(row) for row in strips.values()] == [6, 6]
    assert strips["steady"][1:] == ["p", "p", "F", "P", "p"]
    page.get_by_label("Change", exact=True).select_option("fixed")
    assert len(browser.texts(".change")) == 1
    # A change leads to the cell of the matrix.
    page.get_by_role("link", name="fixed").first.click()
    page.wait_for_selector("h1:has-text('suite')")
    browser.page.wait_for_selector("body[data-ready]")
    assert page.inner_text(".panel h3 >> nth=0") == "main@r2"
    assert page.inner_text("[aria-selected]").endswith("passed")
    # That most revisions fail a test does not make it right.
    assert page.locator("td.winner", has_text="failed").count() == 0


def test_a_single_file_has_all_pages(browser: Browser, demo_report: Path) -> None:
    page = browser.open(demo_report.parent / "single.html")
    page.get_by_role("link", name="slugify", exact=True).click()
    page.wait_for_selector("h1:has-text('slugify')")
    assert rows_of(browser) == 63
    page.get_by_role("link", name="All problems").click()
    page.wait_for_selector("h1:has-text('Behaviour report')")
    page.get_by_role("link", name="simplejson").first.click()
    page.wait_for_selector("h1:has-text('simplejson')")
    page.locator(".change a").first.click()
    page.wait_for_selector("h1:has-text('json_parse')")
    assert page.locator(".panel").is_visible()


def test_pages_are_accessible(browser: Browser, demo_report: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.base")
    lineage = next((demo_report / "lineages").glob("demo-simplejson-*"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    faults = []
    for path, state, schemes in (
        (demo_report / "index.html", {"q": "json"}, ("light",)),
        (
            demo_report / JSON,
            {"q": "deep", "test": "valid_deep_1500", "step": "1", "impl": "jiter@0.16.0"},
            ("light", "dark"),
        ),
        (demo_report / SLUGIFY, {"view": "clusters"}, ("light",)),
        (demo_report / SLUGIFY, {"view": "compare"}, ("dark",)),
        (lineage, {}, ("light", "dark")),
    ):
        page = browser.open(path, **state)
        page.evaluate(Path(axe.AXE_FILE_PATH).read_text())
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate(
                "tags => axe.run({runOnly: tags, resultTypes: ['violations']})", tags
            )
            faults += [
                (path.name, scheme, each["id"], each["nodes"][0]["html"])
                for each in found["violations"]
            ]
    assert faults == []


def test_a_large_page_holds_only_what_is_visible(
    browser: Browser, marts_of: Make, tmp_path: Path
) -> None:
    rows = [
        observation("large", f"names_of_tests_begin_alike_{n:04}", f"i{i}", str(n * i % 7))
        for n in range(400)
        for i in range(12)
    ]
    folder = write(marts_of(rows), tmp_path / "report").parent
    page = browser.open(folder / page_name("problems", "examples", "large"), rows="all")
    assert rows_of(browser) == 400
    assert page.locator("tbody tr").count() < 80
    page.evaluate("document.querySelector('.grid').scrollTop = 1e6")
    page.wait_for_selector("th:has-text('_0399')")
    for width in (360, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        page.reload()
        page.wait_for_selector("th:has-text('_0001')")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # On paper, all rows.
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("tbody tr").count() == 402
