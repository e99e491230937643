-- Computes the matrices, clusters and oracles of some problems from their observations, independently of the models
-- and in DuckDB's own dialect.
--
-- Reads the variables of the rules (oracle, voting_kinds, eligible_kinds, one_vote_per, minimal_support), the view
-- recorded (observations with the latest names of tests) and the temporary tables verified_problems, test_rules (the
-- tests with rules of equality of their own), canonical_hashes (of responses that rules of equality make equal to
-- others), described (code and origin of implementations), other_contents (cells that answer a stimulus before it was
-- edited), set_aside_runs (which count for no implementation) and voting_rules (of problems with rules of their own).

create or replace temp view verified_responses as
select
    o.* replace (if(implementation_id = getvariable('oracle'), coalesce(alternative, ''), '') as alternative),
    response_kind not in ('not_executed', 'skipped') as executed,
    case
        when output is null or (response_kind = 'void' and output = '') then coalesce(
            map {
                'void': '{}', 'timeout': '$TIMEOUT', 'crash': '$CRASH', 'not_serializable': '$N/A',
                'not_executed': '$*', 'skipped': '$*'
            }[response_kind],
            ''
        )
        else output
    end as response
from recorded as o
semi join verified_problems as v on o.data_set_id = v.data_set_id and o.problem_id = v.problem_id;

create or replace temp table verified_cells as
with

attempts as (
    select * from verified_responses
    qualify row_number() over (
        partition by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id, attempt
        order by
            executed desc, alternative asc, observed_at desc, response desc, response_kind desc,
            operation desc nulls last, target desc nulls last, inputs desc nulls last, duration_ns desc nulls last,
            test_content_hash desc nulls last
    ) = 1
),

runs as (
    select * from attempts
    where
        executed
        and (
            implementation_id = getvariable('oracle')
            or (data_set_id, problem_id, run_id, environment_id) not in (from set_aside_runs)
        )
    qualify row_number() over (
        partition by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id
        order by attempt desc
    ) = 1
),

cells as (
    select
        *,
        md5(case when response_kind = 'verdict' then split_part(response, '@', 1) else response end) as exact_hash
    from runs
    qualify row_number() over (
        partition by data_set_id, problem_id, test_id, step_id, implementation_id
        order by observed_at desc, run_id desc, environment_id desc
    ) = 1
),

ruled_cells as (
    select * replace (coalesce(test_pattern, '') as test_pattern)
    from cells
    left join test_rules using (data_set_id, problem_id, test_id)
)

select
    data_set_id, problem_id, test_id, step_id, implementation_id, operation, target, inputs, response,
    response_kind, run_id, environment_id, attempt, observed_at,
    coalesce(c.response_hash, exact_hash) as canonical
from ruled_cells
left join canonical_hashes as c using (data_set_id, problem_id, test_pattern, response_kind, exact_hash);

-- How the implementations of each problem vote: by its rules, or else by the variables.
create or replace temp table verified_votings as
select
    data_set_id,
    problem_id,
    coalesce(max(argument) filter (rule = 'one_vote_per'), getvariable('one_vote_per')) as one_vote_per,
    coalesce(
        max(argument) filter (rule = 'minimal_support'), cast(getvariable('minimal_support') as varchar)
    ) as minimal_support,
    coalesce(list(argument) filter (rule = 'eligible_kind'), getvariable('eligible_kinds')) as eligible_kinds,
    -- In the order in which they decide.
    list(
        {'rule': rule, 'expression': '^' || replace(regexp_escape(argument), '\*', '(?s:.*)') || '$'}
        order by
            case when rule like '%response' then 1 when rule like '%exception' then 2 else 3 end,
            rule like 'voting%' desc
    ) filter (rule like 'voting%' or rule like 'abstaining%') as opinions
from verified_problems
left join voting_rules using (data_set_id, problem_id)
group by data_set_id, problem_id;

create or replace temp table verified_specified as
with

alternatives as (
    select
        o.*,
        md5(if(response_kind = 'verdict', split_part(response, '@', 1), response)) as exact_hash
    from verified_responses as o
    semi join verified_cells as c using (
        data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id, attempt
    )
    where implementation_id = getvariable('oracle') and executed
    qualify row_number() over (
        partition by data_set_id, problem_id, test_id, step_id, alternative
        order by observed_at desc, response desc, response_kind desc
    ) = 1
),

ruled_alternatives as (
    select * replace (coalesce(test_pattern, '') as test_pattern)
    from alternatives
    left join test_rules using (data_set_id, problem_id, test_id)
),

canonical_alternatives as (
    select a.*, coalesce(c.response_hash, exact_hash) as canonical
    from ruled_alternatives as a
    left join canonical_hashes as c using (data_set_id, problem_id, test_pattern, response_kind, exact_hash)
    where list_contains(getvariable('voting_kinds'), response_kind)
)

select
    data_set_id,
    problem_id,
    test_id,
    step_id,
    canonical,
    nullif(min(alternative), '') as alternative,
    arg_min(response, alternative) as response,
    arg_min(response_kind, alternative) as response_kind,
    row_number() over (partition by data_set_id, problem_id, test_id, step_id order by min(alternative)) = 1 as is_first
from canonical_alternatives
group by data_set_id, problem_id, test_id, step_id, canonical;

create or replace temp table verified_columns as
with

