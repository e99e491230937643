-- The flaky stimuli of a data set in a window of executions or days: how often they gave another response than their usual one, with the 95 % interval of that share, and their flips. A flip is an execution that differs from the ones before and after it, which are equal, or from the one before it of the same implementation (a disagreement). A stimulus is flaky if it has a disagreement or two flips. Only executions of one content are compared.
-- Parameters: data_set, of_lineage, of_environment, of_branch, last_executions, last_days

with

revisions as (

    select
        problem_id,
        environment_id,
        implementation_id,
        lineage,
        place
    from lineage_revisions
    where data_set_id = :data_set and lineage = coalesce(:of_lineage, lineage)

),

single_implementations as (

    select
        problem_id,
        implementation_id
    from implementations
    where data_set_id = :data_set and lineage is null and :of_lineage is null

),

executed as (

    select * from stimulus_response_cube
    where
        data_set_id = :data_set
        and not is_set_aside
        and response_kind not in ('not_executed', 'skipped')
        and implementation_id <> 'oracle'
        and environment_id = coalesce(:of_environment, environment_id)
        and (:of_branch is null or git_branch = :of_branch)

),

observed as (

    select
        executed.*,
        true as is_executed,
        coalesce(revisions.lineage, '') as lineage,
        coalesce('lineage ' || revisions.lineage, 'implementation ' || executed.implementation_id) as subject_id,
        coalesce(revisions.place, 0) as revision_place,
        max(executed.observed_at) over () as last_observed_at
    from executed
    left join revisions
        on executed.problem_id = revisions.problem_id
            and executed.environment_id = revisions.environment_id
            and executed.implementation_id = revisions.implementation_id
    left join single_implementations
        on executed.problem_id = single_implementations.problem_id
            and executed.implementation_id = single_implementations.implementation_id
    where revisions.lineage is not null or single_implementations.problem_id is not null

),

recent as (

    select * from observed
    where :last_days is null or observed_at >= last_observed_at - cast(:last_days as double) * interval '1' day

),

-- Few tests have different responses, and only these are put in order.
suspect_steps as (

    select subject_id, problem_id, environment_id, test_id
    from recent
    group by subject_id, problem_id, environment_id, test_id, step_id
    having min(response_hash) <> max(response_hash)

),

suspect_tests as (

    select distinct subject_id, problem_id, environment_id, test_id
    from suspect_steps

),

actuations as (

    select recent.*
    from recent
    inner join suspect_tests
        on recent.subject_id = suspect_tests.subject_id
            and recent.problem_id = suspect_tests.problem_id
            and recent.environment_id = suspect_tests.environment_id
            and recent.test_id = suspect_tests.test_id

),

