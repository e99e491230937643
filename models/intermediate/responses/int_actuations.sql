-- Every actuation once, with its role when the context is collapsed: whether it is the final one of its run,
-- whether it is the cell of the matrix, and whether its run skipped the stimulus, or is set aside. Of several specified
-- responses the first has these roles, and the others are marked as alternatives.
--
-- Nearly all cells of an experiment are executed once and need no sorting. A hash finds the cells that have several
-- rows, and only those are ranked. Cells whose hashes collide are ranked, too, with the same result.

{{ config(meta={'unit': 'column'}) }}

{%- set cell = ['data_set_id', 'problem_id', 'test_id', 'step_id', 'implementation_id'] %}
{%- set run = cell + ['environment_id', 'run_id'] %}
{#- Specified responses are right or wrong whichever run they came with. Not a common table expression: it is used
    twice, and the engine would store all rows. -#}
{%- set responses -%}
    (
        select
            observed.*,
            set_aside_runs.run_id is not null and not observed.is_oracle as is_set_aside
        from {{ obslake.stale_rows(ref('int_responses')) }} as observed
        left join set_aside_runs
            on {{ obslake.equal_columns(
                'observed', 'set_aside_runs', ['data_set_id', 'problem_id', 'run_id', 'environment_id']
            ) | indent(16) }}
    ) as responses
{%- endset %}
{%- set same_key -%}
    partition by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id, attempt
    order by
        is_executed desc,
        alternative asc nulls first,
        observed_at desc,
        response desc,
        response_kind desc,
        operation desc nulls last,
        target desc nulls last,
        inputs desc nulls last,
        duration_ns desc nulls last,
        test_content_hash desc nulls last
{%- endset %}

with

repeated_cells as (

    {{ obslake.repeated_hashes(obslake.stale_rows(ref('int_responses')), cell, 'cell_hash') | indent(4) }}

),

set_aside_runs as (

    select * from {{ ref('int_set_aside_runs') }}

),

single_responses as (

    select
        responses.*,
        false as is_repeated,
        responses.is_executed as is_final,
        responses.is_executed and not responses.is_set_aside as is_cell,
        not responses.is_executed as is_skipped,
        false as is_alternative,
        cast(1 as bigint) as n_runs,
        true as is_stable
    from {{ responses }}
    left join repeated_cells on {{ obslake.cheap_hash(cell) }} = repeated_cells.cell_hash
    where repeated_cells.cell_hash is null

),

repeated_responses as (

    select responses.*
    from {{ responses }}
    inner join repeated_cells on {{ obslake.cheap_hash(cell) }} = repeated_cells.cell_hash

),

-- In CI most cells have many runs, each of which executed the stimulus once. Only the other runs are ranked.
repeated_runs as (

    {{ obslake.repeated_hashes('repeated_responses', run, 'run_hash') | indent(4) }}

),

single_attempts as (

    select
        repeated_responses.*,
        true as is_last,
        false as is_alternative
    from repeated_responses
    left join repeated_runs on {{ obslake.cheap_hash(run) }} = repeated_runs.run_hash
    where repeated_runs.run_hash is null

),

several_attempts as (

    select repeated_responses.*
    from repeated_responses
    inner join repeated_runs on {{ obslake.cheap_hash(run) }} = repeated_runs.run_hash

),

-- The content of rows with the same key decides between them, never the order in which they were loaded.
ranked as (

    select
        *,
        row_number() over ({{ same_key | indent(8) }}) as precedence,
        lag(alternative) over ({{ same_key | indent(8) }}) as alternative_before
    from several_attempts

),

-- The last executed attempt of a run is final. If none was executed, the last one says that the run skipped the
-- stimulus.
ranked_attempts as (

    select
        *,
        row_number() over (
            partition by {{ run | join(', ') }}
            order by is_executed desc, attempt desc, precedence asc
        ) = 1 as is_last,
        precedence > 1 as is_alternative
    from ranked
    where precedence = 1 or alternative <> coalesce(alternative_before, '')

),

{%- set columns = [
    'data_set_id', 'problem_id', 'test_id', 'step_id', 'implementation_id', 'environment_id', 'run_id', 'attempt',
    'operation', 'target', 'inputs', 'response', 'response_kind', 'response_hash', 'duration_ns', 'observed_at',
    'test_content_hash', 'alternative', 'is_executed', 'is_oracle', 'is_set_aside', 'is_repeated', 'is_final', 'is_cell',
    'is_skipped', 'is_alternative', 'n_runs', 'is_stable'
] %}
{%- set known = columns | reject('in', ['is_repeated', 'is_final', 'is_cell', 'is_skipped', 'n_runs', 'is_stable']) %}
{%- set known = known | join(', ') %}

attempts as (

    select {{ known }}, is_last from single_attempts
    union all
    select {{ known }}, is_last from ranked_attempts

),

final_attempts as (

    select
        *,
        true as is_repeated,
        is_executed and is_last as is_final,
        is_executed and is_last and not is_set_aside as is_counted,
        is_last and not is_executed as is_skipped,
        {{ obslake.row_of(['observed_at', 'run_id', 'environment_id']) }} as place
    from attempts

),

-- A run counts once for all its environments.
cells_of_runs as (

    select
        {{ cell | join(', ') }},
        is_counted,
        run_id,
        min(response_hash) as least_response_hash,
        max(response_hash) as greatest_response_hash,
        max(place) as last_place
    from final_attempts
    group by {{ cell | join(', ') }}, is_counted, run_id

),

cells as (

    select
        {{ cell | join(', ') }},
        is_counted,
        count(*) as n_runs,
        min(least_response_hash) = max(greatest_response_hash) as is_stable,
        max(last_place) as last_place
    from cells_of_runs
    group by {{ cell | join(', ') }}, is_counted

),

counted as (

    select
        final_attempts.*,
        final_attempts.is_counted and final_attempts.place = cells.last_place as is_cell,
        cells.n_runs,
        cells.is_stable
    from final_attempts
    -- Relations of other projects may have nulls, which tests of the marts report.
    inner join cells
        on {{ obslake.equal_columns(
            'final_attempts', 'cells', cell + ['is_counted'], nulls_are_equal=true
        ) | indent(12) }}

),

actuations as (

    select {{ columns | join(', ') }} from single_responses
    union all
    select {{ columns | join(', ') }} from counted

),

final as (

    select * from {{ obslake.with_problem_number('actuations') }}

)

select * from final