answered as (
    select
        data_set_id,
        problem_id,
        implementation_id,
        md5(cast(
            to_json(list({'t': test_id, 's': step_id, 'r': canonical} order by test_id, step_id)) as varchar
        )) as answers,
        any_value(one_vote_per) as one_vote_per,
        bool_or(list_contains(eligible_kinds, response_kind)) and coalesce(
            list_filter(
                any_value(opinions), lambda o:
                o.rule like '%implementation' and regexp_matches(implementation_id, o.expression)
            )[1].rule, ''
        ) <> 'abstaining_implementation' as is_eligible,
        count(*) as n_stimuli
    from verified_cells
    inner join verified_votings using (data_set_id, problem_id)
    where implementation_id <> getvariable('oracle')
    group by data_set_id, problem_id, implementation_id
),

others as (
    select data_set_id, problem_id, implementation_id, count(*) as n_other
    from other_contents
    group by data_set_id, problem_id, implementation_id
),

owned as (
    select
        answered.*,
        coalesce(n_other, 0) as n_other,
        case one_vote_per when 'code' then content_hash when 'origin' then origin end as owner
    from answered
    left join described using (data_set_id, problem_id, implementation_id)
    left join others using (data_set_id, problem_id, implementation_id)
)

select
    *,
    is_eligible and (
        owner is null
        or implementation_id = first_value(implementation_id) over (
            partition by data_set_id, problem_id, is_eligible, owner
            order by n_other, implementation_id
        )
    ) as is_voter
from owned;

create or replace temp table verified_members as
select
    data_set_id,
    problem_id,
    implementation_id,
    is_voter,
    n_stimuli,
    min(implementation_id) over cluster as exemplar,
    count(*) over cluster as n_implementations
from verified_columns
window cluster as (partition by data_set_id, problem_id, answers);

create or replace temp table verified_oracles as
with

ballots as (
    select
        c.*,
        coalesce(
            list_filter(
                opinions, lambda o: case
                    when o.rule like '%response' then regexp_matches(response, o.expression)
                    when o.rule like '%exception' then
                        response_kind = 'exception'
                        and regexp_matches(split_part(response, '@', 2), o.expression)
                    when o.rule like '%kind' then regexp_matches(response_kind, o.expression)
                    else false
                end
            )[1].rule like 'voting%',
            list_contains(getvariable('voting_kinds'), response_kind)
        ) as is_vote
    from verified_cells as c
    inner join verified_votings using (data_set_id, problem_id)
    semi join (from verified_columns where is_voter) as voters using (data_set_id, problem_id, implementation_id)
    anti join other_contents using (data_set_id, problem_id, test_id, step_id, implementation_id)
),

tallies as (
    select data_set_id, problem_id, test_id, step_id, canonical, min(response) as response, count(*) as n
    from ballots
    where is_vote
    group by all
),

votes as (
    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        cast(sum(n) as bigint) as n_voters,
        count(*) as n_distinct_responses,
        list(n order by n desc) as counts,
        arg_max(response, n) as winner,
        arg_max(canonical, n) as winning_canonical
    from tallies
    group by all
),

-- Shares as numerator and denominator of whole numbers, because fractions would be rounded.
supports as (
    select
        data_set_id, problem_id,
        minimal_support like 'more than %' as is_more,
        case
            when share like '%/%' then split_part(share, '/', 1)::bigint
            when minimal_support like '% of %' then cast(cast(share as decimal(18, 6)) * 1000000 as bigint)
            else 0
        end as numerator,
        case when share like '%/%' then split_part(share, '/', 2)::bigint else 1000000 end as denominator,
        case
            when minimal_support like '% of %' then coalesce(nullif(split_part(minimal_support, ' + ', 2), ''), '0')
            else minimal_support
        end::bigint as more,
        case when minimal_support like '% of implementations%' then n_implementations end as n_implementations
    from (
        select *, split_part(replace(minimal_support, 'more than ', ''), ' ', 1) as share from verified_votings
    ) as votings
    left join (
        select data_set_id, problem_id, count(*) as n_implementations from verified_columns group by all
    ) as counts using (data_set_id, problem_id)
),

needed as (
    select
        data_set_id, problem_id, test_id, step_id,
        more + case
            when is_more then numerator * coalesce(n_implementations, n_voters) // denominator + 1
            else (numerator * coalesce(n_implementations, n_voters) + denominator - 1) // denominator
        end as n_votes_needed
    from votes
    inner join supports using (data_set_id, problem_id)
),

stimuli as (
    select distinct data_set_id, problem_id, test_id, step_id from verified_cells
),

specified as (
    select
        data_set_id,
        problem_id,
        test_id,
        step_id,
        max(response) filter (is_first) as specified_response,
        list(canonical) as specified_canonicals
    from verified_specified
    group by all
)

select
    data_set_id,
    problem_id,
    test_id,
    step_id,
    case
        when counts is null then 'no_votes'
        when n_distinct_responses = 1 then 'unanimous'
        when 2 * counts[1] > n_voters then 'majority'
        when counts[1] > counts[2] then 'plurality'
        else 'tie'
    end as consensus,
    coalesce(n_voters, 0) as n_voters,
    coalesce(counts[1], 0) as n_votes,
    coalesce(counts[2], 0) as n_runner_up_votes,
    coalesce(n_distinct_responses, 0) as n_distinct_responses,
    n_votes_needed,
    case when consensus <> 'tie' and n_votes >= n_votes_needed then winner end as oracle_response,
    specified_response,
    if(oracle_response is not null, list_contains(specified_canonicals, winning_canonical), null)
        as agrees_with_specified
from stimuli
left join votes using (data_set_id, problem_id, test_id, step_id)
left join needed using (data_set_id, problem_id, test_id, step_id)
left join specified using (data_set_id, problem_id, test_id, step_id);
