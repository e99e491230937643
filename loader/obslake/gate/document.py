"""The outcome of a gate as one JSON object; docs/ci.md describes it."""

from dataclasses import asdict
from typing import Any

from obslake.gate.findings import Gate

_FORMAT = 1


def to_document(gate: Gate) -> dict[str, Any]:
    """Return the outcome as an object of plain values, the worst findings first."""
    return {
        "format": _FORMAT,
        "failed": gate.fails,
        "verdict": gate.verdict,
        "data_set": gate.data_set,
        "head": {"revision": gate.head, "lineage": gate.lineage},
        "base": {"revision": gate.base, "lineage": gate.base_lineage},
        "snapshot_id": gate.snapshot_id,
        "fail_on": list(gate.fail_on),
        "environments": [{**asdict(e), "fails": e.fails} for e in gate.environments],
        "findings": [asdict(f) for f in gate.sorted_findings],
        "failures": [asdict(group) for group in gate.failures],
        "allowed": [asdict(entry) for entry in gate.allowed],
        "notes": list(gate.notes),
    }
