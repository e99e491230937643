#!/bin/sh
# The demonstration: load the corpus, build the marts, show results.
set -eu
cd "$(dirname "$0")/.."

say() { printf '\n%s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say '1. Load the observations into Iceberg'
. demo/load.sh

say '2. Build and test the marts'
run dbt --quiet build
run obslake status

say '3. The results by problem'
obslake sql "
select
    problem_id as problem,
    matrices.implementations,
    matrices.actuations,
    clusters.clusters,
    clusters.largest as largest_cluster,
    oracles.stimuli,
    oracles.decided as consensus_oracles,
    oracles.specified as specified_oracles,
    oracles.differing as they_differ
from (
    select problem_id, count(*) as actuations, count(distinct implementation_id) as implementations
    from stimulus_response_matrix
    where data_set_id = 'demo' and implementation_id <> 'oracle'
    group by problem_id
) as matrices
join (
    select problem_id, count(*) as clusters, max(n_implementations) as largest
    from behavior_clusters where data_set_id = 'demo' group by problem_id
) as clusters using (problem_id)
join (
    select
        problem_id,
        count(*) as stimuli,
        count(oracle_response) as decided,
        count(specified_response) as specified,
        count(*) filter (not agrees_with_specified) as differing
    from consensus_oracles where data_set_id = 'demo' group by problem_id
) as oracles using (problem_id)
order by problem_id"

say '4. A matrix: the number and unit that libraries write for a size in bytes'
obslake sql "
pivot (
    from srm('demo', 'file_size')
    where
        inputs in ('[0]', '[999]', '[1000]', '[1024]', '[9949]', '[999950]', '[1048576]', '[-1]', '[null]', '[\"abc\"]')
        and implementation_id in ('boltons@20.2.1', 'boltons@26.2.0', 'humanize@3.14.0', 'humanize@4.17.0', 'tqdm@4.70.1')
)
on implementation_id using first(response[:24]) group by inputs order by try_cast(inputs[2:-2] as int)"

say '5. What a release fixed and broke, compared with the standard'
obslake sql "
select previous_implementation_id as before, implementation_id as after, change, count(*) as stimuli, min(test_id) as example
from changes('demo', 'toml')
where problem_id = 'toml_parse' and environment_id like 'cpython-3.11%'
group by all order by all"

say '6. Responses that differ between runs of the same code'
obslake sql "
select implementation_id, test_id, n_executions as times, most_frequent_response, other_response
from flaky('demo') where environment_id like 'cpython-3.11%'"

say '7. The same as pages'
run obslake report

say 'Next'
cat <<'TEXT'
. .venv/bin/activate
obslake sql "from clusters('demo', 'slugify')"
obslake sql "from oracle('demo', 'json_parse') where not agrees_with_specified"
obslake sql "from behavior_diff('demo', 'version_compare', 'packaging@20.9', 'packaging@26.3')"
obslake sql "from changes('demo', 'humanize')"
obslake load --help
TEXT

say 'And open in a browser:'
printf '%s/report/index.html\n' "$PWD"
