-- What differs between two builds of the same observations.
--
-- Reads the marts in the schemas before and after. Makes tried_figures, the numbers of some things in both, and
-- tried_examples, the stimuli whose responses become equal or different.

create temp table cells as
select
    b.data_set_id, b.problem_id, b.test_id, b.step_id, b.response, b.response_kind,
    b.response_hash as before_hash,
    a.response_hash as after_hash,
    count(*) as n
from before.stimulus_response_cube as b
inner join after.stimulus_response_cube as a using (
    data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id, attempt
)
group by all;

create temp table stimuli as
select
    data_set_id, problem_id, test_id, step_id,
    count(distinct before_hash) as n_before,
    count(distinct after_hash) as n_after
from cells
group by all;

create temp table oracles as
select
    b.consensus as before_consensus,
    a.consensus as after_consensus,
    -- The same votes for the same text, or for another one that is equal now.
    (b.consensus, b.n_votes, b.n_distinct_responses, b.oracle_response)
    is distinct from (a.consensus, a.n_votes, a.n_distinct_responses, a.oracle_response) as is_changed
from before.consensus_oracles as b
inner join after.consensus_oracles as a using (data_set_id, problem_id, test_id, step_id);

create temp table tried_figures as
with

figures as (
    select
        1 as place,
        'different responses of a stimulus' as name,
        (select sum(n_before) from stimuli) as before,
        (select sum(n_after) from stimuli) as after
    union all
    select 2, 'clusters',
        (select count(*) from before.behavior_clusters), (select count(*) from after.behavior_clusters)
    union all
    select 3 + classes.place, 'oracles: ' || name,
        (select count(*) from oracles where before_consensus = name),
        (select count(*) from oracles where after_consensus = name)
    from (
        select unnest(['unanimous', 'majority', 'plurality', 'tie', 'no_votes']) as name, unnest(range(5)) as place
    ) as classes
    union all
    select 9, 'oracles that change', 0, (select count(*) from oracles where is_changed)
    union all
    select 10, 'oracles with a winner',
        (select count(*) from before.consensus_oracles where oracle_response is not null),
        (select count(*) from after.consensus_oracles where oracle_response is not null)
    union all
    select 11, 'unstable cells of the matrix',
        (select count(*) from before.stimulus_response_matrix where not is_stable),
        (select count(*) from after.stimulus_response_matrix where not is_stable)
    union all
    select 12, 'flaky responses',
        (select count(*) from before.flaky_responses), (select count(*) from after.flaky_responses)
)

select name, coalesce(before, 0)::bigint as before, coalesce(after, 0)::bigint as after
from figures
order by place;

create temp table tried_examples as
with

pairs as (
    select
        data_set_id, problem_id, test_id, step_id, before_hash, after_hash,
        min(response) as response,
        sum(n) as n
    from cells
    group by all
),

changed as (
    -- Responses of one group after the change that were in several groups before it, and the other way round.
    select
        data_set_id, problem_id, test_id, step_id, true as is_merged,
        list(response order by n desc, response) as responses,
        sum(n) as n
    from pairs
    group by data_set_id, problem_id, test_id, step_id, after_hash
    having count(*) > 1
    union all
    select data_set_id, problem_id, test_id, step_id, false, list(response order by n desc, response), sum(n)
    from pairs
    group by data_set_id, problem_id, test_id, step_id, before_hash
    having count(*) > 1
)

select data_set_id, problem_id, test_id, step_id, is_merged, responses
from changed
order by n desc, data_set_id, problem_id, test_id, step_id, is_merged desc, responses;
