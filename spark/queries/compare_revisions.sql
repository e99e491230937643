-- The responses in which two revisions of a data set differ, per environment and problem, whatever lineage each is of, such as a pull request and its base. Only stimuli that both executed in the same environment are compared. The classes are those of `changes`.
-- Parameters: data_set, base, head

with

chosen as (

    select
        'base' as side,
        problem_id,
        implementation_id
    from implementations
    where data_set_id = :data_set and (implementation_id = :base or revision = :base)
    union all
    select
        'head' as side,
        problem_id,
        implementation_id
    from implementations
    where data_set_id = :data_set and (implementation_id = :head or revision = :head)

),

actuations as (

    select * from stimulus_response_cube
    where data_set_id = :data_set and is_final and not is_set_aside

),

executions as (

    select
        chosen.side,
        actuations.*,
        true as is_executed
    from actuations
    inner join chosen
        on
            actuations.problem_id = chosen.problem_id
            and actuations.implementation_id = chosen.implementation_id

),

-- If a revision has several implementations, the one that was executed last in an environment stands for it. A window
-- finds it, not a join: an engine that does not materialize what is used twice would repeat all steps before.
dated as (

    select
        *,
        max(observed_at) over (
            partition by side, problem_id, environment_id, implementation_id
        ) as last_observed_at
    from executions

),

ranked_implementations as (

    select
        *,
        dense_rank() over (
            partition by side, problem_id, environment_id
            order by last_observed_at desc, implementation_id desc
        ) as implementation_rank
    from dated

),

responses as (

    select
        side,
        problem_id,
        implementation_id,
        environment_id,
        test_id,
        step_id,
        run_id,
        observed_at,
        is_executed,
        operation,
        target,
        inputs,
        test_content_hash,
        response,
        response_kind,
        response_hash
    from ranked_implementations
    where implementation_rank = 1

),

with_inputs as (

    select * from responses
    where inputs is not null

),

with_contents as (

    select
            *,
            case
                when is_executed
                    then md5(concat_ws(
                        ':',
                        cast(place as string),
                        cast(sum(case when is_executed then cast(conv(regexp_replace(substr(md5(concat_ws(':', cast(place as string), input_hash)), 1, 16), '(..)(..)(..)(..)(..)(..)(..)(..)', '$8$7$6$5$4$3$2$1'), 16, 10) as decimal(38, 0)) end) over (partition by side, implementation_id, problem_id, environment_id, test_id, run_id order by step_id rows between unbounded preceding and current row) as string),
                        cast(sum(case when is_executed then cast(conv(regexp_replace(substr(md5(concat_ws(':', cast(place as string), input_hash)), 17, 16), '(..)(..)(..)(..)(..)(..)(..)(..)', '$8$7$6$5$4$3$2$1'), 16, 10) as decimal(38, 0)) end) over (partition by side, implementation_id, problem_id, environment_id, test_id, run_id order by step_id rows between unbounded preceding and current row) as string)
                    ))
            end as content_hash
        from (
            select
                *,
                sum(case when is_executed then 1 else 0 end) over (partition by side, implementation_id, problem_id, environment_id, test_id, run_id order by step_id rows between unbounded preceding and current row) as place,
                row_number() over (partition by side, implementation_id, problem_id, environment_id, test_id, run_id, input_hash order by step_id) as occurrence
            from (
                select
                    *,
                    md5(concat_ws(
                        ':',
                        coalesce(md5(operation), '-'),
                        coalesce(md5(target), '-'),
                        md5(inputs)
                    )) as input_hash
                from with_inputs
            ) as hashed
        ) as placed

),

stimuli as (

    select
        side, implementation_id, problem_id, environment_id, test_id, step_id, run_id, observed_at, is_executed, operation, inputs, test_content_hash, response, response_kind, response_hash,
        cast(step_id as string) as stimulus_id,
        case when is_executed then md5('test:' || test_content_hash) end as content_hash
    from responses
    where inputs is null
    union all
    select
        side, implementation_id, problem_id, environment_id, test_id, step_id, run_id, observed_at, is_executed, operation, inputs, test_content_hash, response, response_kind, response_hash,
        concat_ws(':', input_hash, cast(occurrence as string)) as stimulus_id,
        content_hash
    from with_contents

),

ranked as (

    select
        stimuli.*,
        row_number() over (
            partition by side, implementation_id, problem_id, environment_id, test_id, step_id
            order by is_executed desc, observed_at desc, run_id desc
        ) as recency
    from stimuli

),

latest as (

    select side, implementation_id, problem_id, environment_id, test_id, step_id, run_id, observed_at, is_executed, operation, inputs, test_content_hash, response, response_kind, response_hash, stimulus_id, content_hash from ranked
    where recency = 1

),placed as (

    select
        *,
        row_number() over (
            partition by side, implementation_id, problem_id, environment_id, test_id, stimulus_id
            order by is_executed desc, observed_at desc, run_id desc, step_id asc
        ) as precedence
    from latest
    where inputs is not null

),

