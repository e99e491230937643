-- The response that the implementations vote for, per stimulus, with the counts of the votes.

with

cells as (

    select * from {{ obslake.stale_rows(ref('int_matrix_cells'), has_number=true) }}

),

votes as (

    select * from {{ obslake.stale_rows(ref('int_votes'), has_number=true) }}
    where is_vote

),

cluster_oracles as (

    select * from {{ obslake.stale_rows(ref('int_cluster_oracles')) }}

),

matrix_columns as (

    select
        data_set_id,
        problem_id,
        count(*) as n_implementations
    from {{ obslake.stale_rows(ref('int_implementation_signatures')) }}
    group by data_set_id, problem_id

),

support_rules as (

    select * from {{ obslake.stale_rows(ref('int_voting_rules')) }}
    where rule = 'minimal_support'

),

supports as (

    select
        matrix_columns.*,
        {% set default_support = obslake.text_literal(obslake.checked_variable('obslake_minimal_support') | string) -%}
        {{ obslake.support_fields('coalesce(support_rules.argument, ' ~ default_support ~ ')') | indent(8) }}
    from matrix_columns
    left join support_rules
        on
            matrix_columns.data_set_id = support_rules.data_set_id
            and matrix_columns.problem_id = support_rules.problem_id

),

stimuli as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        sum(case when is_oracle then 0 else 1 end) as n_cells
    from cells
    group by data_set_id, problem_id, test_id, step_id

),

other_contents as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        count(*) as n_other_contents
    from {{ obslake.stale_rows(ref('int_other_contents'), has_number=true) }}
    group by data_set_id, problem_id, test_id, step_id

),

specified_oracles as (

    {{ obslake.specified_oracles(
        obslake.stale_rows(ref('int_specified_responses'), has_number=true) ~ ' as specified_responses'
    ) | indent(4) }}

),

groups as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        response_hash,
        min(response) as response,
        count(*) as n_votes
    from votes
    group by data_set_id, problem_id, test_id, step_id, response_hash

),

tallies as (

    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        cast(sum(n_votes) as bigint) as n_voters,
        count(*) as n_distinct_responses,
        max(n_votes) as n_votes,
        coalesce({{ obslake.second_greatest('n_votes') }}, 0) as n_runner_up_votes,
        -- Any of several responses with most votes: it counts only if it is the only one.
        max_by(response, n_votes) as leading_response,
        max_by(response_hash, n_votes) as leading_response_hash,
        -- Exact decimals: a sum of floating-point numbers would depend on the order of its terms.
        sum(cast(n_votes * log2(n_votes) as decimal(38, 9))) as weighted_bits
    from groups
    group by data_set_id, problem_id, test_id, step_id

),

supported as (

    select
        tallies.*,
        {{ obslake.votes_needed('tallies.n_voters', 'supports.n_implementations') | indent(8) }} as n_votes_needed
    from tallies
    inner join supports
        on tallies.data_set_id = supports.data_set_id and tallies.problem_id = supports.problem_id

),

classified as (

    select
        *,
        case
            when n_distinct_responses = 1 then 'unanimous'
            when 2 * n_votes > n_voters then 'majority'
            when n_votes > n_runner_up_votes then 'plurality'
            else 'tie'
        end as consensus,
        n_votes > n_runner_up_votes and n_votes >= n_votes_needed as has_winner
    from supported

),

final as (

    select
        stimuli.data_set_id,
        stimuli.problem_id,
        stimuli.test_id,
        stimuli.step_id,
        case when classified.has_winner then classified.leading_response end as oracle_response,
        case when classified.has_winner then classified.leading_response_hash end as oracle_response_hash,
        coalesce(classified.consensus, 'no_votes') as consensus,
        coalesce(classified.n_voters, 0) as n_voters,
        coalesce(classified.n_votes, 0) as n_votes,
        coalesce(classified.n_runner_up_votes, 0) as n_runner_up_votes,
        classified.n_votes_needed,
        classified.n_votes / cast(nullif(classified.n_voters, 0) as double) as vote_share,
        coalesce(classified.n_distinct_responses, 0) as n_distinct_responses,
        -- Without abs(), the difference of equal terms could be -0.0.
        abs(round(
            log2(classified.n_voters) - cast(classified.weighted_bits as double) / nullif(classified.n_voters, 0), 6
        )) as entropy,
        cluster_oracles.response as cluster_oracle_response,
        cluster_oracles.response_hash as cluster_oracle_response_hash,
        specified_oracles.response as specified_response,
        specified_oracles.response_hash as specified_response_hash,
        coalesce(specified_oracles.n_responses, 0) as n_specified_responses,
        specified_oracles.response_hashes as specified_response_hashes,
        case
            when classified.has_winner
                then {{ obslake.is_specified(
                    'classified.leading_response_hash', 'specified_oracles.response_hashes'
                ) }}
        end as agrees_with_specified,
        {{ obslake.is_specified('cluster_oracles.response_hash', 'specified_oracles.response_hashes') }}
            as cluster_agrees_with_specified,
        coalesce(other_contents.n_other_contents, 0) as n_other_contents,
        stimuli.n_cells = 0 or stimuli.n_cells > coalesce(other_contents.n_other_contents, 0) as is_current
    from stimuli
    left join classified
        on
            stimuli.data_set_id = classified.data_set_id
            and stimuli.problem_id = classified.problem_id
            and stimuli.test_id = classified.test_id
            and stimuli.step_id = classified.step_id
    left join cluster_oracles
        on
            stimuli.data_set_id = cluster_oracles.data_set_id
            and stimuli.problem_id = cluster_oracles.problem_id
            and stimuli.test_id = cluster_oracles.test_id
            and stimuli.step_id = cluster_oracles.step_id
            and classified.n_votes_needed <= cluster_oracles.n_votes
    left join other_contents
        on
            stimuli.data_set_id = other_contents.data_set_id
            and stimuli.problem_id = other_contents.problem_id
            and stimuli.test_id = other_contents.test_id
            and stimuli.step_id = other_contents.step_id
    left join specified_oracles
        on
            stimuli.data_set_id = specified_oracles.data_set_id
            and stimuli.problem_id = specified_oracles.problem_id
            and stimuli.test_id = specified_oracles.test_id
            and stimuli.step_id = specified_oracles.step_id

)

select * from final
{{ obslake.in_order_of_problems() }}
