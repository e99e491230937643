-- Every implementation of the matrix is assessed once, with the counts of its column and of its agreement with oracles.

{% if obslake.leaves_out('assessments') %}{{ config(enabled=false) }}{% endif %}

with

cells as (

    select
        *,
        case when is_current_content then response_hash end as comparable_hash
    from {{ ref('stimulus_response_matrix') }}
    where implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}

),

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

members as (

    select * from {{ ref('behavior_cluster_members') }}

),

assessments as (

    select * from {{ ref('implementation_assessments') }}

),

stimuli as (

    select
        data_set_id,
        problem_id,
        count(*) as n_stimuli
    from oracles
    where is_current
    group by data_set_id, problem_id

),

counted as (

    select
        cells.data_set_id,
        cells.problem_id,
        cells.implementation_id,
        count(*) as n_stimuli,
        sum(case when oracles.is_current then 1 else 0 end) as n_current,
        sum(case when cells.response_kind = 'exception' then 1 else 0 end) as n_exceptions,
        sum(case when cells.response_kind = 'timeout' then 1 else 0 end) as n_timeouts,
        sum(case when cells.response_kind = 'crash' then 1 else 0 end) as n_crashes,
        count(cells.comparable_hash = oracles.oracle_response_hash) as n_consensus_compared,
        sum(case when cells.comparable_hash = oracles.oracle_response_hash then 1 else 0 end) as n_consensus_agreeing,
        count(cells.comparable_hash = oracles.cluster_oracle_response_hash) as n_cluster_oracle_compared,
        sum(case when cells.comparable_hash = oracles.cluster_oracle_response_hash then 1 else 0 end)
            as n_cluster_oracle_agreeing,
        count(
            case
                when cells.response_kind = 'verdict' and cells.is_current_content then true
                else oracles.specified_response_hashes like '%' || cells.comparable_hash || '%'
            end
        ) as n_specified_compared,
        sum(case
            when
                cells.response_kind = 'verdict'
                and cells.is_current_content
                and split_part(cells.response, '@', 1) = 'passed'
                then 1
            when
                cells.response_kind <> 'verdict'
                and oracles.specified_response_hashes like '%' || cells.comparable_hash || '%'
                then 1
            else 0
        end) as n_specified_agreeing
    from cells
    inner join oracles
        on
            cells.data_set_id = oracles.data_set_id
            and cells.problem_id = oracles.problem_id
            and cells.test_id = oracles.test_id
            and cells.step_id = oracles.step_id
    group by cells.data_set_id, cells.problem_id, cells.implementation_id

),

final as (

    select
        coalesce(counted.data_set_id, assessments.data_set_id) as data_set_id,
        coalesce(counted.problem_id, assessments.problem_id) as problem_id,
        coalesce(counted.implementation_id, assessments.implementation_id) as implementation_id
    from counted
    full outer join assessments
        on
            counted.data_set_id = assessments.data_set_id
            and counted.problem_id = assessments.problem_id
            and counted.implementation_id = assessments.implementation_id
    left join stimuli
        on
            counted.data_set_id = stimuli.data_set_id
            and counted.problem_id = stimuli.problem_id
    left join members
        on
            counted.data_set_id = members.data_set_id
            and counted.problem_id = members.problem_id
            and counted.implementation_id = members.implementation_id
    where
        counted.data_set_id is null
        or assessments.data_set_id is null
        or assessments.n_stimuli <> counted.n_stimuli
        or assessments.n_not_run <> coalesce(stimuli.n_stimuli, 0) - counted.n_current
        or assessments.n_exceptions <> counted.n_exceptions
        or assessments.n_timeouts <> counted.n_timeouts
        or assessments.n_crashes <> counted.n_crashes
        or assessments.n_consensus_compared <> counted.n_consensus_compared
        or assessments.n_consensus_agreeing <> counted.n_consensus_agreeing
        or assessments.n_cluster_oracle_compared <> counted.n_cluster_oracle_compared
        or assessments.n_cluster_oracle_agreeing <> counted.n_cluster_oracle_agreeing
        or assessments.n_specified_compared <> counted.n_specified_compared
        or assessments.n_specified_agreeing <> counted.n_specified_agreeing
        or assessments.is_voter <> members.is_voter
        or assessments.cluster_rank <> members.cluster_rank

)

select * from final
