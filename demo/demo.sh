#!/bin/sh
# The main job on the demonstration corpus: load, build, look.
set -eu
cd "$(dirname "$0")/.."

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say '1. Load what was observed into Iceberg'
run obslake load observations demo/observations.jsonl.gz --data-set demo
run obslake load implementations demo/implementations.jsonl --data-set demo
run obslake load tests demo/tests.jsonl --data-set demo

say '2. Build and test the marts'
run dbt --quiet build
run obslake status

say '3. What came out'
run obslake sql "
select
    matrix.problem_id,
    count(distinct matrix.implementation_id) filter (matrix.implementation_id <> 'oracle') as implementations,
    count(*) filter (matrix.implementation_id <> 'oracle') as actuations,
    any_value(clusters.n) as clusters,
    any_value(oracles.decided) as consensus_oracles,
    any_value(oracles.differing) as specified_otherwise
from stimulus_response_matrix as matrix
join (select problem_id, count(*) as n from behavior_clusters where data_set_id = 'demo' group by all) as clusters
    using (problem_id)
join (
    select problem_id, count(oracle_response) as decided, count(*) filter (not agrees_with_specified) as differing
    from consensus_oracles where data_set_id = 'demo' group by all
) as oracles using (problem_id)
where matrix.data_set_id = 'demo'
group by all
order by all"

say '4. One matrix: what libraries make of Roman numerals (a number of stimuli, some implementations)'
run obslake sql "
pivot (
    from srm('demo', 'roman_numerals')
    where implementation_id in (
        select implementation_id from behavior_cluster_members
        where problem_id = 'roman_numerals' order by cluster_rank, implementation_id limit 4
    )
)
on implementation_id using first(response[:36]) group by test_id, inputs order by test_id limit 12"

say 'Next'
cat <<'TEXT'
. .venv/bin/activate
obslake sql "from clusters('demo', 'slugify')"
obslake sql "from oracle('demo', 'json_parse') where not agrees_with_specified"
obslake sql "from behavior_diff('demo', 'version_compare', 'packaging@20.9', 'packaging@26.3')"
obslake load --help
TEXT
