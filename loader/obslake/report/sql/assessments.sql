-- The assessments of all problems. Where assessments were left out (`obslake_leave_out`), what clusters and votes say.

create or replace temp view report_assessments as
with

clusters as (
    select
        data_set_id,
        problem_id,
        cast(sum(n_implementations) as bigint) as n_implementations,
        count(*) as n_clusters,
        max(n_implementations) as n_largest_cluster
    from behavior_clusters
    group by data_set_id, problem_id
),

stimuli as (
    select
        data_set_id,
        problem_id,
        count(distinct test_id) as n_tests,
        count(*) as n_stimuli,
        count(*) filter (consensus = 'tie') as n_tied_stimuli,
        count(specified_response) as n_specified_stimuli
    from consensus_oracles
    group by data_set_id, problem_id
)

select * from problem_assessments
union all by name
select
    c.data_set_id,
    c.problem_id,
    c.n_implementations,
    c.n_clusters,
    c.n_largest_cluster,
    s.n_tests,
    s.n_stimuli,
    s.n_tied_stimuli,
    s.n_specified_stimuli
from clusters as c
inner join stimuli as s on c.data_set_id = s.data_set_id and c.problem_id = s.problem_id
where not exists (select 1 from problem_assessments);
