-- What the pages of lineages show. A slice is one revision in one run: the runs of a revision follow each other, and
-- the revisions as they were made.
--
-- Reads the marts, the tables of overview.sql, and the variables `run`, `max_slices`, `max_tests`, `max_changes`,
-- `changes` (the classes of changes, the most severe first) and `unknown_severity`. Makes the views `report_part_…`,
-- one row of JSON per lineage (l, value).

create or replace temp table report_numbered_lineages as
select
    *,
    cast(row_number() over (
        order by n_regressed desc, n_to_look_at desc, data_set_id, lineage, environment_id
    ) - 1 as int) as l
from report_lineages
where has_history;

create or replace temp table report_revisions as
with

revisions as (
    select
        n.l,
        v.data_set_id,
        v.environment_id,
        v.implementation_id,
        any_value(v.revision) as revision,
        max(v.revised_at) as revised_at
    from lineage as v
    inner join report_ends as e
        on
            v.data_set_id = e.data_set_id
            and v.problem_id = e.problem_id
            and v.lineage = e.lineage
            and v.environment_id = e.environment_id
            and v.revision_rank <= e.revision_rank
    inner join report_numbered_lineages as n
        on v.data_set_id = n.data_set_id and v.lineage = n.lineage and v.environment_id = n.environment_id
    group by n.l, v.data_set_id, v.environment_id, v.implementation_id
)

select *, cast(row_number() over (partition by l order by revised_at, implementation_id) - 1 as int) as r
from revisions;

-- What each step ended with in each slice, and whether that is right.
create or replace temp table report_step_ends as
with

ends as (
    select
        r.l,
        r.r,
        c.run_id,
        c.data_set_id,
        c.problem_id,
        c.test_id,
        c.step_id,
        arg_max(c.response, c.attempt) as response,
        arg_max(c.response_kind, c.attempt) as response_kind,
        arg_max(c.response_hash, c.attempt) as response_hash,
        arg_max(c.duration_ns, c.attempt) as duration_ns,
        min(c.observed_at) as observed_at,
        any_value(c.git_commit) as git_commit,
        any_value(c.git_branch) as git_branch,
        any_value(c.pipeline) as pipeline
    from stimulus_response_cube as c
    inner join report_revisions as r
        on
            c.data_set_id = r.data_set_id
            and c.environment_id = r.environment_id
            and c.implementation_id = r.implementation_id
    inner join report_chosen as p on c.data_set_id = p.data_set_id and c.problem_id = p.problem_id
    where c.response_kind not in ('not_executed', 'skipped') and not c.is_set_aside
    group by r.l, r.r, c.run_id, c.data_set_id, c.problem_id, c.test_id, c.step_id
)

select
    e.*,
    case
        when e.response_kind = 'verdict' then split_part(e.response, '@', 1) = 'passed'
        when e.response_kind in ('timeout', 'crash') and o.specified_response_hashes is null then false
        else instr(o.specified_response_hashes, e.response_hash) > 0
    end as is_right
from ends as e
left join consensus_oracles as o
    on
        e.data_set_id = o.data_set_id
        and e.problem_id = o.problem_id
        and e.test_id = o.test_id
        and e.step_id = o.step_id;

create or replace temp table report_slices as
with

slices as (
    select
        l,
        r,
        run_id,
        any_value(git_commit) as git_commit,
        any_value(git_branch) as git_branch,
        any_value(pipeline) as pipeline,
        min(observed_at) as observed_at,
        count(distinct (problem_id, test_id)) as n_tests,
        count(*) filter (is_right) as n_right,
        count(*) filter (not is_right) as n_wrong,
        count(*) as n_steps
    from report_step_ends
    group by l, r, run_id
),

placed as (
    select *, row_number() over (partition by l order by r, observed_at, run_id) as place from slices
),

-- Where a run was chosen, it is the last one.
ended as (
    select *, max(place) filter (run_id = cast(getvariable('run') as string)) over (partition by l) as last_place
    from placed
),

ranked as (
    select
        *,
        count(*) over (partition by l) as n_slices,
        row_number() over (partition by l order by place desc) as recency
    from ended
    where place <= coalesce(last_place, place)
)

select *, cast(row_number() over (partition by l order by recency desc) - 1 as int) as s
from ranked
where recency <= getvariable('max_slices');

