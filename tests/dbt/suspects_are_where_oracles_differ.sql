-- A stimulus is a suspect exactly if the consensus equals none of the specified responses, and the named
-- implementations gave the responses of the two sides. The largest cluster accuses, too, exactly if most voters are in
-- it.

with

oracles as (

    select * from {{ ref('consensus_oracles') }}
    where not agrees_with_specified

),

specified_responses as (

    select * from {{ ref('specified_responses') }}

),

largest as (

    select
        data_set_id,
        problem_id,
        2 * max(n_voters) > sum(n_voters) as is_majority
    from {{ ref('behavior_clusters') }}
    group by data_set_id, problem_id

),

cells as (

    select * from {{ ref('stimulus_response_matrix') }}

),

suspects as (

    select * from {{ ref('suspect_oracles') }}

),

final as (

    select
        coalesce(oracles.data_set_id, suspects.data_set_id) as data_set_id,
        coalesce(oracles.problem_id, suspects.problem_id) as problem_id,
        coalesce(oracles.test_id, suspects.test_id) as test_id,
        coalesce(oracles.step_id, suspects.step_id) as step_id
    from oracles
    full outer join suspects
        on
            oracles.data_set_id = suspects.data_set_id
            and oracles.problem_id = suspects.problem_id
            and oracles.test_id = suspects.test_id
            and oracles.step_id = suspects.step_id
    left join cells as differing
        on
            suspects.data_set_id = differing.data_set_id
            and suspects.problem_id = differing.problem_id
            and suspects.test_id = differing.test_id
            and suspects.step_id = differing.step_id
            and suspects.differing_implementation_id = differing.implementation_id
    left join cells as specified
        on
            suspects.data_set_id = specified.data_set_id
            and suspects.problem_id = specified.problem_id
            and suspects.test_id = specified.test_id
            and suspects.step_id = specified.step_id
            and suspects.specified_implementation_id = specified.implementation_id
    left join specified_responses as of_differing
        on
            differing.data_set_id = of_differing.data_set_id
            and differing.problem_id = of_differing.problem_id
            and differing.test_id = of_differing.test_id
            and differing.step_id = of_differing.step_id
            and differing.response_hash = of_differing.response_hash
    left join specified_responses as of_specified
        on
            specified.data_set_id = of_specified.data_set_id
            and specified.problem_id = of_specified.problem_id
            and specified.test_id = of_specified.test_id
            and specified.step_id = of_specified.step_id
            and specified.response_hash = of_specified.response_hash
    left join largest
        on
            suspects.data_set_id = largest.data_set_id
            and suspects.problem_id = largest.problem_id
    where
        oracles.data_set_id is null
        or suspects.data_set_id is null
        or differing.response_hash is null
        or differing.response_hash <> oracles.oracle_response_hash
        or suspects.accused_by <> case
            when not oracles.cluster_agrees_with_specified and largest.is_majority then 'both' else 'consensus'
        end
        or of_differing.response_hash is not null
        or coalesce(suspects.operation, '') <> coalesce(differing.operation, '')
        or coalesce(suspects.inputs, '') <> coalesce(differing.inputs, '')
        or (suspects.n_specified_votes = 0) <> (suspects.specified_implementation_id is null)
        or (
            suspects.specified_implementation_id is not null
            and of_specified.response_hash is null
        )
        or suspects.n_votes <> oracles.n_votes
        or suspects.n_voters <> oracles.n_voters
        or suspects.specified_response <> oracles.specified_response
        or suspects.n_specified_responses <> oracles.n_specified_responses
        or coalesce(suspects.oracle_response, '') <> coalesce(oracles.oracle_response, '')
        or coalesce(suspects.cluster_oracle_response, '') <> coalesce(oracles.cluster_oracle_response, '')
        or suspects.consensus <> oracles.consensus

)

select * from final
