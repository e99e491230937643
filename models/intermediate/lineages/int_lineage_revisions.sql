-- The ordered revisions of each lineage that ran a problem in an environment, each with its predecessor.

{{ config(meta={'unit': 'column', 'ordered_by': 'int_revision_places'}) }}

{%- set there = ['data_set_id', 'problem_id', 'lineage', 'environment_id'] %}
{%- set in_order = 'partition by ' ~ there | join(', ') ~ ' order by place_in_problem' %}

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

numbered as (

    select
        *,
        cast(row_number() over ({{ in_order }}) as bigint) as number,
        lag(implementation_id) over ({{ in_order }}) as implementation_before
    from latest

),

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

    ranked_revisions as (

        select
            numbered.*,
            coalesce(earlier.n_revisions, 0) + numbered.number as revision_rank,
            coalesce(numbered.implementation_before, earlier.last_implementation_id) as previous_implementation_id
        from numbered
        left join earlier
            on {{ obslake.equal_columns('numbered', 'earlier', there) | indent(16) }}

    ),
{%- else %}

    ranked_revisions as (

        select
            *,
            number as revision_rank,
            implementation_before as previous_implementation_id
        from numbered

    ),
{%- endif %}

final as (

    select
        data_set_id,
        problem_id,
        lineage,
        environment_id,
        implementation_id,
        revision,
        revised_at,
        first_implementation_id,
        revision_rank,
        previous_implementation_id,
        run_id,
        first_executed_there_at as first_executed_at
    from ranked_revisions

)

select * from final