with_inputs as (

    select * from actuations
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
                        cast(sum(case when is_executed then cast(conv(regexp_replace(substr(md5(concat_ws(':', cast(place as string), input_hash)), 1, 16), '(..)(..)(..)(..)(..)(..)(..)(..)', '$8$7$6$5$4$3$2$1'), 16, 10) as decimal(38, 0)) end) over (partition by subject_id, lineage, problem_id, environment_id, test_id, implementation_id, run_id, attempt order by step_id rows between unbounded preceding and current row) as string),
                        cast(sum(case when is_executed then cast(conv(regexp_replace(substr(md5(concat_ws(':', cast(place as string), input_hash)), 17, 16), '(..)(..)(..)(..)(..)(..)(..)(..)', '$8$7$6$5$4$3$2$1'), 16, 10) as decimal(38, 0)) end) over (partition by subject_id, lineage, problem_id, environment_id, test_id, implementation_id, run_id, attempt order by step_id rows between unbounded preceding and current row) as string)
                    ))
            end as content_hash
        from (
            select
                *,
                sum(case when is_executed then 1 else 0 end) over (partition by subject_id, lineage, problem_id, environment_id, test_id, implementation_id, run_id, attempt order by step_id rows between unbounded preceding and current row) as place,
                row_number() over (partition by subject_id, lineage, problem_id, environment_id, test_id, implementation_id, run_id, attempt, input_hash order by step_id) as occurrence
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

executions as (

    select
        subject_id,
        lineage,
        problem_id,
        environment_id,
        test_id,
        implementation_id,
        step_id,
        run_id,
        attempt,
        revision_place,
        is_final,
        response,
        response_hash,
        observed_at,
        coalesce(md5('test:' || test_content_hash), content_hash) as content_id
    from with_contents
    union all
    select
        subject_id,
        lineage,
        problem_id,
        environment_id,
        test_id,
        implementation_id,
        step_id,
        run_id,
        attempt,
        revision_place,
        is_final,
        response,
        response_hash,
        observed_at,
        coalesce(md5('test:' || test_content_hash), '') as content_id
    from actuations
    where inputs is null

),

ranked as (

    select
        *,
        row_number() over (
            partition by subject_id, lineage, problem_id, environment_id, test_id, step_id, content_id
            order by revision_place desc, observed_at desc, run_id desc, attempt desc
        ) as recency
    from executions

),

chosen as (

    select * from ranked
    where recency <= :last_executions

),

flips as (

    select
            *,
            case when response_hash <> hash_before and implementation_id = implementation_before then 1 else 0 end
                as is_disagreement,
            case
                when
                    response_hash <> hash_before
                    and (implementation_id = implementation_before or hash_before = hash_after)
                    then 1
                else 0
            end as is_flip
        from (
            select
                *,
                lag(response_hash) over (partition by subject_id, lineage, problem_id, environment_id, test_id, step_id, content_id order by revision_place, observed_at, run_id, attempt) as hash_before,
                lead(response_hash) over (partition by subject_id, lineage, problem_id, environment_id, test_id, step_id, content_id order by revision_place, observed_at, run_id, attempt) as hash_after,
                lag(implementation_id) over (partition by subject_id, lineage, problem_id, environment_id, test_id, step_id, content_id order by revision_place, observed_at, run_id, attempt) as implementation_before
            from chosen
        ) as neighbours

),

counts as (

    select
        subject_id,
        lineage,
        problem_id,
        environment_id,
        test_id,
        step_id,
        content_id,
        response_hash,
        max(response) as response,
        count(*) as n_times,
        count(distinct run_id) as n_runs,
        sum(is_flip) as n_flips,
        sum(is_disagreement) as n_disagreements,
        max(case when is_flip = 1 then observed_at end) as last_flip_at
    from flips
    group by subject_id, lineage, problem_id, environment_id, test_id, step_id, content_id, response_hash

),

ranked_responses as (

    select
        *,
        row_number() over (
            partition by subject_id, lineage, problem_id, environment_id, test_id, step_id, content_id
            order by n_times desc, response_hash asc
        ) as response_rank
    from counts

),

judged as (

    select
        subject_id,
        lineage,
        problem_id,
        environment_id,
        test_id,
        step_id,
        content_id,
        cast(sum(n_times) as bigint) as n_executions,
        cast(sum(case when response_rank > 1 then n_times else 0 end) as bigint) as n_unusual,
        cast(sum(n_flips) as bigint) as n_flips,
        cast(sum(n_disagreements) as bigint) as n_disagreements,
        max(last_flip_at) as last_flip_at,
        max(case when response_rank = 1 then response end) as usual_response,
        max(case when response_rank = 2 then response end) as other_response
    from ranked_responses
    group by subject_id, lineage, problem_id, environment_id, test_id, step_id, content_id

),

known_names as (

    select
        'data set' as kind,
        data_set_id as name
    from problems
    where data_set_id is not null
    union all
    select
        'lineage' as kind,
        lineage as name
    from implementations
    where lineage is not null and data_set_id = :data_set
    union all
    select
        'environment' as kind,
        environment_id as name
    from runs
    where environment_id is not null and data_set_id = :data_set
    union all
    select
        'branch' as kind,
        git_branch as name
    from runs
    where git_branch is not null and data_set_id = :data_set

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
        'lineage' as kind,
        'implementations' as mart,
        coalesce(cast(:of_lineage as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'lineage' and name = :of_lineage)
        and :of_lineage is not null
    union all
    select
        3 as place,
        'environment' as kind,
        'runs' as mart,
        coalesce(cast(:of_environment as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'environment' and name = :of_environment)
        and :of_environment is not null
    union all
    select
        4 as place,
        'branch' as kind,
        'runs' as mart,
        coalesce(cast(:of_branch as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'branch' and name = :of_branch)
        and :of_branch is not null

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
    nullif(lineage, '') as lineage,
    environment_id,
    problem_id,
    test_id,
    step_id,
    n_executions,
    n_unusual,
    cast(n_unusual as double) / n_executions as unusual_share,
    (
            (n_unusual + 1.920729e0) / (n_executions + 3.841459e0)
            - 1.959964e0 / (n_executions + 3.841459e0) * sqrt(
                cast(n_unusual as double) * (n_executions - n_unusual) / n_executions + 0.960365e0
            )
        ) as least_share,
    (
            (n_unusual + 1.920729e0) / (n_executions + 3.841459e0)
            + 1.959964e0 / (n_executions + 3.841459e0) * sqrt(
                cast(n_unusual as double) * (n_executions - n_unusual) / n_executions + 0.960365e0
            )
        ) as greatest_share,
    n_flips,
    n_disagreements,
    last_flip_at,
    usual_response,
    other_response
from judged
where n_disagreements >= 1 or n_flips >= 2
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_name
where raise_error(message) is not null
order by n_flips desc, unusual_share desc, environment_id asc, problem_id asc, test_id asc, step_id asc