cells as (

    select side, implementation_id, problem_id, environment_id, test_id, step_id, run_id, observed_at, is_executed, operation, inputs, test_content_hash, response, response_kind, response_hash, stimulus_id, content_hash from latest
    where inputs is null
    union all
    select side, implementation_id, problem_id, environment_id, test_id, step_id, run_id, observed_at, is_executed, operation, inputs, test_content_hash, response, response_kind, response_hash, stimulus_id, content_hash from placed
    where precedence = 1

),

specified as (

    select * from specified_responses
    where data_set_id = :data_set

),

first_ones as (

    select * from specified
    where is_first

),

judged as (

    select
        cells.*,
        -- The specified response that it equals, or else the first one.
        case
                when cells.response_kind = 'verdict' then case when cells.response_kind = 'verdict' then split_part(cells.response, '@', 1) = 'passed' end
                when cells.response_kind in ('timeout', 'crash') and coalesce(specified.response_hash, first_ones.response_hash) is null then false
                else instr(coalesce(specified.response_hash, first_ones.response_hash), cells.response_hash) > 0
            end as is_right
    from cells
    left join first_ones
        on cells.problem_id = first_ones.problem_id
            and cells.test_id = first_ones.test_id
            and cells.step_id = first_ones.step_id
    left join specified
        on cells.problem_id = specified.problem_id
and cells.test_id = specified.test_id
and cells.step_id = specified.step_id
and cells.response_hash = specified.response_hash

),

-- What has no counterpart was edited if both have it at the same step.
paired as (

    select
        *,
        case
            when
                min(side) over (partition by problem_id, environment_id, test_id, stimulus_id)
                <> max(side) over (partition by problem_id, environment_id, test_id, stimulus_id)
                then 'stimulus ' || stimulus_id
            else 'step ' || cast(step_id as string)
        end as counterpart
    from judged

),

bases as (

    select * from paired
    where side = 'base'

),

heads as (

    select * from paired
    where side = 'head'

),

compared as (

    select
        heads.problem_id,
        heads.environment_id,
        heads.test_id,
        heads.step_id,
        bases.step_id as base_step_id,
        bases.implementation_id as base_implementation_id,
        heads.implementation_id as head_implementation_id,
        case
                when
                    bases.content_hash <> heads.content_hash
                    and not coalesce(
                        bases.test_content_hash = heads.test_content_hash
                        and bases.step_id = heads.step_id,
                        false
                    )
                    then 'stimulus changed'
                when not bases.is_right and heads.is_right then 'fixed'
                when bases.is_right and not heads.is_right then 'regressed'
                when not bases.is_right and not heads.is_right then 'changed, both wrong'
                else 'changed'
            end as change,
        bases.is_right as base_is_right,
        heads.is_right as head_is_right,
        heads.operation,
        bases.inputs as base_inputs,
        heads.inputs as head_inputs,
        bases.response as base_response,
        heads.response as head_response,
        bases.run_id as base_run_id,
        heads.run_id as head_run_id,
        bases.observed_at as base_observed_at,
        heads.observed_at as head_observed_at,
        bases.response_hash <> heads.response_hash as is_changed
    from bases
    inner join heads
        on bases.problem_id = heads.problem_id
            and bases.environment_id = heads.environment_id
            and bases.test_id = heads.test_id
            and bases.counterpart = heads.counterpart

),

known_names as (

    select
        'data set' as kind,
        data_set_id as name
    from problems
    where data_set_id is not null
    union all
    select
        'executed revision or implementation' as kind,
        revision as name
    from implementations
    where revision is not null and data_set_id = :data_set
    union all
    select
        'executed revision or implementation' as kind,
        implementation_id as name
    from implementations
    where implementation_id is not null and data_set_id = :data_set

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
    union all
    select
        2 as place,
        'executed revision or implementation' as kind,
        'implementations' as mart,
        coalesce(cast(:base as string), '') as name,
        ' in data set \'' || :data_set || '\', not counting runs that are set aside' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'executed revision or implementation' and name = :base)
    union all
    select
        3 as place,
        'executed revision or implementation' as kind,
        'implementations' as mart,
        coalesce(cast(:head as string), '') as name,
        ' in data set \'' || :data_set || '\', not counting runs that are set aside' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'executed revision or implementation' and name = :head)

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

)

select
    problem_id,
    environment_id,
    test_id,
    step_id,
    base_step_id,
    base_implementation_id,
    head_implementation_id,
    change,
    base_is_right,
    head_is_right,
    operation,
    base_inputs,
    head_inputs,
    base_response,
    head_response,
    base_run_id,
    head_run_id,
    base_observed_at,
    head_observed_at
from compared
where is_changed
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by problem_id, environment_id, test_id, step_id
