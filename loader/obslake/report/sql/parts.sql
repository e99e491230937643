-- The parts of a problem's page as JSON, one row per problem (p, value); the tables come from problems.sql.

create or replace temp view report_part_problem as
select
    p.p,
    to_json(struct_pack(
        data_set := p.data_set_id,
        problem := p.problem_id,
        tests := a.n_tests,
        stimuli := a.n_stimuli,
        implementations := a.n_implementations,
        voters := a.n_voters,
        clusters := a.n_clusters,
        largest := a.n_largest_cluster,
        entropy := a.entropy,
        ties := a.n_tied_stimuli,
        specified := a.n_specified_stimuli,
        compared := a.n_consensus_compared,
        differing := a.n_consensus_differing,
        k := a.k,
        specified_pass := a.specified_pass_at_k,
        consensus_pass := a.consensus_pass_at_k,
        text_limit := l.text_limit,
        contexts := c.n_shown,
        all_contexts := c.n_contexts,
        lacks_durations := t.is_timed and not t.has_room
    )) as value
from report_problems as p
left join report_assessments as a on p.data_set_id = a.data_set_id and p.problem_id = a.problem_id
left join report_limits as l on p.p = l.p
left join report_timed as t on p.p = t.p
left join (
    select p, count(*) as n_shown, any_value(n_contexts) as n_contexts from report_contexts group by p
) as c on p.p = c.p;

create or replace temp view report_part_implementations as
select
    i.p,
    to_json(list(struct_pack(
        id := i.implementation_id,
        cluster := i.cluster_rank,
        voter := i.is_voter,
        rank := a.assessment_rank,
        stimuli := a.n_stimuli,
        not_run := a.n_not_run,
        exceptions := a.n_exceptions,
        timeouts := a.n_timeouts,
        crashes := a.n_crashes,
        consensus := [a.n_consensus_agreeing, a.n_consensus_compared],
        specified := [a.n_specified_agreeing, a.n_specified_compared],
        score := a.dual_agreement_score,
        mbr := a.mbr_score,
        lineage := d.lineage,
        revision := d.revision,
        language := d.language,
        licence := d.licence,
        origin := d.origin,
        code := c.code
    ) order by i.i)) as value
from report_implementations as i
left join implementation_assessments as a
    on
        i.data_set_id = a.data_set_id
        and i.problem_id = a.problem_id
        and i.implementation_id = a.implementation_id
left join report_descriptions as d on i.p = d.p and i.i = d.i
left join report_codes as c on i.p = c.p and d.content = c.content
group by i.p;

create or replace temp view report_part_codes as
select p, to_json(list(left(content, text_limit) order by code)) as value from report_codes group by p;

create or replace temp view report_part_clusters as
select
    p.p,
    to_json(list(struct_pack(
        rank := c.cluster_rank,
        size := c.n_implementations,
        voters := c.n_voters,
        exemplar := c.exemplar_implementation_id,
        stimuli := c.n_stimuli,
        exceptions := c.n_exceptions,
        first := case when c.first_differing_test_id is not null
            then [c.first_differing_test_id, cast(c.first_differing_step_id as string)] end
    ) order by c.cluster_rank)) as value
from behavior_clusters as c
inner join report_problems as p on c.data_set_id = p.data_set_id and c.problem_id = p.problem_id
group by p.p;

create or replace temp view report_part_answers as
select
    a.p,
    to_json(struct_pack(
        text := list(left(a.response, l.text_limit) order by a.a),
        length := list(case when length(a.response) > l.text_limit then length(a.response) end order by a.a),
        kind := list(a.response_kind order by a.a),
        class := list(a.class order by a.a)
    )) as value
from report_answers as a
inner join report_limits as l on a.p = l.p
group by a.p;

create or replace temp view report_part_stimuli as
with

asked as (
    select
        p,
        s,
        arg_min(operation, i) as operation,
        arg_min(target, i) as target,
        arg_min(inputs, i) as inputs,
        count(distinct inputs) as n_inputs
    from report_cells
    group by p, s
),

alternatives as (
    select r.p, r.s, list(a.a order by r.alternative) as answers
    from report_alternatives as r
    inner join report_oracle_answers as a
        on r.p = a.p and r.response = a.response and r.response_hash = a.response_hash
    group by r.p, r.s
)

