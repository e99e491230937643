-- What the overview shows. Reads the marts, table `report_chosen` (data_set_id, problem_id) and variable `run`. Makes
-- the tables `report_overview`, one row per problem, `report_lineages`, one row per lineage and environment, and
-- `report_set_aside`, one row per run in an environment that is set aside, and the view `report_later_runs`.

-- The revision with which a lineage ends: the last one, or the last one that the chosen run executed.
create or replace temp table report_ends as
select l.data_set_id, l.problem_id, l.lineage, l.environment_id, max(l.revision_rank) as revision_rank
from lineage as l
inner join report_chosen as p on l.data_set_id = p.data_set_id and l.problem_id = p.problem_id
where
    getvariable('run') is null
    or exists (
        select 1
        from response_signatures as s
        where
            l.data_set_id = s.data_set_id
            and l.problem_id = s.problem_id
            and l.environment_id = s.environment_id
            and l.implementation_id = s.implementation_id
            and s.run_id = cast(getvariable('run') as string)
    )
group by l.data_set_id, l.problem_id, l.lineage, l.environment_id;

-- How many later runs executed the revisions that the chosen run executed last. The marts have one response per
-- revision, that of its last run.
create or replace temp view report_later_runs as
select count(distinct (later.data_set_id, later.run_id)) as n
from report_ends as e
inner join lineage_revisions as v
    on
        e.data_set_id = v.data_set_id
        and e.problem_id = v.problem_id
        and e.lineage = v.lineage
        and e.environment_id = v.environment_id
        and e.revision_rank = v.revision_rank
inner join response_signatures as chosen
    on
        v.data_set_id = chosen.data_set_id
        and v.problem_id = chosen.problem_id
        and v.environment_id = chosen.environment_id
        and v.implementation_id = chosen.implementation_id
inner join response_signatures as later
    on
        v.data_set_id = later.data_set_id
        and v.problem_id = later.problem_id
        and v.environment_id = later.environment_id
        and v.implementation_id = later.implementation_id
where
    chosen.run_id = cast(getvariable('run') as string)
    and (later.first_executed_at, later.run_id) > (chosen.first_executed_at, chosen.run_id)
    and not later.is_set_aside;

create or replace temp table report_last_changes as
select c.*
from behavior_changes as c
inner join report_ends as l
    on
        c.data_set_id = l.data_set_id
        and c.problem_id = l.problem_id
        and c.lineage = l.lineage
        and c.environment_id = l.environment_id
        and c.revision_rank = l.revision_rank;

create or replace temp table report_overview as
with

suspects as (
    select data_set_id, problem_id, count(*) as n from suspect_oracles group by data_set_id, problem_id
),

unstable as (
    select data_set_id, problem_id, count(distinct (test_id, step_id)) as n
    from flaky_responses
    group by data_set_id, problem_id
),

changes as (
    select
        data_set_id,
        problem_id,
        count(distinct (test_id, step_id)) as n,
        count(distinct (test_id, step_id)) filter (change = 'regressed') as n_regressed
    from report_last_changes
    group by data_set_id, problem_id
),

counted as (
    select
        a.data_set_id,
        a.problem_id,
        a.n_implementations,
        a.n_voters,
        a.n_clusters,
        a.n_largest_cluster,
        a.n_tests,
        a.n_stimuli,
        a.entropy,
        a.n_tied_stimuli,
        a.specified_pass_at_k,
        a.consensus_pass_at_k,
        a.k,
        coalesce(s.n, 0) as n_suspects,
        coalesce(u.n, 0) as n_unstable,
        coalesce(c.n, 0) as n_changed,
        coalesce(c.n_regressed, 0) as n_regressed
    from report_assessments as a
    inner join report_chosen as p on a.data_set_id = p.data_set_id and a.problem_id = p.problem_id
    left join suspects as s on a.data_set_id = s.data_set_id and a.problem_id = s.problem_id
    left join unstable as u on a.data_set_id = u.data_set_id and a.problem_id = u.problem_id
    left join changes as c on a.data_set_id = c.data_set_id and a.problem_id = c.problem_id
)

select *, n_suspects + n_tied_stimuli + n_unstable + n_regressed as n_to_look_at from counted;

create or replace temp table report_lineages as
with

revisions as (
    select
        l.data_set_id,
        l.lineage,
        l.environment_id,
        l.implementation_id,
        any_value(l.revision) as revision,
        max(l.revised_at) as revised_at
    from lineage as l
    inner join report_ends as e
        on
            l.data_set_id = e.data_set_id
            and l.problem_id = e.problem_id
            and l.lineage = e.lineage
            and l.environment_id = e.environment_id
            and l.revision_rank <= e.revision_rank
    group by l.data_set_id, l.lineage, l.environment_id, l.implementation_id
),

lineages as (
    select
        data_set_id,
        lineage,
        environment_id,
        count(*) as n_revisions,
        arg_max(implementation_id, (revised_at, implementation_id)) as last_implementation_id
    from revisions
    group by data_set_id, lineage, environment_id
),

classes as (
    select data_set_id, lineage, environment_id, change, count(*) as n
    from report_last_changes
    group by data_set_id, lineage, environment_id, change
),

changes as (
    select
        data_set_id,
        lineage,
        environment_id,
        map_from_entries(list((change, n) order by change)) as changes,
        sum(n) filter (change = 'regressed') as n_regressed,
        sum(n) filter (change not in ('fixed', 'new')) as n_to_look_at
    from classes
    group by data_set_id, lineage, environment_id
),

unstable as (
    select
        r.data_set_id,
        r.lineage,
        r.environment_id,
        count(distinct (f.problem_id, f.test_id, f.step_id)) as n
    from flaky_responses as f
    inner join revisions as r
        on
            f.data_set_id = r.data_set_id
            and f.implementation_id = r.implementation_id
            and f.environment_id = r.environment_id
    inner join report_chosen as p on f.data_set_id = p.data_set_id and f.problem_id = p.problem_id
    group by r.data_set_id, r.lineage, r.environment_id
)

select
    l.*,
    coalesce(c.changes, map()) as changes,
    coalesce(c.n_regressed, 0) as n_regressed,
    coalesce(c.n_to_look_at, 0) as n_to_look_at,
    coalesce(u.n, 0) as n_unstable,
    -- There is nothing to compare in a single revision that always answers the same.
    l.n_revisions > 1 or coalesce(u.n, 0) > 0 as has_history
from lineages as l
left join changes as c
    on l.data_set_id = c.data_set_id and l.lineage = c.lineage and l.environment_id = c.environment_id
left join unstable as u
    on l.data_set_id = u.data_set_id and l.lineage = u.lineage and l.environment_id = u.environment_id;

-- A later run does not change what is said about an earlier one.
create or replace temp table report_set_aside as
with

chosen as (
    select data_set_id, max(first_observed_at) as first_observed_at
    from runs
    where run_id = cast(getvariable('run') as string)
    group by data_set_id
)

select
    r.data_set_id,
    r.environment_id,
    r.run_id,
    strftime(r.first_observed_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') as observed_at,
    r.set_aside_reason,
    row_number() over (
        partition by r.data_set_id, r.environment_id order by r.first_observed_at desc, r.run_id desc
    ) as recency
from runs as r
left join chosen as c on r.data_set_id = c.data_set_id
where
    r.is_set_aside
    and r.data_set_id in (select data_set_id from report_chosen)
    and r.first_observed_at <= coalesce(c.first_observed_at, r.first_observed_at);
