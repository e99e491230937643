"""The outcome of a gate as JUnit XML, which CI systems show as test results."""

import re
from xml.etree import ElementTree as ET

from obslake.gate.findings import Environment, Finding, Gate
from obslake.gate.screen import is_shown, responses

# Characters that XML 1.0 does not allow, not even as references.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(gate: Gate) -> str:
    """Return one suite per environment: its findings as cases, and the comparison itself as one more.

    What counts is a failure. What does not count, and somebody may have to look at, is skipped.
    """
    root = ET.Element("testsuites", name=_text(f"obslake gate: {gate.title}"))
    for environment in gate.environments:
        findings = [
            f
            for f in gate.findings
            if f.environment == environment.name and (f.counts or is_shown(f))
        ]
        failures = sum(f.counts for f in findings) + environment.fails
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_text(environment.name),
            tests=str(len(findings) + 1),
            failures=str(failures),
            errors="0",
            skipped=str(sum(not f.counts for f in findings)),
        )
        _add_environment(suite, environment)
        for finding in findings:
            _add_finding(suite, finding)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_environment(suite: ET.Element, environment: Environment) -> None:
    case = ET.SubElement(suite, "testcase", classname="obslake gate", name="the tests ran")
    if environment.fails:
        failure = ET.SubElement(case, "failure", type=environment.status)
        failure.set("message", _text(environment.reason or environment.status))


def _add_finding(suite: ET.Element, finding: Finding) -> None:
    name = f"{finding.stimulus} {finding.kind}"
    case = ET.SubElement(suite, "testcase", classname=_text(finding.problem), name=_text(name))
    what = f"{finding.kind}: {responses(finding)}"
    if finding.counts:
        failure = ET.SubElement(case, "failure", type=finding.kind, message=_text(what))
        failure.text = _text(
            f"before: {finding.before}\nafter: {finding.after}\n{finding.evidence}".rstrip()
        )
    else:
        why = finding.excuse or "does not count"
        ET.SubElement(case, "skipped", message=_text(f"{what} ({why})"))


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