select
    s.p,
    to_json(struct_pack(
        test := list(s.test_id order by s.s),
        step := list(s.step_id order by s.s),
        operation := list(left(q.operation, l.text_limit) order by s.s),
        target := list(left(q.target, l.text_limit) order by s.s),
        inputs := list(left(q.inputs, l.text_limit) order by s.s),
        inputs_length := list(case when length(q.inputs) > l.text_limit then length(q.inputs) end order by s.s),
        n_inputs := list(q.n_inputs order by s.s),
        consensus := list(s.consensus order by s.s),
        voters := list(s.n_voters order by s.s),
        votes := list(s.n_votes order by s.s),
        runner_up := list(s.n_runner_up_votes order by s.s),
        answers := list(s.n_distinct_responses order by s.s),
        entropy := list(s.entropy order by s.s),
        oracle := list(coalesce(o.a, -1) order by s.s),
        cluster_oracle := list(coalesce(k.a, -1) order by s.s),
        specified := list(coalesce(w.a, -1) order by s.s),
        alternatives := list(t.answers order by s.s),
        agrees := list(s.agrees_with_specified order by s.s)
    )) as value
from report_stimuli as s
inner join report_limits as l on s.p = l.p
left join asked as q on s.p = q.p and s.s = q.s
left join report_oracle_answers as o
    on s.p = o.p and s.oracle_response = o.response and s.oracle_response_hash = o.response_hash
left join report_oracle_answers as k
    on s.p = k.p and s.cluster_oracle_response = k.response and s.cluster_oracle_response_hash = k.response_hash
left join report_oracle_answers as w
    on s.p = w.p and s.specified_response = w.response and s.specified_response_hash = w.response_hash
left join alternatives as t on s.p = t.p and s.s = t.s
group by s.p;

-- One list of answers per cluster shown, by stimulus; -1 where it executed none.
create or replace temp view report_part_cells as
with

columns as (
    select i.p, i.i, list(coalesce(c.a, -1) order by s.s) as answers
    from report_implementations as i
    inner join report_stimuli as s on i.p = s.p
    left join report_numbered_cells as c on i.p = c.p and i.i = c.i and s.s = c.s
    where i.is_exemplar and i.cluster_rank <= getvariable('max_clusters')
    group by i.p, i.i
)

select p, to_json(map(list(i order by i), list(answers order by i))) as value from columns group by p;

-- Cells [i, s, a] whose text is not that of the first implementation of the cluster.
create or replace temp view report_part_other_texts as
select c.p, to_json(list([c.i, c.s, c.a] order by c.i, c.s)) as value
from report_numbered_cells as c
inner join report_implementations as e on c.p = e.p and c.cluster_rank = e.cluster_rank and e.is_exemplar
inner join report_numbered_cells as x on c.p = x.p and e.i = x.i and c.s = x.s
where c.a <> x.a
group by c.p;

create or replace temp view report_part_contexts as
select
    p,
    to_json(list(struct_pack(
        environment := environment_id,
        run := run_id,
        attempt := attempt,
        commit := git_commit,
        branch := git_branch,
        pipeline := pipeline,
        at := strftime(observed_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S')
    ) order by c)) as value
from report_contexts
group by p;

create or replace temp view report_part_context_sets as
select p, to_json(list(contexts order by set_number)) as value from report_context_sets group by p;

-- The contexts that most cells of an implementation were executed in, by implementation.
create or replace temp view report_part_usual_contexts as
select i.p, to_json(list(coalesce(u.set_number, -1) order by i.i)) as value
from report_implementations as i
left join report_usual_contexts as u on i.p = u.p and i.i = u.i
group by i.p;

-- Cells [i, s, set] that were executed in others.
create or replace temp view report_part_other_contexts as
select h.p, to_json(list([h.i, h.s, n.set_number] order by h.i, h.s)) as value
from report_histories as h
inner join report_context_sets as n on h.p = n.p and h.contexts = n.contexts
inner join report_usual_contexts as u on h.p = u.p and h.i = u.i
where n.set_number <> u.set_number
group by h.p;

-- Cells {i, s, a: answers in the order of the contexts} that were not answered in the same way each time.
create or replace temp view report_part_unstable as
select p, to_json(list(struct_pack(i := i, s := s, a := answers) order by i, s)) as value
from report_histories
where not is_same
group by p;

-- Nanoseconds by implementation and stimulus, in the order of the contexts.
create or replace temp view report_part_durations as
with

columns as (
    select i.p, i.i, list(h.durations order by s.s) as durations
    from report_implementations as i
    inner join report_timed as t on i.p = t.p and t.is_timed and t.has_room
    inner join report_stimuli as s on i.p = s.p
    left join report_histories as h on i.p = h.p and i.i = h.i and s.s = h.s
    group by i.p, i.i
)

select p, to_json(map(list(i order by i), list(durations order by i))) as value from columns group by p;

create or replace temp view report_part_suite as
select
    p.p,
    to_json(list(struct_pack(
        test := t.test_id,
        steps := t.n_steps,
        pairs := t.n_pairs_newly_split,
        columns := t.n_distinct_columns
    ) order by t.suite_rank)) as value
from discriminating_tests as t
inner join report_problems as p on t.data_set_id = p.data_set_id and t.problem_id = p.problem_id
where t.is_in_minimal_suite
group by p.p;