-- What became of each test in each slice.
create or replace temp table report_test_ends as
with

tests as (
    select
        e.l,
        s.s,
        s.r,
        e.problem_id,
        e.test_id,
        coalesce(bool_or(not e.is_right), false) as is_wrong,
        coalesce(bool_or(e.is_right), false) as is_right,
        bool_or(e.response_kind in ('timeout', 'crash')) as is_stopped,
        bool_or(e.response_kind = 'exception') as has_exception,
        sum(e.duration_ns) as duration_ns,
        md5(string_agg(e.step_id || ' ' || e.response_hash, ' ' order by e.step_id)) as behaviour
    from report_step_ends as e
    inner join report_slices as s on e.l = s.l and e.r = s.r and e.run_id = s.run_id
    group by e.l, s.s, s.r, e.problem_id, e.test_id
),

compared as (
    select
        *,
        lag(behaviour) over (partition by l, problem_id, test_id order by s) <> behaviour as is_changed,
        case
            when is_stopped then 'x'
            when is_wrong then 'f'
            when is_right then 'p'
            when has_exception then 'e'
            else 'v'
        end as letter
    from tests
)

select *, case when is_changed then upper(letter) else letter end as mark from compared;

create or replace temp table report_strips as
with

marks as (
    select
        l,
        problem_id,
        test_id,
        list(s order by s) as slices,
        list(mark order by s) as marks,
        count(*) filter (is_changed) as n_changed,
        count(*) filter (is_wrong or is_stopped) as n_wrong,
        arg_max(is_wrong or is_stopped, s) as ends_wrong
    from report_test_ends
    group by l, problem_id, test_id
)

select
    *,
    row_number() over (
        partition by l order by ends_wrong desc, n_changed desc, n_wrong desc, problem_id, test_id
    ) as place
from marks;

-- Tests whose median duration is more than half as long again, and a millisecond longer, than before.
create or replace temp table report_slower as
with

medians as (
    select l, r, problem_id, test_id, median(duration_ns) / 1e6 as milliseconds, count(*) as n_runs
    from report_test_ends
    where duration_ns is not null
    group by l, r, problem_id, test_id
),

last_ones as (select l, max(r) as r from report_slices group by l)

select
    m.l,
    m.problem_id,
    m.test_id,
    b.milliseconds as before,
    m.milliseconds as after,
    b.n_runs as n_before,
    m.n_runs as n_after
from medians as m
inner join last_ones as o on m.l = o.l and m.r = o.r
inner join medians as b
    on m.l = b.l and m.problem_id = b.problem_id and m.test_id = b.test_id and m.r = b.r + 1
where m.milliseconds > 1.5 * b.milliseconds and m.milliseconds > b.milliseconds + 1;

create or replace temp table report_failures as
with

wrong as (
    select
        e.l,
        e.problem_id,
        e.test_id,
        e.step_id,
        e.response_kind,
        -- As the function failure_groups groups them.
        regexp_replace(
            substr(split_part(e.response, chr(10), 1), 1, 300),
            '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|0x[0-9a-fA-F]+|[0-9a-f]{16,64}|[0-9]+([.,:][0-9]+)*',
            '…',
            'g'
        ) as message
    from report_step_ends as e
    inner join report_slices as s on e.l = s.l and e.r = s.r and e.run_id = s.run_id and s.recency = 1
    where not e.is_right
)

select
    l,
    response_kind,
    message,
    count(*) as n_steps,
    count(distinct (problem_id, test_id)) as n_tests,
    list(
        {'problem': problem_id, 'test': test_id, 'step': step_id} order by problem_id, test_id, step_id
    )[:5] as examples
from wrong
group by l, response_kind, message;

create or replace temp table report_changes as
select
    n.l,
    r.r,
    c.*,
    coalesce(
        list_position(getvariable('changes'), c.change) - 1, getvariable('unknown_severity')
    ) as severity,
    row_number() over (
        partition by n.l
        order by
            r.r desc,
            severity,
            c.change,
            c.problem_id,
            c.test_id,
            c.step_id
    ) as place
from behavior_changes as c
inner join report_chosen as p on c.data_set_id = p.data_set_id and c.problem_id = p.problem_id
inner join report_numbered_lineages as n
    on c.data_set_id = n.data_set_id and c.lineage = n.lineage and c.environment_id = n.environment_id
