"""Small sets of observations with everything that a page must tell apart."""

from datetime import UTC, datetime, timedelta

from tests.reference.naive import Description, Observation

_START = datetime(2026, 1, 1, tzinfo=UTC)

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "javascript:alert(3)",
    "\u202egnp.exe \u2066 \u200b",
    "{{ 7 * 7 }} {% raw %} ${alert(4)} `x`",
    "line one\nline two\ttab \x1b[31m",
    '"><svg onload=alert(5)>',
    "Ünïcödé 🦆",
]
LONG = "long " * 10_000

# What each implementation answers to each stimulus, by its test.
ANSWERS: dict[str, list[tuple[str, str] | None]] = {
    "all_alike": [("1", "value")] * 5,
    "majority": [("1", "value")] * 3 + [("2", "value"), ("$EXCEPTION@KeyError@'x'", "exception")],
    "tied": [("1", "value")] * 2 + [("2", "value")] * 2 + [("null", "value")],
    "nobody_votes": [
        ("$TIMEOUT", "timeout"),
        ("$CRASH", "crash"),
        ("$N/A@Socket", "not_serializable"),
        None,
        None,
    ],
    "null_or_nothing": [
        ("null", "value"),
        ("{}", "void"),
        ("$N/A@Socket", "not_serializable"),
        None,
        ("$CUT@Queue@0", "instance"),
    ],
    "contradicted": [("1", "value")] * 5,
}
IMPLEMENTATIONS = ["alpha", "beta", "gamma", "delta", "epsilon"]
SPECIFIED = {"all_alike": "1", "contradicted": "9", "tied": "1"}


def observation(
    problem: str, test: str, implementation: str, output: str, kind: str = "value", **others: object
) -> Observation:
    """Return an observation; run 0 is the earliest."""
    run = int(str(others.pop("run", 0)))
    values: dict[str, object] = {
        "data_set_id": "examples",
        "step_id": 0,
        "environment_id": "here",
        "run_id": f"run-{run}",
        "attempt": 0,
        "operation": f"{problem}(x)",
        "target": None,
        "inputs": f'["{test}"]',
        "duration_ns": 1_000_000,
        "observed_at": _START + timedelta(hours=run),
        "load_id": f"load-{run}",
        **others,
    }
    return Observation(
        problem_id=problem,
        test_id=test,
        implementation_id=implementation,
        output=output,
        response_kind=kind,
        **values,  # type: ignore[arg-type]
    )


def kinds() -> list[Observation]:
    """Return a problem that has each kind of consensus and of response, and an unstable cell."""
    rows = [
        observation("kinds", test, name, *answer)
        for test, answers in ANSWERS.items()
        for name, answer in zip(IMPLEMENTATIONS, answers, strict=True)
        if answer
    ]
    rows += [observation("kinds", test, "oracle", output) for test, output in SPECIFIED.items()]
    rows.append(observation("kinds", "all_alike", "alpha", "1", run=1))
    rows.append(observation("kinds", "majority", "beta", "7", run=-1, environment_id="elsewhere"))
    return rows


def hostile() -> list[Observation]:
    """Return a problem in which every text is hostile."""
    return [
        observation(
            HOSTILE[0],
            test,
            name,
            answer,
            operation=test,
            target=name,
            inputs=test,
            environment_id=name,
        )
        for test in HOSTILE
        for name, answer in zip(HOSTILE, [*HOSTILE[1:], LONG], strict=True)
    ]


def described(implementation: str, number: int, problem: str) -> Description:
    """Return what is known about a revision of the lineage `main`."""
    return Description(
        "examples",
        problem,
        implementation,
        "main",
        f"r{number}",
        _START + timedelta(days=number),
        "load",
    )


def revisions() -> tuple[list[Observation], list[Description]]:
    """Return three revisions of a lineage, with verdicts of test reports."""
    verdicts = {
        "steady": ["passed", "passed", "passed"],
        "regressed": ["passed", "passed", "failed@AssertionError@expected 1, got 2"],
        "fixed": ["failed@AssertionError@x", "failed@AssertionError@x", "passed"],
        "also_regressed": ["passed", "passed", "failed@AssertionError@expected 3, got 4"],
        "gone": ["passed", "passed", None],
        "new": [None, None, "passed"],
    }
    rows = [
        observation(
            "suite",
            test,
            f"main@r{n}",
            outcome,
            "verdict",
            run=24 * n,
            # The last revision takes ten times as long for one test.
            duration_ns=5_000_000 * (10 if n == 2 and test == "steady" else 1),
        )
        for test, outcomes in verdicts.items()
        for n, outcome in enumerate(outcomes)
        if outcome
    ]
    rows.append(observation("suite", "steady", "main@r1", "failed@E@flaky", "verdict", run=25))
    rows.append(observation("suite", "steady", "main@r1", "passed", "verdict", run=26))
    return rows, [described(f"main@r{n}", n, "suite") for n in range(3)]


def nights() -> tuple[list[Observation], list[Description]]:
    """Return three nights of a lineage; in the second one the network was lost, and a test fails in the third."""
    rows = [
        observation(
            "suite",
            f"t{test}",
            f"main@r{night}",
            "error@Lost@network" if night == 1 else "failed@E@x" if night > test else "passed",
            "verdict",
            run=night,
        )
        for night in range(3)
        for test in range(1, 13)
    ]
    return rows, [described(f"main@r{night}", night, "suite") for night in range(3)]
