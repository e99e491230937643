{{ config(parameters=['data_set']) }}

with

{{ obslake.unknown_name() }},

-- The share of the votes is not returned, but rows are sorted by it.
suspects as (

    select
        problem_id,
        test_id,
        step_id,
        operation,
        inputs,
        accused_by,
        specified_response,
        n_specified_responses,
        oracle_response,
        cluster_oracle_response,
        consensus,
        n_voters,
        n_votes,
        n_specified_votes,
        differing_implementation_id,
        specified_implementation_id,
        vote_share
    from {{ obslake.relation_without_database(ref('suspect_oracles')) }}
    where data_set_id = data_set
    union all
    {{ obslake.unknown_name_row(17) | indent(4) }}

)

select
    problem_id,
    test_id,
    step_id,
    operation,
    inputs,
    accused_by,
    specified_response,
    n_specified_responses,
    oracle_response,
    cluster_oracle_response,
    consensus,
    n_voters,
    n_votes,
    n_specified_votes,
    differing_implementation_id,
    specified_implementation_id
from suspects
order by vote_share desc, n_voters desc, problem_id asc, test_id asc, step_id asc
