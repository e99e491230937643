-- The ordered revisions of each lineage that ran a problem in an environment, each with its predecessor.

{{ config(meta={'unit': 'column', 'ordered_by': 'int_revision_places'}) }}

{%- set there = ['data_set_id', 'problem_id', 'lineage', 'environment_id'] %}
{%- set in_order = 'partition by latest.' ~ there | join(', latest.') ~ ' order by latest.place_in_problem' %}

with

places as (

    select * from {{ obslake.stale_rows(ref('int_revision_places')) }}

),

implementations as (

    select * from {{ obslake.stale_rows(ref('int_implementations')) }}
    where lineage is not null

),

executions as (

    select * from {{ obslake.stale_rows(ref('int_run_signatures')) }}
    where n_steps > 0 and not is_oracle and not is_set_aside

),

executed as (

    select
        implementations.data_set_id,
        implementations.problem_id,
        implementations.lineage,
        implementations.implementation_id,
        implementations.revision,
        places.revised_at,
        places.first_implementation_id,
        places.place_in_problem,
        executions.environment_id,
        executions.run_id,
        executions.first_executed_at,
        executions.last_executed_at
    from implementations
    inner join places
        on {{ obslake.equal_columns('implementations', 'places', there[:3] + ['implementation_id']) | indent(8) }}
    inner join executions
        on
            implementations.data_set_id = executions.data_set_id
            and implementations.problem_id = executions.problem_id
            and implementations.implementation_id = executions.implementation_id

),

-- The implementation of a revision that was executed last stands for it, with its latest run.
{{ obslake.latest_rows(
    'executed', there + ['place_in_problem'], ['last_executed_at desc', 'implementation_id desc', 'run_id desc'],
    there + ['place_in_problem', 'implementation_id', 'revision', 'revised_at', 'first_implementation_id', 'run_id'],
    is_large=target.type == 'duckdb',
    least={'first_executed_there_at': {'column': 'first_executed_at', 'key': there + ['implementation_id']}}
) }},

{%- if obslake.builds_stale_only() and obslake.builds_columns() %}

    -- Whatever comes after a stale revision is stale, so these come before it.
    earlier as (

        select
            {{ there | join(',\n            ') }},
            max(revision_rank) as n_revisions,
            max_by(implementation_id, revision_rank) as last_implementation_id
        from {{ obslake.kept_rows() | indent(8) }}
        group by {{ there | join(', ') }}

    ),

    final as (

        select
            latest.data_set_id,
            latest.problem_id,
            latest.lineage,
            latest.environment_id,
            latest.implementation_id,
            latest.revision,
            latest.revised_at,
            latest.first_implementation_id,
            coalesce(earlier.n_revisions, 0) + row_number() over ({{ in_order }}) as revision_rank,
            coalesce(
                lag(latest.implementation_id) over ({{ in_order }}), earlier.last_implementation_id
            ) as previous_implementation_id,
            latest.run_id,
            latest.first_executed_there_at as first_executed_at
        from latest
        left join earlier
            on {{ obslake.equal_columns('latest', 'earlier', there) | indent(16) }}

    )
{%- else %}

    final as (

        select
            latest.data_set_id,
            latest.problem_id,
            latest.lineage,
            latest.environment_id,
            latest.implementation_id,
            latest.revision,
            latest.revised_at,
            latest.first_implementation_id,
            cast(row_number() over ({{ in_order }}) as bigint) as revision_rank,
            lag(latest.implementation_id) over ({{ in_order }}) as previous_implementation_id,
            latest.run_id,
            latest.first_executed_there_at as first_executed_at
        from latest

    )
{%- endif %}

select * from final
