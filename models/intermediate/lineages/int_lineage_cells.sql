-- The responses of each revision of a lineage in each environment: the last attempt of the latest run there.

{{ config(meta={'unit': 'column'}) }}

with

final_responses as (

    select * from {{ obslake.stale_rows(ref('int_run_responses'), has_number=true) }}
    where not is_oracle

),

revisions as (

    select * from {{ obslake.stale_rows(ref('int_implementations')) }}
    where lineage is not null

),

specified_oracles as (

    select * from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true, whole=true) }}
    where is_oracle and response_kind in ({{ obslake.text_literals(var('obslake_voting_kinds')) }})

),

ranked as (

    select
        final_responses.*,
        revisions.lineage,
        revisions.revision,
        revisions.revised_at,
        row_number() over (
            partition by
                final_responses.data_set_id,
                final_responses.problem_id,
                final_responses.test_id,
                final_responses.step_id,
                final_responses.implementation_id,
                final_responses.environment_id
            order by final_responses.observed_at desc, final_responses.run_id desc
        ) as recency
    from final_responses
    inner join revisions
        on
            final_responses.data_set_id = revisions.data_set_id
            and final_responses.problem_id = revisions.problem_id
            and final_responses.implementation_id = revisions.implementation_id

),

final as (

    select
        ranked.data_set_id,
        ranked.problem_id,
        ranked.lineage,
        ranked.environment_id,
        ranked.test_id,
        ranked.step_id,
        ranked.implementation_id,
        ranked.revision,
        ranked.revised_at,
        ranked.run_id,
        ranked.observed_at,
        ranked.operation,
        ranked.inputs,
        ranked.response,
        ranked.response_kind,
        ranked.response_hash,
        {{ obslake.is_right(
            'ranked.response_kind', 'ranked.response', 'ranked.response_hash', 'specified_oracles.response_hash'
        ) }} as is_right
    from ranked
    left join specified_oracles
        on
            ranked.data_set_id = specified_oracles.data_set_id
            and ranked.problem_id = specified_oracles.problem_id
            and ranked.test_id = specified_oracles.test_id
            and ranked.step_id = specified_oracles.step_id
    where ranked.recency = 1

)

select * from final
