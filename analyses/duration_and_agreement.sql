-- Are implementations that agree slower? Time per actuation and agreement with the consensus, per implementation.

with

cube as (

    select * from {{ ref('stimulus_response_cube') }}
    where
        duration_ns is not null
        and not is_set_aside
        and implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}

),

durations as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        count(*) as n_actuations,
        sum(duration_ns) / count(*) / 1000.0 as mean_microseconds,
        max(duration_ns) / 1000.0 as longest_microseconds
    from cube
    group by data_set_id, problem_id, implementation_id

),

examples as (

    select * from {{ ref('training_examples') }}
    where agrees_with_consensus is not null

),

agreements as (

    select
        data_set_id,
        problem_id,
        implementation_id,
        cluster_rank,
        avg(case when agrees_with_consensus then 1.0 else 0.0 end) as agreement
    from examples
    group by data_set_id, problem_id, implementation_id, cluster_rank

),

final as (

    select
        durations.data_set_id,
        durations.problem_id,
        durations.implementation_id,
        agreements.cluster_rank,
        agreements.agreement,
        durations.n_actuations,
        durations.mean_microseconds,
        durations.longest_microseconds
    from durations
    inner join agreements
        on
            durations.data_set_id = agreements.data_set_id
            and durations.problem_id = agreements.problem_id
            and durations.implementation_id = agreements.implementation_id

)

select * from final
order by data_set_id asc, problem_id asc, agreement desc, mean_microseconds asc, implementation_id asc
