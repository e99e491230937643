-- How well each test tells the clusters of its problem apart, and a suite of tests that tells all of them apart.
--
-- A greedy cover: the next test is the one that leaves the fewest pairs of clusters together. Rounds do not keep the
-- many pairs but refine the groups of clusters that no chosen test tells apart. A round refers only once to the one
-- before it, because not every engine materializes a result that is used twice. It aggregates without windows, because
-- DuckDB allocates a window for the number of rows that it estimates, which multiplies from round to round.
-- sqlfluff:indentation:template_blocks_indent:false

{%- set most_rounds = obslake.checked_variable('obslake_suite_rounds') %}
{#- A round tells at least one cluster more apart, or nothing is left to tell apart. #}
{%- set n_rounds = obslake.steps_needed(most_rounds, ref('int_clusters'), 'cluster_rank', beyond=-1) %}

with

clusters as (

    select
        data_set_id,
        problem_id,
        cluster_rank,
        count(*) over (partition by data_set_id, problem_id) as n_clusters
    from {{ obslake.stale_rows(ref('int_clusters')) }}

),

all_tests as (

    select
        *,
        -- Ties go to the test that comes first.
        row_number() over (partition by data_set_id, problem_id order by test_id) as test_number
    from {{ obslake.stale_rows(ref('int_tests')) }}

),

test_columns as (

    select * from {{ obslake.stale_rows(ref('int_test_separations')) }}

),

-- Rounds compare numbers, not names.
problems as (

    select
        data_set_id,
        problem_id,
        max(n_clusters) as n_clusters,
        row_number() over (order by data_set_id, problem_id) as problem_number
    from clusters
    group by data_set_id, problem_id

),

numbered_clusters as (

    select
        problems.problem_number,
        clusters.*,
        problems.problem_number * 4294967296 + clusters.cluster_rank as cluster_number
    from clusters
    inner join problems
        on
            clusters.data_set_id = problems.data_set_id
            and clusters.problem_id = problems.problem_id
    where clusters.n_clusters > 1

),

candidates as (

    select
        numbered_clusters.problem_number,
        numbered_clusters.cluster_number,
        all_tests.test_number,
        all_tests.n_steps,
        test_columns.cluster_rank,
        test_columns.first_cluster_rank
    from test_columns
    inner join numbered_clusters
        on
            test_columns.data_set_id = numbered_clusters.data_set_id
            and test_columns.problem_id = numbered_clusters.problem_id
            and test_columns.cluster_rank = numbered_clusters.cluster_rank
    inner join all_tests
        on
            test_columns.data_set_id = all_tests.data_set_id
            and test_columns.problem_id = all_tests.problem_id
            and test_columns.test_id = all_tests.test_id

),

-- Clusters drop out when they are alone. A number for the problem stays in all rounds, in its own class in each test.
carried_candidates as (

    select
        cluster_number,
        test_number,
        n_steps,
        first_cluster_rank
    from candidates
    union all
    select
        -problem_number as cluster_number,
        test_number,
        n_steps,
        0 as first_cluster_rank
    from candidates
    where cluster_rank = 1

),

first_groups as (

    select
        problem_number,
        n_clusters,
        array_agg(cluster_number) as members
    from numbered_clusters
    group by problem_number, n_clusters
    union all
    select
        problem_number,
        n_clusters,
        array_agg(-problem_number) as members
    from numbered_clusters
    where cluster_rank = 1
    group by problem_number, n_clusters

),

-- One row per problem.
round_0 as (

    select
        problem_number,
        -- The chosen tests, 60 characters each: pairs left together (each counted twice), steps, test.
        concat(
            lpad(cast(n_clusters * (n_clusters - 1) as string), 19, '0'), ',',
            repeat('0', 19), ',',
            repeat('0', 19), ';'
        ) as suite,
        array_agg(members) as undecided
    from first_groups
    group by problem_number, n_clusters

),

{%- for number in range(1, n_rounds + 1) %}

round_{{ number }}_groups as (

    {{ obslake.array_elements('round_' ~ (number - 1), ['problem_number', 'suite'], 'undecided') }}

),

round_{{ number }}_numbered_groups as (

    select
        problem_number,
        suite,
        token as members,
        position as group_number
    from round_{{ number }}_groups

),

round_{{ number }}_clusters as (

    {%- set columns = ['problem_number', 'suite', 'group_number'] %}
    {{ obslake.array_elements('round_' ~ number ~ '_numbered_groups', columns, 'members') }}

),

-- The groups that each test would make.
round_{{ number }}_classes as (

    select
        undecided.problem_number,
        undecided.suite,
        candidates.test_number,
        candidates.n_steps,
        candidates.first_cluster_rank,
        count(*) as n_clusters,
        array_agg(undecided.token) as members
    from round_{{ number }}_clusters as undecided
    inner join carried_candidates as candidates on undecided.token = candidates.cluster_number
    group by
        undecided.problem_number, undecided.suite, undecided.group_number, candidates.test_number, candidates.n_steps,
        candidates.first_cluster_rank

),

round_{{ number }}_tests as (

    select
        problem_number,
        suite,
        test_number,
        max(first_cluster_rank) as last_class,
        concat(
            lpad(cast(sum(n_clusters * (n_clusters - 1)) as string), 19, '0'), ',',
            lpad(cast(n_steps as string), 19, '0'), ',',
            lpad(cast(test_number as string), 19, '0'), ';'
        ) as place,
        -- Clusters that are alone need no more tests.
        array_agg(case when n_clusters > 1 or first_cluster_rank = 0 then members end) as undecided
    from round_{{ number }}_classes
    group by problem_number, suite, test_number, n_steps

),

round_{{ number }} as {{ obslake.computed_once() }} (

    select
        problem_number,
        -- No test is chosen if no cluster is left.
        concat(suite, case when max(last_class) > 0 then min(place) else '' end) as suite,
        min_by(undecided, place) as undecided
    from round_{{ number }}_tests
    group by problem_number, suite

),
{%- endfor %}

-- If there were too few rounds, every other test that splits a group is kept: the suite is sufficient, not minimal.
remaining_groups as (

    {{ obslake.array_elements('round_' ~ n_rounds, ['problem_number'], 'undecided') }}

),

remaining_numbered_groups as (

    select
        problem_number,
        token as members,
        position as group_number
    from remaining_groups

),

remaining_clusters as (

    {{ obslake.array_elements('remaining_numbered_groups', ['problem_number', 'group_number'], 'members') }}

),

remaining_classes as (

    select
        undecided.problem_number,
        undecided.group_number,
        candidates.test_number,
        candidates.first_cluster_rank,
        max(candidates.n_steps) as n_steps,
        count(*) as n_clusters
    from remaining_clusters as undecided
    inner join candidates on undecided.token = candidates.cluster_number
    group by
        undecided.problem_number, undecided.group_number, candidates.test_number, candidates.first_cluster_rank

),

remaining_splits as (

    select
        problem_number,
        test_number,
        max(n_steps) as n_steps,
        sum(n_clusters) * sum(n_clusters) - sum(n_clusters * n_clusters) as n_split
    from remaining_classes
    group by problem_number, test_number, group_number

),

remaining_tests as (

    select
        problem_number,
        test_number,
        max(n_steps) as n_steps,
        sum(n_split) as n_split
    from remaining_splits
    group by problem_number, test_number

),

remaining as (

    select
        *,
        {{ n_rounds }} + row_number() over (
            partition by problem_number
            order by n_split desc, n_steps asc, test_number asc
        ) as suite_rank
    from remaining_tests
    where n_split > 0

),

classes as (

    select
        data_set_id,
        problem_id,
        test_id,
        first_cluster_rank,
        count(*) as n_clusters
    from test_columns
    group by data_set_id, problem_id, test_id, first_cluster_rank

),

tallies as (

    select
        data_set_id,
        problem_id,
        test_id,
        count(*) as n_distinct_columns,
        sum(n_clusters * (n_clusters - 1)) as n_left,
        -- Exact decimals: a sum of floating-point numbers would depend on the order of its terms.
        sum(cast(n_clusters * log2(n_clusters) as decimal(38, 9))) as weighted_bits
    from classes
    group by data_set_id, problem_id, test_id

),

placed as (

    select
        all_tests.data_set_id,
        all_tests.problem_id,
        all_tests.test_id,
        all_tests.n_steps,
        all_tests.test_number,
        problems.problem_number,
        problems.n_clusters,
        suites.suite,
        -- The first text is not a test. The number of a test is last in its text.
        cast((
            position(concat(',', lpad(cast(all_tests.test_number as string), 19, '0'), ';') in suites.suite) - 40
        ) / 60 as bigint) as suite_rank
    from all_tests
    left join problems
        on
            all_tests.data_set_id = problems.data_set_id
            and all_tests.problem_id = problems.problem_id
    left join round_{{ n_rounds }} as suites on problems.problem_number = suites.problem_number

),

ranked as (

    select
        placed.data_set_id,
        placed.problem_id,
        placed.test_id,
        placed.n_steps,
        placed.n_clusters,
        tallies.n_distinct_columns,
        tallies.n_left,
        tallies.weighted_bits,
        case when placed.suite_rank > 0 then placed.suite_rank else remaining.suite_rank end as suite_rank,
        case
            when placed.suite_rank > 0
                then
                    cast(substring(placed.suite, 60 * placed.suite_rank - 59, 19) as bigint)
                    - cast(substring(placed.suite, 60 * placed.suite_rank + 1, 19) as bigint)
            else remaining.n_split
        end as n_newly_split
    from placed
    left join tallies
        on
            placed.data_set_id = tallies.data_set_id
            and placed.problem_id = tallies.problem_id
            and placed.test_id = tallies.test_id
    left join remaining
        on
            placed.problem_number = remaining.problem_number
            and placed.test_number = remaining.test_number

),

final as (

    select
        data_set_id,
        problem_id,
        test_id,
        n_steps,
        coalesce(n_clusters, 0) as n_clusters,
        coalesce(n_distinct_columns, case when n_clusters is null then 0 else 1 end) as n_distinct_columns,
        cast(coalesce(n_clusters * (n_clusters - 1) - n_left, 0) / 2 as bigint) as n_pairs_split,
        -- Without abs(), the difference of equal terms could be -0.0.
        coalesce(
            abs(round(log2(n_clusters) - cast(weighted_bits as double) / n_clusters, 6)), cast(0 as double)
        ) as entropy,
        cast(suite_rank as bigint) as suite_rank,
        cast(n_newly_split / 2 as bigint) as n_pairs_newly_split,
        suite_rank is not null as is_in_minimal_suite
    from ranked

)

select * from final
{%- if obslake.leaves_out('suites') %}
where 1 = 0
{%- endif %}
