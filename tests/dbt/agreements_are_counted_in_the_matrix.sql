-- Every pair of implementations of the matrix has an agreement, which counts the stimuli that both executed and those
-- that both answered alike.

{% if obslake.leaves_out('agreements') %}{{ config(enabled=false) }}{% endif %}

with

cells as (

    select * from {{ ref('stimulus_response_matrix') }}
    where implementation_id <> {{ obslake.text_literal(var('obslake_oracle')) }}

),

agreements as (

    select * from {{ ref('implementation_agreements') }}

),

implementations as (

    select
        data_set_id,
        problem_id,
        implementation_id
    from cells
    group by data_set_id, problem_id, implementation_id

),

pairs as (

    select
        a.data_set_id,
        a.problem_id,
        a.implementation_id as implementation_a,
        b.implementation_id as implementation_b
    from implementations as a
    inner join implementations as b
        on
            a.data_set_id = b.data_set_id
            and a.problem_id = b.problem_id
            and a.implementation_id < b.implementation_id

),

common_stimuli as (

    select
        a.data_set_id,
        a.problem_id,
        a.implementation_id as implementation_a,
        b.implementation_id as implementation_b,
        count(*) as n_common_stimuli,
        sum(case when a.response_hash = b.response_hash then 1 else 0 end) as n_equal_responses
    from cells as a
    inner join cells as b
        on
            a.data_set_id = b.data_set_id
            and a.problem_id = b.problem_id
            and a.test_id = b.test_id
            and a.step_id = b.step_id
            and a.implementation_id < b.implementation_id
    group by a.data_set_id, a.problem_id, a.implementation_id, b.implementation_id

),

final as (

    select
        coalesce(pairs.data_set_id, agreements.data_set_id) as data_set_id,
        coalesce(pairs.problem_id, agreements.problem_id) as problem_id,
        coalesce(pairs.implementation_a, agreements.implementation_a) as implementation_a,
        coalesce(pairs.implementation_b, agreements.implementation_b) as implementation_b
    from pairs
    full outer join agreements
        on
            pairs.data_set_id = agreements.data_set_id
            and pairs.problem_id = agreements.problem_id
            and pairs.implementation_a = agreements.implementation_a
            and pairs.implementation_b = agreements.implementation_b
    left join common_stimuli
        on
            pairs.data_set_id = common_stimuli.data_set_id
            and pairs.problem_id = common_stimuli.problem_id
            and pairs.implementation_a = common_stimuli.implementation_a
            and pairs.implementation_b = common_stimuli.implementation_b
    where
        pairs.data_set_id is null
        or agreements.data_set_id is null
        or agreements.n_common_stimuli <> coalesce(common_stimuli.n_common_stimuli, 0)
        or agreements.n_equal_responses <> coalesce(common_stimuli.n_equal_responses, 0)
        or (agreements.n_common_stimuli = 0) <> (agreements.agreement is null)
        or abs(agreements.agreement * agreements.n_common_stimuli - agreements.n_equal_responses) > 0.000001

)

select * from final
