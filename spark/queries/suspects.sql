-- The stimuli of a data set whose specified response the votes contradict, so that the label may be wrong. The clearest votes come first.
-- Parameters: data_set

with

known_names as (

    select
        'data set' as kind,
        data_set_id as name
    from problems
    where data_set_id is not null

),

unknown_names as (

    select
        1 as place,
        'data set' as kind,
        'problems' as mart,
        coalesce(cast(:data_set as string), '') as name,
        '' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'data set' and name = :data_set)

),

unknown_name as (

    select
        'obslake: no ' || unknown_names.kind || ' \'' || unknown_names.name || '\'' || unknown_names.whereabouts
        || coalesce(
            '; did you mean \'' || known_names.name || '\'? The mart ' || unknown_names.mart || ' has all',
            '; the mart ' || unknown_names.mart || ' has none'
        ) as message
    from unknown_names
    left join known_names on unknown_names.kind = known_names.kind
    order by
        unknown_names.place,
        levenshtein(known_names.name, unknown_names.name) - 0.9 * length(known_names.name),
        known_names.name
    limit 1

),

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
    from suspect_oracles
    where data_set_id = :data_set
    union all
    select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
    from unknown_name
    where raise_error(message) is not null

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
