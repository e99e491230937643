"""Which revisions a gate compares, where the names of revisions and implementations differ."""

import duckdb
import pytest
from obslake.gate.named import set_aside_environments


@pytest.mark.parametrize("name", ["r5", "shop@r5"])
def test_a_broken_head_is_found_by_its_revision_and_its_implementation(name: str) -> None:
    with duckdb.connect() as marts:
        marts.execute(
            """
            create table response_signatures as
            select 'd' as data_set_id, 'p' as problem_id, 'shop@r5' as implementation_id,
                'linux' as environment_id, unnest(['n1', 'n2']) as run_id, unnest([true, false]) as is_set_aside;
            create table runs as
            select 'd' as data_set_id, 'n1' as run_id, 'linux' as environment_id, 'no network' as set_aside_reason;
            create table implementations as
            select 'd' as data_set_id, 'p' as problem_id, 'shop@r5' as implementation_id, 'r5' as revision
            """
        )
        assert set_aside_environments(marts, "d", name) == [("linux", 1, "no network")]
        assert set_aside_environments(marts, "d", "r4") == []
