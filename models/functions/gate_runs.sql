{{ config(parameters=[
    'data_set',
    'head',
    'base := null',
    'of_lineage := null',
    'of_base_lineage := null'
]) }}

with

{{ obslake.compared_sides() }},

-- The last revisions of each side that ran the environment.
last_sides as (

    select * from sides
    where place = environment_place

),

states as (

    select * from {{ obslake.relation_without_database(ref('lineage_states')) }}
    where data_set_id = data_set

),

tests as (

    select
        last_sides.side,
        last_sides.head_lineage,
        states.environment_id,
        states.problem_id,
        states.test_id,
        max(case when states.is_executed then 1 else 0 end) as is_executed,
        max(case
            when states.is_executed and not states.is_right then 1
            else 0
        end) as is_failing
    from states
    inner join last_sides
        on
            {{ obslake.equal_columns(
                'states', 'last_sides', ['lineage', 'problem_id', 'environment_id', 'implementation_id']
            ) | indent(12) }}
    group by last_sides.side, last_sides.head_lineage, states.environment_id, states.problem_id, states.test_id

),

counts as (

    select
        head_lineage,
        environment_id,
        {% for side in ['base', 'head'] -%}
            cast(sum(case when side = '{{ side }}' then is_executed else 0 end) as bigint) as n_{{ side }}_tests,
            cast(sum(case when side = '{{ side }}' then is_failing else 0 end) as bigint) as n_{{ side }}_failing,
        {% endfor -%}
        cast(sum(case when side = 'head' then 1 - is_executed else 0 end) as bigint) as n_head_skipped
    from tests
    group by head_lineage, environment_id

),

environments as (

    select
        head_lineage,
        environment_id,
        max(case when side = 'head' then 1 else 0 end) as is_in_head,
        max(case when side = 'base' then place else 0 end) as environment_place,
        max(case when side = 'base' then coalesce(revision, implementation_id) end) as base_revision,
        max(base_lineage) as base_lineage,
        max(base_place) as base_place
    from last_sides
    group by head_lineage, environment_id

),

-- The implementations of both sides, also for the runs of theirs that are set aside.
side_implementations as (

    select distinct
        side,
        head_lineage,
        problem_id,
        implementation_id
    from sides
    where side = 'head' or place = base_place

),

signatures as (

    select * from {{ obslake.relation_without_database(ref('response_signatures')) }}
    where data_set_id = data_set

),

side_runs as (

    select distinct
        side_implementations.side = 'head' as is_head,
        side_implementations.head_lineage,
        signatures.environment_id,
        signatures.run_id,
        signatures.is_set_aside
    from signatures
    inner join side_implementations
        on
            signatures.problem_id = side_implementations.problem_id
            and signatures.implementation_id = side_implementations.implementation_id

),

reasons as (

    select
        run_id,
        environment_id,
        set_aside_reason
    from {{ obslake.relation_without_database(ref('runs')) }}
    where data_set_id = data_set

),

run_counts as (

    select
        side_runs.head_lineage,
        side_runs.environment_id,
        count(distinct case when side_runs.is_head and not side_runs.is_set_aside then side_runs.run_id end) as n_runs,
        count(distinct case when side_runs.is_head and side_runs.is_set_aside then side_runs.run_id end) as n_set_aside,
        max(case when side_runs.is_head and side_runs.is_set_aside then reasons.set_aside_reason end)
            as set_aside_reason
    from side_runs
    left join reasons
        on {{ obslake.equal_columns('side_runs', 'reasons', ['run_id', 'environment_id']) | indent(12) }}
    group by side_runs.head_lineage, side_runs.environment_id

),

joined as (

    select
        run_counts.*,
        coalesce(environments.is_in_head, 0) as is_in_head,
        environments.base_lineage,
        environments.base_revision,
        environments.base_place,
        environments.environment_place,
        coalesce(counts.n_base_tests, 0) as n_base_tests,
        coalesce(counts.n_base_failing, 0) as n_base_failing,
        coalesce(counts.n_head_tests, 0) as n_head_tests,
        coalesce(counts.n_head_failing, 0) as n_head_failing,
        coalesce(counts.n_head_skipped, 0) as n_head_skipped
    from run_counts
    left join environments
        on {{ obslake.equal_columns('run_counts', 'environments', ['head_lineage', 'environment_id']) | indent(12) }}
    left join counts
        on {{ obslake.equal_columns('run_counts', 'counts', ['head_lineage', 'environment_id']) | indent(12) }}

),

{{ obslake.unknown_name({'head': 'executed revision or implementation'}, optional={
    'base': 'executed revision or implementation',
    'of_lineage': 'lineage',
    'of_base_lineage': 'lineage',
}) }}

select
    head_lineage as lineage,
    environment_id,
    case
        when is_in_head = 0 and n_set_aside > 0 then 'broken'
        when is_in_head = 0 then 'not run'
        when 2 * n_head_tests <= n_base_tests then 'incomplete'
        when base_revision is null then 'no base'
        else 'compared'
    end as status,
    base_lineage,
    base_revision,
    n_base_tests,
    n_base_failing,
    n_head_tests,
    n_head_failing,
    n_head_skipped,
    n_runs,
    n_set_aside,
    set_aside_reason
from joined
union all
{{ obslake.unknown_name_row(13) }}
order by lineage, environment_id
