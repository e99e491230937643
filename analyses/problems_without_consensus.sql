-- Which problems have no consensus? The share of their stimuli without a winning response.

with

oracles as (

    select * from {{ ref('consensus_oracles') }}

),

final as (

    select
        data_set_id,
        problem_id,
        count(*) as n_stimuli,
        sum(case when consensus = 'unanimous' then 1 else 0 end) as n_unanimous,
        sum(case when consensus = 'majority' then 1 else 0 end) as n_majority,
        sum(case when consensus = 'plurality' then 1 else 0 end) as n_plurality,
        sum(case when consensus = 'tie' then 1 else 0 end) as n_tied,
        sum(case when consensus = 'no_votes' then 1 else 0 end) as n_without_votes,
        avg(case when oracle_response is null then 1.0 else 0.0 end) as undecided_share
    from oracles
    group by data_set_id, problem_id

)

select * from final
order by undecided_share desc, data_set_id asc, problem_id asc
