-- A summary of each run of an implementation in an environment: the signature of its column of the cube, and counts.

{{ config(meta={'unit': 'column'}) }}

with

actuations as (

    select
        *,
        case when is_final then {{ obslake.actuation_text() }} end as actuation_text,
        case when is_final then {{ obslake.stimulus_text() }} end as stimulus_text
    from {{ obslake.stale_rows(ref('int_actuations'), has_number=true) }}
    where not is_alternative

),

final as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        environment_id,
        run_id,
        is_oracle,
        is_set_aside,
        {{ obslake.signature('actuation_text') }} as signature,
        {{ obslake.signature('stimulus_text') }} as stimuli_signature,
        count(distinct case when is_final then test_id end) as n_tests,
        cast(sum(case when is_final then 1 else 0 end) as bigint) as n_steps,
        cast(sum(case when is_final and response_kind = 'exception' then 1 else 0 end) as bigint) as n_exceptions,
        cast(sum(case when is_final and response_kind = 'timeout' then 1 else 0 end) as bigint) as n_timeouts,
        cast(sum(case when is_final and response_kind = 'crash' then 1 else 0 end) as bigint) as n_crashes,
        cast(sum(case when is_final and response_kind = 'verdict' then 1 else 0 end) as bigint) as n_verdicts,
        max(case
            when is_final and response_kind in ({{ obslake.text_literals(var('obslake_eligible_kinds')) }}) then 1
            else 0
        end) = 1 as is_voter,
        count(*) as n_actuations,
        min(observed_at) as first_observed_at,
        min(case when is_executed then observed_at end) as first_executed_at,
        max(case when is_executed then observed_at end) as last_executed_at,
        max(observed_at) as last_observed_at
    from actuations
    group by data_set_id, problem_id, implementation_id, environment_id, run_id, is_oracle, is_set_aside

)

select * from final
