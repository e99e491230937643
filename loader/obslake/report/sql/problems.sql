-- What the pages of some problems show, as numbered rows. Pages hold texts once and refer to them by number.
--
-- Reads the marts, table `report_problems` (data_set_id, problem_id, p) and the variables of the limits: `max_cells`,
-- `max_clusters`, `max_contexts`, `max_durations`, `max_characters`. Makes the tables `report_…` from which the parts
-- of a page come.

create or replace temp table report_implementations as
with

numbered as (
    select
        p.p,
        m.*,
        cast(row_number() over (partition by p.p order by m.cluster_rank, m.implementation_id) - 1 as int) as i
    from behavior_cluster_members as m
    inner join report_problems as p on m.data_set_id = p.data_set_id and m.problem_id = p.problem_id
)

select *, i = min(i) over (partition by p, cluster_rank) as is_exemplar from numbered;

-- If a page cannot hold all stimuli, it gets those at which the votes differ most.
create or replace temp table report_stimuli as
with

room as (
    select p, greatest(getvariable('max_cells') // greatest(count(*) filter (is_exemplar), 1), 100) as max_stimuli
    from report_implementations
    group by p
),

ranked as (
    select
        p.p,
        o.*,
        row_number() over (
            partition by p.p
            order by o.entropy desc nulls last, o.agrees_with_specified asc nulls last, o.test_id asc, o.step_id asc
        ) as interest
    from consensus_oracles as o
    inner join report_problems as p on o.data_set_id = p.data_set_id and o.problem_id = p.problem_id
)

select
    ranked.*,
    cast(row_number() over (partition by ranked.p order by test_id, step_id) - 1 as int) as s
from ranked
left join room on ranked.p = room.p
where ranked.interest <= coalesce(room.max_stimuli, 100);

-- What is right beside the first specified response.
create or replace temp table report_alternatives as
select s.p, s.s, r.alternative, r.response, r.response_hash
from specified_responses as r
inner join report_stimuli as s
    on
        r.data_set_id = s.data_set_id
        and r.problem_id = s.problem_id
        and r.test_id = s.test_id
        and r.step_id = s.step_id
where not r.is_first;

create or replace temp table report_cells as
select
    s.p,
    s.s,
    i.i,
    i.cluster_rank,
    m.response,
    m.response_kind,
    m.response_hash,
    m.operation,
    m.target,
    m.inputs
from stimulus_response_matrix as m
inner join report_stimuli as s
    on
        m.data_set_id = s.data_set_id
        and m.problem_id = s.problem_id
        and m.test_id = s.test_id
        and m.step_id = s.step_id
inner join report_implementations as i
    on
        m.data_set_id = i.data_set_id
        and m.problem_id = i.problem_id
        and m.implementation_id = i.implementation_id;

-- A context is an attempt of a run in an environment that is not set aside; pages list the latest ones.
create or replace temp table report_contexts as
with

contexts as (
    select
        p.p,
        c.environment_id,
        c.run_id,
        c.attempt,
        any_value(c.git_commit) as git_commit,
        any_value(c.git_branch) as git_branch,
        any_value(c.pipeline) as pipeline,
        min(c.observed_at) as observed_at,
        row_number() over (
            partition by p.p order by min(c.observed_at) desc, c.run_id desc, c.environment_id desc, c.attempt desc
        ) as recency
    from stimulus_response_cube as c
    inner join report_problems as p on c.data_set_id = p.data_set_id and c.problem_id = p.problem_id
    where not c.is_set_aside and exists (
        select 1 from report_implementations as i where i.p = p.p and i.implementation_id = c.implementation_id
    )
    group by p.p, c.environment_id, c.run_id, c.attempt
),

numbered as (
    select *, count(*) over (partition by p) as n_contexts from contexts
)

select *, cast(recency - 1 as int) as c from numbered where recency <= getvariable('max_contexts');

-- All executions of a cell. Of a duration, two digits are kept.
create or replace temp table report_executions as
select
    s.p,
    i.i,
    s.s,
    x.c,
    c.response,
    c.response_kind,
    c.response_hash,
    case
        when c.duration_ns < 100 then c.duration_ns
        else cast(
            round(c.duration_ns / pow(10, floor(log10(c.duration_ns)) - 1))
            * pow(10, floor(log10(c.duration_ns)) - 1) as bigint
        )
    end as duration
from stimulus_response_cube as c
inner join report_stimuli as s
    on
        c.data_set_id = s.data_set_id
        and c.problem_id = s.problem_id
        and c.test_id = s.test_id
        and c.step_id = s.step_id
inner join report_implementations as i
    on
        c.data_set_id = i.data_set_id
        and c.problem_id = i.problem_id
        and c.implementation_id = i.implementation_id
inner join report_contexts as x
    on
        s.p = x.p
        and c.environment_id = x.environment_id
        and c.run_id = x.run_id
        and c.attempt = x.attempt
where not c.is_set_aside;

-- Every different answer; equal ones have one class, whatever their texts.
create or replace temp table report_answers as
with

executed as (
    select p, response, response_kind, response_hash from report_cells
    union
    select p, response, response_kind, response_hash from report_executions
),

oracles as (
    select p, oracle_response as response, oracle_response_hash as response_hash from report_stimuli
    union
    select p, cluster_oracle_response, cluster_oracle_response_hash from report_stimuli
    union
    select p, specified_response, specified_response_hash from report_stimuli
    union
    select p, response, response_hash from report_alternatives
),

answers as (
    select p, response, response_kind, response_hash from executed
    union all
    select p, response, '' as response_kind, response_hash
    from oracles
    where
        response is not null
        and not exists (
            select 1
            from executed
            where
                executed.p = oracles.p
                and executed.response = oracles.response
                and executed.response_hash = oracles.response_hash
        )
)

select
    *,
    cast(row_number() over (partition by p order by response_hash, response, response_kind) - 1 as int) as a,
    cast(dense_rank() over (partition by p order by response_hash) - 1 as int) as class
from answers;

-- The number of an answer, by its text and hash alone: oracles have no kind.
create or replace temp table report_oracle_answers as
select p, response, response_hash, min(a) as a from report_answers group by p, response, response_hash;

-- Texts are cut where a page could not hold all of them.
create or replace temp table report_limits as
with

sizes as (
    select p, length(response) as size from report_answers
    union all
    select p, max(coalesce(length(inputs), 0) + coalesce(length(operation), 0) + coalesce(length(target), 0)) as size
    from report_cells
    group by p, s
)

select
    p,
    case
        when sum(least(size, 20000)) <= getvariable('max_characters') then 20000
        when sum(least(size, 5000)) <= getvariable('max_characters') then 5000
        when sum(least(size, 1000)) <= getvariable('max_characters') then 1000
        else 200
    end as text_limit
from sizes
group by p;

create or replace temp table report_numbered_cells as
select c.p, c.i, c.s, c.cluster_rank, a.a
from report_cells as c
inner join report_answers as a
    on
        c.p = a.p
        and c.response_hash = a.response_hash
        and c.response = a.response
        and c.response_kind = a.response_kind;

-- Most cells were executed once, and need no lists.
create or replace temp table report_histories as
with

numbered as (
    select e.p, e.i, e.s, e.c, a.a, e.duration
    from report_executions as e
    inner join report_answers as a
        on
            e.p = a.p
            and e.response_hash = a.response_hash
            and e.response = a.response
            and e.response_kind = a.response_kind
),

counted as (
    select
        p,
        i,
        s,
        any_value(c) as c,
        any_value(a) as a,
        any_value(duration) as duration,
        count(*) as n
    from numbered
    group by p, i, s
),

histories as (
    select p, i, s, [c] as contexts, [a] as answers, [duration] as durations from counted where n = 1
    union all
    select
        n.p,
        n.i,
        n.s,
        list(n.c order by n.c) as contexts,
        list(n.a order by n.c) as answers,
        list(n.duration order by n.c) as durations
    from numbered as n
    inner join counted as o on n.p = o.p and n.i = o.i and n.s = o.s
    where o.n > 1
    group by n.p, n.i, n.s
)

select h.*, coalesce(list_distinct(h.answers) = [c.a], false) as is_same
from histories as h
left join report_numbered_cells as c on h.p = c.p and h.i = c.i and h.s = c.s;

-- Durations differ from each other, and do not become small by compression.
create or replace temp table report_timed as
select p, count(duration) > 0 as is_timed, count(*) <= getvariable('max_durations') as has_room
from report_executions
group by p;

create or replace temp table report_context_sets as
select p, contexts, cast(row_number() over (partition by p order by contexts) - 1 as int) as set_number
from (select distinct p, contexts from report_histories);

create or replace temp table report_usual_contexts as
with

counted as (
    select h.p, h.i, n.set_number, count(*) as cells
    from report_histories as h
    inner join report_context_sets as n on h.p = n.p and h.contexts = n.contexts
    group by h.p, h.i, n.set_number
)

select p, i, arg_max(set_number, (cells, -set_number)) as set_number from counted group by p, i;

create or replace temp table report_descriptions as
select i.p, i.i, d.lineage, d.revision, d.language, d.licence, d.origin, d.content
from report_implementations as i
inner join implementations as d
    on
        i.data_set_id = d.data_set_id
        and i.problem_id = d.problem_id
        and i.implementation_id = d.implementation_id;

-- Source code, each text once.
create or replace temp table report_codes as
with

codes as (select distinct p, content from report_descriptions where content is not null),

sizes as (select p, sum(length(content)) as size from codes group by p)

select
    codes.p,
    codes.content,
    cast(row_number() over (partition by codes.p order by codes.content) - 1 as int) as code,
    case when sizes.size <= getvariable('max_characters') then 1000000 else 5000 end as text_limit
from codes
inner join sizes on codes.p = sizes.p;