inner join report_revisions as r on n.l = r.l and c.implementation_id = r.implementation_id;

create or replace temp view report_part_lineage as
select
    n.l,
    to_json(struct_pack(
        data_set := n.data_set_id,
        lineage := n.lineage,
        environment := n.environment_id,
        slices := (select any_value(s.n_slices) from report_slices as s where s.l = n.l),
        tests := (select count(*) from report_strips as s where s.l = n.l),
        changes := (select count(*) from report_changes as c where c.l = n.l)
    )) as value
from report_numbered_lineages as n;

create or replace temp view report_part_revisions as
with

counts as (
    select l, r, map_from_entries(list((change, n) order by change)) as changes
    from (select l, r, change, count(*) as n from report_changes group by l, r, change)
    group by l, r
)

select
    r.l,
    to_json(list(struct_pack(
        implementation := r.implementation_id,
        revision := r.revision,
        at := strftime(r.revised_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S'),
        changes := c.changes
    ) order by r.r)) as value
from report_revisions as r
left join counts as c on r.l = c.l and r.r = c.r
group by r.l;

create or replace temp view report_part_slices as
select
    l,
    to_json(list(struct_pack(
        revision := r,
        run := run_id,
        at := strftime(observed_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S'),
        commit := git_commit,
        branch := git_branch,
        pipeline := pipeline,
        tests := n_tests,
        steps := n_steps,
        right := n_right,
        wrong := n_wrong
    ) order by s)) as value
from report_slices
group by l;

create or replace temp view report_part_set_aside as
select
    n.l,
    to_json(struct_pack(
        n := count(*),
        runs := list(
            struct_pack(run := s.run_id, at := s.observed_at, reason := s.set_aside_reason) order by s.recency
        ) filter (s.recency <= getvariable('max_slices'))
    )) as value
from report_set_aside as s
inner join report_numbered_lineages as n on s.data_set_id = n.data_set_id and s.environment_id = n.environment_id
group by n.l;

create or replace temp view report_part_strips as
select
    l,
    to_json(list(struct_pack(
        problem := problem_id,
        test := test_id,
        slices := slices,
        marks := array_to_string(marks, ''),
        changed := n_changed
    ) order by place)) as value
from report_strips
where place <= getvariable('max_tests') and (n_changed > 0 or n_wrong > 0)
group by l;

create or replace temp view report_part_changes as
select
    l,
    to_json(list(struct_pack(
        revision := r,
        before_revision := previous_implementation_id,
        problem := problem_id,
        test := test_id,
        step := step_id,
        change := change,
        operation := left(operation, 200),
        inputs := left(inputs, 1000),
        before := left(previous_response, 2000),
        after := left(response, 2000)
    ) order by place)) as value
from report_changes
where place <= getvariable('max_changes')
group by l;

create or replace temp view report_part_unstable_steps as
select
    r.l,
    to_json(list(struct_pack(
        revision := r.r,
        problem := f.problem_id,
        test := f.test_id,
        step := f.step_id,
        executions := f.n_executions,
        runs := f.n_runs,
        usual := left(f.most_frequent_response, 1000),
        n_usual := f.n_most_frequent,
        other := left(f.other_response, 1000)
    ) order by r.r desc, f.n_executions - f.n_most_frequent desc, f.problem_id, f.test_id, f.step_id)) as value
from flaky_responses as f
inner join report_chosen as p on f.data_set_id = p.data_set_id and f.problem_id = p.problem_id
inner join report_revisions as r
    on
        f.data_set_id = r.data_set_id
        and f.environment_id = r.environment_id
        and f.implementation_id = r.implementation_id
group by r.l;

create or replace temp view report_part_slower as
select
    l,
    to_json(list(struct_pack(
        problem := problem_id,
        test := test_id,
        before := before,
        after := after,
        n_before := n_before,
        n_after := n_after
    ) order by after - before desc, problem_id, test_id)[:100]) as value
from report_slower
group by l;

create or replace temp view report_part_failures as
select
    l,
    to_json(list(struct_pack(
        kind := response_kind, message := message, steps := n_steps, tests := n_tests, examples := examples
    ) order by n_tests desc, n_steps desc, message)[:100]) as value
from report_failures
group by l;
