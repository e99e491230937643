-- How well each test tells the clusters of its problem apart, and the tests that are enough to tell all of them apart.
--
-- A greedy cover: the next test is the one that leaves the fewest pairs together. Instead of the pairs, which are many,
-- the groups of clusters are kept that no chosen test has told apart, and refined round by round. A round refers to
-- the one before it once, since not every engine keeps what is referred to twice.
-- sqlfluff:indentation:template_blocks_indent:false

{%- set n_rounds = obslake.suite_rounds() %}

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

    select * from {{ obslake.stale_rows(ref('int_test_columns')) }}

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

candidates as (

    select
        problems.problem_number,
        all_tests.test_number,
        all_tests.n_steps,
        test_columns.cluster_rank,
        test_columns.first_cluster_rank,
        0 as is_alone
    from test_columns
    inner join problems
        on
            test_columns.data_set_id = problems.data_set_id
            and test_columns.problem_id = problems.problem_id
    inner join all_tests
        on
            test_columns.data_set_id = all_tests.data_set_id
            and test_columns.problem_id = all_tests.problem_id
            and test_columns.test_id = all_tests.test_id
    union all
    -- No test, for clusters that need none any more: they are carried along.
    select
        problems.problem_number,
        0 as test_number,
        0 as n_steps,
        clusters.cluster_rank,
        clusters.cluster_rank as first_cluster_rank,
        1 as is_alone
    from clusters
    inner join problems
        on
            clusters.data_set_id = problems.data_set_id
            and clusters.problem_id = problems.problem_id

),

round_0 as (

    select
        problems.problem_number,
        clusters.cluster_rank,
        -- A group is named by its first cluster.
        cast(1 as bigint) as group_number,
        clusters.n_clusters as group_size,
        case when clusters.n_clusters = 1 then 1 else 0 end as is_alone,
        clusters.n_clusters * (clusters.n_clusters - 1) as n_left_0
    from clusters
    inner join problems
        on
            clusters.data_set_id = problems.data_set_id
            and clusters.problem_id = problems.problem_id

),

{%- for number in range(1, n_rounds + 1) %}

-- Every cluster that is not alone yet, in the groups that each test would make.
round_{{ number }}_groups as (

    select
        previous.*,
        candidates.test_number,
        candidates.n_steps,
        min(previous.cluster_rank) over (
            partition by
                previous.problem_number, candidates.test_number, previous.group_number, candidates.first_cluster_rank
        ) as new_group_number,
        count(*) over (
            partition by
                previous.problem_number, candidates.test_number, previous.group_number, candidates.first_cluster_rank
        ) as new_group_size
    from round_{{ number - 1 }} as previous
    inner join candidates
        on
            previous.problem_number = candidates.problem_number
            and previous.cluster_rank = candidates.cluster_rank
            and previous.is_alone = candidates.is_alone

),

round_{{ number }}_pairs as (

    select
        *,
        -- Ordered pairs: each counts twice.
        cast(sum(new_group_size - 1) over (partition by problem_number, test_number) as bigint) as n_left
    from round_{{ number }}_groups

),

round_{{ number }}_choice as (

    select
        *,
        rank() over (
            partition by problem_number
            order by is_alone, n_left, n_steps, test_number
        ) as choice
    from round_{{ number }}_pairs

),

round_{{ number }} as {{ obslake.materialized() }} (

    select
        problem_number,
        cluster_rank,
        new_group_number as group_number,
        new_group_size as group_size,
        case when new_group_size = 1 then 1 else 0 end as is_alone,
        n_left_0,
        {%- for earlier in range(1, number) %}
        chosen_{{ earlier }},
        n_left_{{ earlier }},
        {%- endfor %}
        case when is_alone = 0 then test_number end as chosen_{{ number }},
        case when is_alone = 0 then n_left end as n_left_{{ number }}
    from round_{{ number }}_choice
    where choice = 1 or is_alone = 1

),
{%- endfor %}

suites as (

    select
        problem_number,
        {%- for number in range(1, n_rounds + 1) %}
        max(chosen_{{ number }}) as chosen_{{ number }},
        max(n_left_{{ number }}) as n_left_{{ number }},
        {%- endfor %}
        max(n_left_0) as n_left_0
    from round_{{ n_rounds }}
    group by problem_number

),

-- Where that were too few rounds, every test is kept that still splits a group: sound, not minimal.
remaining_groups as (

    select
        undecided.problem_number,
        candidates.test_number,
        candidates.n_steps,
        undecided.group_size,
        count(*) over (
            partition by
                undecided.problem_number, candidates.test_number, undecided.group_number, candidates.first_cluster_rank
        ) as new_group_size
    from round_{{ n_rounds }} as undecided
    inner join candidates
        on
            undecided.problem_number = candidates.problem_number
            and undecided.cluster_rank = candidates.cluster_rank
            and undecided.is_alone = candidates.is_alone
    where undecided.is_alone = 0

),

remaining_pairs as (

    select
        problem_number,
        test_number,
        n_steps,
        sum(group_size - new_group_size) as n_split
    from remaining_groups
    group by problem_number, test_number, n_steps

),

remaining as (

    select
        *,
        {{ n_rounds }} + row_number() over (
            partition by problem_number
            order by n_split desc, n_steps asc, test_number asc
        ) as suite_rank
    from remaining_pairs
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

ranked as (

    select
        all_tests.data_set_id,
        all_tests.problem_id,
        all_tests.test_id,
        all_tests.n_steps,
        problems.n_clusters,
        tallies.n_distinct_columns,
        tallies.n_left,
        tallies.weighted_bits,
        case
            {%- for number in range(1, n_rounds + 1) %}
            when all_tests.test_number = suites.chosen_{{ number }} then {{ number }}
            {%- endfor %}
            else remaining.suite_rank
        end as suite_rank,
        case
            {%- for number in range(1, n_rounds + 1) %}
            when all_tests.test_number = suites.chosen_{{ number }}
                then suites.n_left_{{ number - 1 }} - suites.n_left_{{ number }}
            {%- endfor %}
            else remaining.n_split
        end as n_newly_split
    from all_tests
    left join problems
        on
            all_tests.data_set_id = problems.data_set_id
            and all_tests.problem_id = problems.problem_id
    left join tallies
        on
            all_tests.data_set_id = tallies.data_set_id
            and all_tests.problem_id = tallies.problem_id
            and all_tests.test_id = tallies.test_id
    left join suites on problems.problem_number = suites.problem_number
    left join remaining
        on
            problems.problem_number = remaining.problem_number
            and all_tests.test_number = remaining.test_number

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
        -- Without abs() the difference of equal terms could be shown as -0.0.
        coalesce(
            abs(round(log2(n_clusters) - cast(weighted_bits as double) / n_clusters, 6)), cast(0 as double)
        ) as entropy,
        cast(suite_rank as bigint) as suite_rank,
        cast(n_newly_split / 2 as bigint) as n_pairs_newly_split,
        suite_rank is not null as is_in_minimal_suite
    from ranked

)

select * from final
