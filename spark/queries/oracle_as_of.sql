-- The consensus oracle of a problem as of a run, an environment or a revision. The function `oracle` calls it; as a query, it is on its own.
-- Parameters: data_set, problem, as_of_run, as_of_environment, as_of_revision

with

as_of_run_failures as (

    select * from marts_intermediate.int_run_failures
    where data_set_id = :data_set

),

in_context as (

    select distinct
            executed.data_set_id,
            executed.run_id,
            executed.environment_id
        from as_of_run_failures as executed
        left join marts_intermediate.int_implementations as described
            on
                executed.data_set_id = described.data_set_id
                and executed.problem_id = described.problem_id
                and executed.implementation_id = described.implementation_id
        where
            executed.n_tests > 0
            and coalesce(executed.run_id = :as_of_run, :as_of_run is null)
            and coalesce(executed.environment_id = :as_of_environment, :as_of_environment is null)
            and coalesce(described.revision = :as_of_revision, :as_of_revision is null)

),

as_of_set_aside_runs as (

    select
        data_set_id,
        problem_id,
        run_id,
        environment_id
    from marts_intermediate.int_set_aside_runs
    where data_set_id = :data_set
    union
    select
        run_failures.data_set_id,
        run_failures.problem_id,
        run_failures.run_id,
        run_failures.environment_id
    from as_of_run_failures as run_failures
    left join in_context
        on run_failures.data_set_id = in_context.data_set_id
            and run_failures.run_id = in_context.run_id
            and run_failures.environment_id = in_context.environment_id
    where in_context.run_id is null

),

as_of_stored_responses as (

    select * from marts_intermediate.int_actuations
    where data_set_id = :data_set and problem_id = :problem

),

as_of_responses as (

    -- What decides between rows with the same key is done; which of them counts depends on the runs. Those that are set
    -- aside are left out early: they are most rows of a long history.
    select
        responses.data_set_id,
        responses.problem_id,
        responses.test_id,
        responses.step_id,
        responses.implementation_id,
        responses.environment_id,
        responses.run_id,
        responses.attempt,
        responses.operation,
        responses.target,
        responses.inputs,
        responses.response,
        responses.response_kind,
        responses.response_hash,
        responses.duration_ns,
        responses.observed_at,
        responses.test_content_hash,
        responses.alternative,
        responses.is_executed,
        responses.is_oracle
    from as_of_stored_responses as responses
    left join as_of_set_aside_runs as set_aside_runs
        on responses.data_set_id = set_aside_runs.data_set_id
            and responses.run_id = set_aside_runs.run_id
            and responses.environment_id = set_aside_runs.environment_id
            and responses.problem_id = set_aside_runs.problem_id
    where set_aside_runs.run_id is null or responses.is_oracle

),

as_of_specified_responses as (

    select * from marts_intermediate.int_specified_responses
    where data_set_id = :data_set and problem_id = :problem

),

as_of_voting_rules as (

    select * from marts_intermediate.int_voting_rules
    where data_set_id = :data_set and problem_id = :problem

),

as_of_implementations as (

    select * from marts_intermediate.int_implementations
    where data_set_id = :data_set and problem_id = :problem

),

as_of_stored_signatures as (

    select * from marts_intermediate.int_run_signatures
    where data_set_id = :data_set

),

as_of_all_run_signatures as (

    select
        signatures.data_set_id,
        signatures.problem_id,
        signatures.implementation_id,
        signatures.environment_id,
        signatures.run_id,
        signatures.signature,
        signatures.n_steps,
        signatures.n_exceptions,
        signatures.n_timeouts,
        signatures.n_crashes,
        signatures.n_verdicts,
        signatures.is_voter,
        signatures.is_oracle,
        set_aside_runs.run_id is not null and not signatures.is_oracle as is_set_aside,
        signatures.first_executed_at,
        signatures.last_executed_at
    from as_of_stored_signatures as signatures
    left join as_of_set_aside_runs as set_aside_runs
        on signatures.data_set_id = set_aside_runs.data_set_id
            and signatures.run_id = set_aside_runs.run_id
            and signatures.environment_id = set_aside_runs.environment_id
            and signatures.problem_id = set_aside_runs.problem_id

),

as_of_run_signatures as (

    select * from as_of_all_run_signatures
    where problem_id = :problem

),

-- Other problems have the same lineages, and only together do they have an order.
as_of_lineages as (

    select * from marts_intermediate.int_implementations
    where data_set_id = :data_set and lineage in (select of_problem.lineage from as_of_implementations as of_problem)

),

as_of_revision_dates as (

    select * from marts_intermediate.int_revision_dates
    where data_set_id = :data_set

),

as_of_int_lineage_revisions as (

    -- The ordered revisions of each lineage that ran a problem in an environment, each with its predecessor.
    --
    -- A lineage has one order, which all its problems and environments share. So a load can change the order of revisions
    -- of another problem: this is a plain table, and its rows are the version of each problem (`meta.own_version`).



    with

    executions as (

        select
            data_set_id,
            problem_id,
            implementation_id,
            environment_id,
            run_id,
            first_executed_at,
            last_executed_at
        from "as_of_all_run_signatures"
        where n_steps > 0 and not is_oracle and not is_set_aside

    ),

    -- Implementations with the same revision of a lineage are one revision. An implementation without one is a revision of
    -- its own.
    implementations as (

        select
            data_set_id,
            problem_id,
            implementation_id,
            lineage,
            revision,
            case
                when revision is null then 'implementation ' || implementation_id
                else 'revision ' || revision
            end as revision_id
        from "as_of_lineages"
        where lineage is not null

    ),

    executed as (

        select
            implementations.data_set_id,
            implementations.problem_id,
            implementations.lineage,
            implementations.revision_id,
            implementations.implementation_id,
            implementations.revision,
            executions.environment_id,
            executions.run_id,
            executions.first_executed_at,
            executions.last_executed_at
        from implementations
        inner join executions
            on
                implementations.data_set_id = executions.data_set_id
                and implementations.problem_id = executions.problem_id
                and implementations.implementation_id = executions.implementation_id

    ),

    descriptions as (

        select * from "as_of_revision_dates"

    ),

    members as (

        select
            data_set_id,
            lineage,
            revision_id,
            implementation_id,
            min(first_executed_at) as first_executed_at
        from executed
        group by data_set_id, lineage, revision_id, implementation_id

    ),

    -- A date counts in all problems of the data set, whichever it was given for. A description without an implementation
    -- is of the revision itself.
    dates as (

        select
            members.data_set_id,
            members.lineage,
            members.revision_id,
            descriptions.revised_at,
            descriptions.load_id
        from members
        inner join descriptions
            on
                members.data_set_id = descriptions.data_set_id
                and members.implementation_id = descriptions.implementation_id
        union all
        select
            data_set_id,
            lineage,
            'revision ' || revision as revision_id,
            revised_at,
            load_id
        from descriptions
        where implementation_id is null and lineage is not null and revision is not null

    ),

    dated as (

        select
            data_set_id,
            lineage,
            revision_id,
            max_by(revised_at, load_id || ':' || cast(revised_at as string)) as revised_at
        from dates
        group by data_set_id, lineage, revision_id

    ),

    -- A revision without a date is as old as its first execution in any problem and environment.
    aged as (

        select
            members.data_set_id,
            members.lineage,
            members.revision_id,
            coalesce(max(dated.revised_at), min(members.first_executed_at)) as revised_at,
            min(members.implementation_id) as first_implementation_id
        from members
        left join dated
            on
                members.data_set_id = dated.data_set_id
                and members.lineage = dated.lineage
                and members.revision_id = dated.revision_id
        group by members.data_set_id, members.lineage, members.revision_id

    ),

    -- The implementation of a revision that was executed last stands for it, with its latest run.
    ranked as (

        select
            *,
            min(first_executed_at) over (
                partition by data_set_id, problem_id, lineage, environment_id, implementation_id
            ) as first_executed_there_at,
            row_number() over (
                partition by data_set_id, problem_id, lineage, environment_id, revision_id
                order by last_executed_at desc, implementation_id desc, run_id desc
            ) as recency
        from executed

    ),

    revisions as (

        select
            ranked.data_set_id,
            ranked.problem_id,
            ranked.lineage,
            ranked.environment_id,
            ranked.implementation_id,
            ranked.revision,
            aged.revised_at,
            aged.first_implementation_id,
            ranked.run_id,
            ranked.first_executed_there_at as first_executed_at,
            row_number() over (
                partition by ranked.data_set_id, ranked.problem_id, ranked.lineage, ranked.environment_id
                order by aged.revised_at asc, aged.first_implementation_id asc, ranked.revision_id asc
            ) as revision_rank
        from ranked
        inner join aged
            on
                ranked.data_set_id = aged.data_set_id
                and ranked.lineage = aged.lineage
                and ranked.revision_id = aged.revision_id
        where ranked.recency = 1

    ),

    final as (

        select
            data_set_id,
            problem_id,
            lineage,
            environment_id,
            implementation_id,
            revision,
            revised_at,
            first_implementation_id,
            cast(revision_rank as bigint) as revision_rank,
            lag(implementation_id) over (
                partition by data_set_id, problem_id, lineage, environment_id
                order by revision_rank
            ) as previous_implementation_id,
            run_id,
            first_executed_at
        from revisions

    )

    select * from final

),

as_of_int_actuations as (

    -- Every actuation once, with its role when the context is collapsed: whether it is the final one of its run,
    -- whether it is the cell of the matrix, and whether its run skipped the stimulus, or is set aside. Of several specified
    -- responses the first has these roles, and the others are marked as alternatives.
    --
    -- Nearly all cells of an experiment are executed once and need no sorting. A hash finds the cells that have several
    -- rows, and only those are ranked. Cells whose hashes collide are ranked, too, with the same result.



    with

    repeated_cells as (

        select xxhash64(data_set_id, problem_id, test_id, step_id, implementation_id) as cell_hash
        from "as_of_responses"
        group by xxhash64(data_set_id, problem_id, test_id, step_id, implementation_id)
        having count(*) > 1

    ),

    set_aside_runs as (

        select * from "as_of_set_aside_runs"

    ),

    single_responses as (

        select
            responses.*,
            false as is_repeated,
            responses.is_executed as is_final,
            responses.is_executed and not responses.is_set_aside as is_cell,
            not responses.is_executed as is_skipped,
            false as is_alternative,
            cast(1 as bigint) as n_runs,
            true as is_stable
        from (
            select
                observed.*,
                set_aside_runs.run_id is not null and not observed.is_oracle as is_set_aside
            from "as_of_responses" as observed
            left join set_aside_runs
                on observed.data_set_id = set_aside_runs.data_set_id
                    and observed.problem_id = set_aside_runs.problem_id
                    and observed.run_id = set_aside_runs.run_id
                    and observed.environment_id = set_aside_runs.environment_id
        ) as responses
        left join repeated_cells on xxhash64(data_set_id, problem_id, test_id, step_id, implementation_id) = repeated_cells.cell_hash
        where repeated_cells.cell_hash is null

    ),

    repeated_responses as (

        select responses.*
        from (
            select
                observed.*,
                set_aside_runs.run_id is not null and not observed.is_oracle as is_set_aside
            from "as_of_responses" as observed
            left join set_aside_runs
                on observed.data_set_id = set_aside_runs.data_set_id
                    and observed.problem_id = set_aside_runs.problem_id
                    and observed.run_id = set_aside_runs.run_id
                    and observed.environment_id = set_aside_runs.environment_id
        ) as responses
        inner join repeated_cells on xxhash64(data_set_id, problem_id, test_id, step_id, implementation_id) = repeated_cells.cell_hash

    ),

    -- The content of rows with the same key decides between them, never the order in which they were loaded.
    ranked as (

        select
            *,
            row_number() over (partition by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id, attempt
                order by
                    is_executed desc,
                    alternative asc nulls first,
                    observed_at desc,
                    response desc,
                    response_kind desc,
                    operation desc nulls last,
                    target desc nulls last,
                    inputs desc nulls last,
                    duration_ns desc nulls last,
                    test_content_hash desc nulls last) as precedence,
            lag(alternative) over (partition by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id, attempt
                order by
                    is_executed desc,
                    alternative asc nulls first,
                    observed_at desc,
                    response desc,
                    response_kind desc,
                    operation desc nulls last,
                    target desc nulls last,
                    inputs desc nulls last,
                    duration_ns desc nulls last,
                    test_content_hash desc nulls last) as alternative_before
        from repeated_responses

    ),

    -- The last executed attempt of a run is final. If none was executed, the last one says that the run skipped the
    -- stimulus.
    attempts as (

        select
            *,
            row_number() over (
                partition by data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id
                order by is_executed desc, attempt desc, precedence asc
            ) = 1 as is_last,
            precedence > 1 as is_alternative
        from ranked
        where precedence = 1 or alternative <> coalesce(alternative_before, '')

    ),

    final_attempts as (

        select
            *,
            is_executed and is_last as is_final,
            is_executed and is_last and not is_set_aside as is_counted,
            is_last and not is_executed as is_skipped
        from attempts

    ),

    runs as (

        select
            *,
            is_counted and row_number() over (
                partition by data_set_id, problem_id, test_id, step_id, implementation_id, is_counted
                order by observed_at desc, run_id desc, environment_id desc
            ) = 1 as is_cell,
            -- A run counts once for all its environments.
            dense_rank() over (
                partition by data_set_id, problem_id, test_id, step_id, implementation_id, is_counted
                order by run_id
            ) as run_number,
            min(response_hash) over (
                partition by data_set_id, problem_id, test_id, step_id, implementation_id, is_counted
            ) as least_response_hash,
            max(response_hash) over (
                partition by data_set_id, problem_id, test_id, step_id, implementation_id, is_counted
            ) as greatest_response_hash
        from final_attempts

    ),

    counted as (

        select
            *,
            true as is_repeated,
            cast(max(run_number) over (
                partition by data_set_id, problem_id, test_id, step_id, implementation_id, is_counted
            ) as bigint) as n_runs,
            least_response_hash = greatest_response_hash as is_stable
        from runs

    ),

    actuations as (

        select data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id, attempt, operation, target, inputs, response, response_kind, response_hash, duration_ns, observed_at, test_content_hash, alternative, is_executed, is_oracle, is_set_aside, is_repeated, is_final, is_cell, is_skipped, is_alternative, n_runs, is_stable from single_responses
        union all
        select data_set_id, problem_id, test_id, step_id, implementation_id, environment_id, run_id, attempt, operation, target, inputs, response, response_kind, response_hash, duration_ns, observed_at, test_content_hash, alternative, is_executed, is_oracle, is_set_aside, is_repeated, is_final, is_cell, is_skipped, is_alternative, n_runs, is_stable from counted

    ),

    final as (

        select * from (select stored.*, 0 as problem_no from actuations as stored)

    )

    select * from final

),

as_of_int_matrix_cells as (

    -- The cells of the matrices: the cube, collapsed to the latest run that executed the stimulus.
    --
    -- It has no context (run, environment, time): a new run with the same responses changes nothing here, and tables that
    -- read this are refreshed only if something changed. Models that need the context read int_actuations.



    with

    actuations as (

        select * from "as_of_int_actuations"
        where is_cell

    ),

    final as (

        select
            data_set_id,
            problem_id,
            test_id,
            step_id,
            implementation_id,
            operation,
            target,
            inputs,
            response,
            response_kind,
            response_hash,
            test_content_hash,
            is_oracle,
            problem_no
        from actuations

    )

    select * from final

),

as_of_int_column_signatures as (

    -- The signature of each implementation's column of the matrix, and whether its responses let it vote.



    with

    -- Kinds of responses that let implementations of a problem vote, by its rules.
    eligible_kinds as (

        select
            data_set_id,
            problem_id,
            argument as response_kind
        from "as_of_voting_rules"
        where rule = 'eligible_kind'

    ),

    ruled_problems as (

        select distinct
            data_set_id,
            problem_id
        from eligible_kinds

    ),

    run_columns as (

        select
            runs.*,
            count(*) over (partition by runs.data_set_id, runs.problem_id, runs.implementation_id) as n_contexts,
            ruled_problems.problem_id is not null as has_rules
        from "as_of_run_signatures" as runs
        left join ruled_problems
            on runs.data_set_id = ruled_problems.data_set_id and runs.problem_id = ruled_problems.problem_id
        where runs.n_steps > 0 and not runs.is_oracle and not runs.is_set_aside

    ),

    -- With one run in one environment, the column consists of the responses of that run.
    of_one_run as (

        select
            data_set_id,
            problem_id,
            implementation_id,
            signature,
            n_steps as n_stimuli,
            n_exceptions,
            n_timeouts,
            n_crashes,
            n_verdicts,
            is_voter as is_eligible
        from run_columns
        where n_contexts = 1 and not has_rules

    ),

    -- Other columns are counted in the cells of the matrix.
    recounted as (

        select distinct
            data_set_id,
            problem_id,
            implementation_id,
            has_rules
        from run_columns
        where n_contexts > 1 or has_rules

    ),

    cells as (

        select * from "as_of_int_matrix_cells"

    ),

    of_cells as (

        select
            cells.data_set_id,
            cells.problem_id,
            cells.implementation_id,
            md5(concat_ws(
            ':',
            cast(count(md5(concat_ws(':', response_hash, cast(step_id as string), test_id))) as string),
            cast(sum(cast(conv(substr(md5(concat_ws(':', response_hash, cast(step_id as string), test_id)), 1, 16), 16, 10) as decimal(38, 0))) as string),
            cast(sum(cast(conv(substr(md5(concat_ws(':', response_hash, cast(step_id as string), test_id)), 17, 16), 16, 10) as decimal(38, 0))) as string)
        )) as signature,
            count(*) as n_stimuli,
            cast(sum(case when cells.response_kind = 'exception' then 1 else 0 end) as bigint) as n_exceptions,
            cast(sum(case when cells.response_kind = 'timeout' then 1 else 0 end) as bigint) as n_timeouts,
            cast(sum(case when cells.response_kind = 'crash' then 1 else 0 end) as bigint) as n_crashes,
            cast(sum(case when cells.response_kind = 'verdict' then 1 else 0 end) as bigint) as n_verdicts,
            max(case
                when recounted.has_rules then case when eligible_kinds.response_kind is null then 0 else 1 end
                when cells.response_kind in ('value', 'void', 'verdict') then 1
                else 0
            end) = 1 as is_eligible
        from cells
        inner join recounted
            on
                cells.data_set_id = recounted.data_set_id
                and cells.problem_id = recounted.problem_id
                and cells.implementation_id = recounted.implementation_id
        left join eligible_kinds
            on
                cells.data_set_id = eligible_kinds.data_set_id
                and cells.problem_id = eligible_kinds.problem_id
                and cells.response_kind = eligible_kinds.response_kind
        group by cells.data_set_id, cells.problem_id, cells.implementation_id

    ),

    final as (

        select * from of_one_run
        union all
        select * from of_cells

    )

    select * from final

),

as_of_int_other_contents as (

    -- The cells of the matrices whose implementation was asked something else than is asked now: its test was edited in
    -- between, at that step or before it, or no longer has the step. They do not vote on the stimulus.
    --
    -- Nearly all stimuli have one content. Only the tests of the others are compared.



    with

    cells as (

        select * from "as_of_int_actuations"
        where is_cell and not is_oracle

    ),

    stimuli as (

        select
            problem_no,
            data_set_id,
            problem_id,
            test_id,
            step_id,
            min(test_content_hash) as least_hash,
            max(test_content_hash) as greatest_hash,
            count(test_content_hash) < count(*) and min(inputs) <> max(inputs) as has_other_inputs
        from cells
        group by problem_no, data_set_id, problem_id, test_id, step_id

    ),

    -- If all have the hash of the same test, their inputs may still differ: some are recorded after the call changed them.
    edited_tests as (

        select problem_no, data_set_id, problem_id, test_id
        from stimuli
        group by problem_no, data_set_id, problem_id, test_id
        having
            min(least_hash) <> max(greatest_hash)
            or max(case when has_other_inputs then 1 else 0 end) = 1

    ),

    -- A revision is as old as its date in the order of its lineage says.
    revisions as (

        select
            data_set_id,
            problem_id,
            implementation_id,
            max(revised_at) as revised_at
        from "as_of_int_lineage_revisions"
        group by data_set_id, problem_id, implementation_id

    ),

    -- Without a revision, a test is as old as its latest execution.
    dated_cells as (

        select
            cells.*,
            coalesce(
                revisions.revised_at,
                max(cells.observed_at) over (
                    partition by cells.problem_no, cells.data_set_id, cells.problem_id, cells.test_id, cells.implementation_id
                )
            ) as asked_at
        from cells
        inner join edited_tests
            on cells.problem_no = edited_tests.problem_no
                and cells.data_set_id = edited_tests.data_set_id
                and cells.problem_id = edited_tests.problem_id
                and cells.test_id = edited_tests.test_id
        left join revisions
            on cells.data_set_id = revisions.data_set_id
    and cells.problem_id = revisions.problem_id
    and cells.implementation_id = revisions.implementation_id

    ),

    counted as (

        select
            *,
            count(*) over (partition by problem_no, data_set_id, problem_id, test_id, asked_at, test_content_hash) as n_of_test,
            max(observed_at) over (partition by problem_no, data_set_id, problem_id, test_id, asked_at, test_content_hash) as of_test_observed_at,
            count(*) over (partition by problem_no, data_set_id, problem_id, test_id, step_id, asked_at, test_content_hash, inputs) as n_of_stimulus,
            max(observed_at) over (partition by problem_no, data_set_id, problem_id, test_id, step_id, asked_at, test_content_hash, inputs) as of_stimulus_observed_at
        from dated_cells

    ),

    -- If several contents are equally new, such as those of runs of one revision, the one executed last is asked now, then
    -- the one with most responses.
    with_current_tests as (

        select
            *,
            first_value(test_content_hash) over (
                partition by problem_no, data_set_id, problem_id, test_id
                order by
                    case when test_content_hash is null then 1 else 0 end,
                    asked_at desc,
                    of_test_observed_at desc,
                    n_of_test desc,
                    test_content_hash desc
            ) as current_test_hash
        from counted

    ),

    -- What was not recorded tells nothing, and what is of another test does so only where nothing else is known.
    ranked as (

        select
            *,
            row_number() over (
                partition by problem_no, data_set_id, problem_id, test_id, step_id
                order by
                    case when test_content_hash is null and inputs is null then 1 else 0 end,
                    case when test_content_hash <> current_test_hash then 1 else 0 end,
                    asked_at desc,
                    of_stimulus_observed_at desc,
                    n_of_stimulus desc,
                    test_content_hash desc nulls last,
                    inputs desc nulls last
            ) as recency
        from with_current_tests

    ),

    compared as (

        select
            ranked.*,
            case
                when not case
                            when ranked.test_content_hash = newest.test_content_hash then true
                            when ranked.inputs is not null and newest.inputs is not null then ranked.inputs = newest.inputs
                            else ranked.test_content_hash is null or newest.test_content_hash is null
                        end then 1
                -- The current test does not have this step.
                when
                    ranked.test_content_hash <> ranked.current_test_hash
                    and newest.test_content_hash <> newest.current_test_hash
                    then 1
                else 0
            end as is_different
        from ranked
        inner join ranked as newest
            on
                ranked.problem_no = newest.problem_no
                and ranked.data_set_id = newest.data_set_id
                and ranked.problem_id = newest.problem_id
                and ranked.test_id = newest.test_id
                and ranked.step_id = newest.step_id
                and newest.recency = 1

    ),

    -- The state of the objects under test depends on all steps before; those of the current test are known.
    judged as (

        select
            *,
            is_different = 1
            or (
                max(is_different) over (
                    partition by problem_no, data_set_id, problem_id, test_id, implementation_id
                    order by step_id
                    rows between unbounded preceding and current row
                ) = 1
                and not coalesce(test_content_hash = current_test_hash, false)
            ) as is_other
        from compared

    ),

    final as (

        select
            data_set_id,
            problem_id,
            test_id,
            step_id,
            implementation_id,
            problem_no
        from judged
        where is_other

    )

    select * from final

),

as_of_int_non_voters as (

    -- The implementations that do not vote although their responses would let them: a voting rule names them, or another
    -- implementation with the same code, or of the same origin, votes for them.

    with

    matrix_columns as (

        select * from "as_of_int_column_signatures"
        where is_eligible

    ),

    rules as (

        select
            *,
            replace(replace(replace(replace(argument, '/', '//'), '%', '/%'), '_', '/_'), '*', '%') as names
        from "as_of_voting_rules"
        where rule in ('voting_implementation', 'abstaining_implementation', 'one_vote_per')

    ),

    named as (

        select
            matrix_columns.data_set_id,
            matrix_columns.problem_id,
            matrix_columns.implementation_id
        from matrix_columns
        inner join rules
            on
                matrix_columns.data_set_id = rules.data_set_id
                and matrix_columns.problem_id = rules.problem_id
                and rules.rule <> 'one_vote_per'
                and matrix_columns.implementation_id like rules.names escape '/'
        group by matrix_columns.data_set_id, matrix_columns.problem_id, matrix_columns.implementation_id
        having max(case when rules.rule = 'voting_implementation' then 1 else 0 end) = 0

    ),

    candidates as (

        select
            matrix_columns.data_set_id,
            matrix_columns.problem_id,
            matrix_columns.implementation_id,
            coalesce(
                rules.argument, 'implementation'
            ) as one_vote_per
        from matrix_columns
        left join rules
            on
                matrix_columns.data_set_id = rules.data_set_id
                and matrix_columns.problem_id = rules.problem_id
                and rules.rule = 'one_vote_per'
        left join named
            on
                matrix_columns.data_set_id = named.data_set_id
                and matrix_columns.problem_id = named.problem_id
                and matrix_columns.implementation_id = named.implementation_id
        where named.implementation_id is null

    ),

    sharing as (

        select
            candidates.data_set_id,
            candidates.problem_id,
            candidates.implementation_id,
            case
                when candidates.one_vote_per = 'code' then implementations.content_hash
                else implementations.origin
            end as shared
        from candidates
        inner join "as_of_implementations" as implementations
            on
                candidates.data_set_id = implementations.data_set_id
                and candidates.problem_id = implementations.problem_id
                and candidates.implementation_id = implementations.implementation_id
        where candidates.one_vote_per <> 'implementation'

    ),

    other_contents as (

        select
            stored.data_set_id,
            stored.problem_id,
            stored.implementation_id,
            count(*) as n_other_contents
        from "as_of_int_other_contents" as stored
        inner join sharing
            on
                stored.data_set_id = sharing.data_set_id
                and stored.problem_id = sharing.problem_id
                and stored.implementation_id = sharing.implementation_id
        group by stored.data_set_id, stored.problem_id, stored.implementation_id

    ),

    -- One of those that share a vote votes for all of them: the first with fewest responses to other contents.
    ranked as (

        select
            sharing.*,
            row_number() over (
                partition by sharing.data_set_id, sharing.problem_id, sharing.shared
                order by coalesce(other_contents.n_other_contents, 0), sharing.implementation_id
            ) as precedence
        from sharing
        left join other_contents
            on
                sharing.data_set_id = other_contents.data_set_id
                and sharing.problem_id = other_contents.problem_id
                and sharing.implementation_id = other_contents.implementation_id
        where sharing.shared is not null

    ),

    final as (

        select
            data_set_id,
            problem_id,
            implementation_id
        from named
        union all
        select
            data_set_id,
            problem_id,
            implementation_id
        from ranked
        where precedence > 1

    )

    select * from final

),

as_of_int_implementation_signatures as (

    -- The signature of each implementation's column of the matrix, and whether the implementation may vote.



    with

    matrix_columns as (

        select * from "as_of_int_column_signatures"

    ),

    non_voters as (

        select * from "as_of_int_non_voters"

    ),

    final as (

        select
            matrix_columns.data_set_id,
            matrix_columns.problem_id,
            matrix_columns.implementation_id,
            matrix_columns.signature,
            matrix_columns.n_stimuli,
            matrix_columns.n_exceptions,
            matrix_columns.n_timeouts,
            matrix_columns.n_crashes,
            matrix_columns.n_verdicts,
            matrix_columns.is_eligible and non_voters.implementation_id is null as is_voter
        from matrix_columns
        left join non_voters
            on
                matrix_columns.data_set_id = non_voters.data_set_id
                and matrix_columns.problem_id = non_voters.problem_id
                and matrix_columns.implementation_id = non_voters.implementation_id

    )

    select * from final

),

as_of_int_clusters as (

    -- Clusters of the implementations of a problem that have equal columns, ranked by size.

    with

    matrix_columns as (

        select * from "as_of_int_implementation_signatures"

    ),

    clusters as (

        select
            data_set_id,
            problem_id,
            signature as cluster_id,
            count(*) as n_implementations,
            cast(sum(case when is_voter then 1 else 0 end) as bigint) as n_voters,
            min(implementation_id) as exemplar_implementation_id
        from matrix_columns
        group by data_set_id, problem_id, signature

    ),

    final as (

        select
            *,
            cast(
                row_number() over (
                    partition by data_set_id, problem_id
                    order by n_implementations desc, exemplar_implementation_id asc
                ) as bigint
            ) as cluster_rank,
            -- Several clusters lead if they tie for the most voters.
            n_voters > 0 and n_voters = max(n_voters) over (partition by data_set_id, problem_id) as is_leading
        from clusters

    )

    select * from final

),

as_of_int_ruled_votes as (

    -- The responses of which voting rules say whether they are votes. A rule for a response is more specific than one for
    -- the class of an exception, and that than one for a kind; of equally specific rules, the one that lets it vote wins.

    with

    rules as (

        select
            data_set_id,
            problem_id,
            rule,
            argument,
            replace(replace(replace(replace(argument, '/', '//'), '%', '/%'), '_', '/_'), '*', '%') as names
        from "as_of_voting_rules"
        where
            rule in (
                'voting_kind', 'voting_exception', 'voting_response',
                'abstaining_kind', 'abstaining_exception', 'abstaining_response'
            )

    ),

    problems as (

        select distinct
            data_set_id,
            problem_id
        from rules

    ),

    responses as (

        select distinct
            cells.data_set_id,
            cells.problem_id,
            cells.response_kind,
            cells.response
        from "as_of_int_matrix_cells" as cells
        inner join problems
            on cells.data_set_id = problems.data_set_id and cells.problem_id = problems.problem_id
        where not cells.is_oracle

    ),

    -- Even ranks vote.
    ranked as (

        select
            responses.data_set_id,
            responses.problem_id,
            responses.response_kind,
            responses.response,
            max(case
                when rules.rule like '%kind' and responses.response_kind <> rules.argument then 0
                when rules.rule like '%exception' and (
                    responses.response_kind <> 'exception'
                    or split_part(responses.response, '@', 2) not like rules.names escape '/'
                ) then 0
                when rules.rule like '%response' and responses.response not like rules.names escape '/' then 0
                when rules.rule = 'abstaining_kind' then 1
                when rules.rule = 'voting_kind' then 2
                when rules.rule = 'abstaining_exception' then 3
                when rules.rule = 'voting_exception' then 4
                when rules.rule = 'abstaining_response' then 5
                else 6
            end) as rank_of_rule
        from responses
        inner join rules
            on responses.data_set_id = rules.data_set_id and responses.problem_id = rules.problem_id
        group by responses.data_set_id, responses.problem_id, responses.response_kind, responses.response

    ),

    final as (

        select
            data_set_id,
            problem_id,
            response_kind,
            response,
            rank_of_rule % 2 = 0 as is_vote
        from ranked
        where rank_of_rule > 0

    )

    select * from final

),

as_of_int_votes as (

    -- The responses of the implementations that may vote, to the current contents of the stimuli.



    with

    cells as (

        select * from "as_of_int_matrix_cells"
        where not is_oracle

    ),

    matrix_columns as (

        select * from "as_of_int_implementation_signatures"
        where is_voter

    ),

    other_contents as (

        select * from "as_of_int_other_contents"

    ),

    ruled_votes as (

        select * from "as_of_int_ruled_votes"

    ),

    final as (

        select
            cells.data_set_id,
            cells.problem_id,
            cells.test_id,
            cells.step_id,
            cells.implementation_id,
            matrix_columns.signature as cluster_id,
            cells.response,
            cells.response_hash,
            coalesce(
                ruled_votes.is_vote, cells.response_kind in ('value', 'void', 'instance', 'exception', 'verdict')
            ) as is_vote,
            cells.problem_no
        from cells
        inner join matrix_columns
            on
                cells.data_set_id = matrix_columns.data_set_id
                and cells.problem_id = matrix_columns.problem_id
                and cells.implementation_id = matrix_columns.implementation_id
        left join other_contents
            on
                cells.problem_no = other_contents.problem_no
                and cells.data_set_id = other_contents.data_set_id
                and cells.problem_id = other_contents.problem_id
                and cells.test_id = other_contents.test_id
                and cells.step_id = other_contents.step_id
                and cells.implementation_id = other_contents.implementation_id
        left join ruled_votes
            on
                cells.data_set_id = ruled_votes.data_set_id
                and cells.problem_id = ruled_votes.problem_id
                and cells.response_kind = ruled_votes.response_kind
                and cells.response = ruled_votes.response
        where other_contents.implementation_id is null

    )

    select * from final

),

as_of_int_cluster_oracles as (

    -- The response of the cluster with the most voters to each stimulus. If several clusters tie, only a response that all
    -- of them gave counts.

    with

    leading_clusters as (

        select * from "as_of_int_clusters"
        where is_leading

    ),

    votes as (

        select * from "as_of_int_votes"

    ),

    cluster_counts as (

        select
            data_set_id,
            problem_id,
            count(*) as n_leading_clusters
        from leading_clusters
        group by data_set_id, problem_id

    ),

    responses as (

        select
            votes.data_set_id,
            votes.problem_id,
            votes.test_id,
            votes.step_id,
            min(votes.response) as response,
            min(votes.response_hash) as response_hash,
            min(votes.response_hash) = max(votes.response_hash) as is_one_response,
            max(case when votes.is_vote then 0 else 1 end) = 0 as is_voted_by_all,
            count(*) as n_votes,
            count(distinct votes.cluster_id) as n_clusters
        from votes
        inner join leading_clusters
            on
                votes.data_set_id = leading_clusters.data_set_id
                and votes.problem_id = leading_clusters.problem_id
                and votes.cluster_id = leading_clusters.cluster_id
        group by votes.data_set_id, votes.problem_id, votes.test_id, votes.step_id

    ),

    final as (

        select
            responses.data_set_id,
            responses.problem_id,
            responses.test_id,
            responses.step_id,
            responses.response,
            responses.response_hash,
            responses.n_votes
        from responses
        inner join cluster_counts
            on
                responses.data_set_id = cluster_counts.data_set_id
                and responses.problem_id = cluster_counts.problem_id
                and responses.n_clusters = cluster_counts.n_leading_clusters
        where
            responses.is_one_response
            and responses.is_voted_by_all

    )

    select * from final

),

as_of_consensus_oracles as (

    -- The response that the implementations vote for, per stimulus, with the counts of the votes.

    with

    cells as (

        select * from "as_of_int_matrix_cells"

    ),

    votes as (

        select * from "as_of_int_votes"
        where is_vote

    ),

    cluster_oracles as (

        select * from "as_of_int_cluster_oracles"

    ),

    matrix_columns as (

        select
            data_set_id,
            problem_id,
            count(*) as n_implementations
        from "as_of_int_implementation_signatures"
        group by data_set_id, problem_id

    ),

    support_rules as (

        select * from "as_of_voting_rules"
        where rule = 'minimal_support'

    ),

    supports as (

        select
            matrix_columns.*,
            case
                    when not coalesce(support_rules.argument, '1') like '% of %' then 0
                    else cast(replace(split_part(split_part(replace(coalesce(support_rules.argument, '1'), 'more than ', ''), ' of ', 1), '/', 1), '.', '') as bigint)
                end as support_numerator,
                case
                    when not coalesce(support_rules.argument, '1') like '% of %' then 1
                    when split_part(replace(coalesce(support_rules.argument, '1'), 'more than ', ''), ' of ', 1) like '%/%' then cast(split_part(split_part(replace(coalesce(support_rules.argument, '1'), 'more than ', ''), ' of ', 1), '/', 2) as bigint)
                    else cast('1' || repeat('0', length(split_part(split_part(replace(coalesce(support_rules.argument, '1'), 'more than ', ''), ' of ', 1), '.', 2))) as bigint)
                end as support_denominator,
                case
                    when not coalesce(support_rules.argument, '1') like '% of %' then cast(coalesce(support_rules.argument, '1') as bigint)
                    when coalesce(support_rules.argument, '1') like '% + %' then cast(split_part(coalesce(support_rules.argument, '1'), ' + ', 2) as bigint)
                    else 0
                end as support_offset,
                case when coalesce(support_rules.argument, '1') like 'more than %' then 1 else 0 end as support_excess,
                coalesce(support_rules.argument, '1') like '% of voters%' as is_support_of_voters
        from matrix_columns
        left join support_rules
            on
                matrix_columns.data_set_id = support_rules.data_set_id
                and matrix_columns.problem_id = support_rules.problem_id

    ),

    stimuli as (

        select
            data_set_id,
            problem_id,
            test_id,
            step_id,
            sum(case when is_oracle then 0 else 1 end) as n_cells
        from cells
        group by data_set_id, problem_id, test_id, step_id

    ),

    other_contents as (

        select
            data_set_id,
            problem_id,
            test_id,
            step_id,
            count(*) as n_other_contents
        from "as_of_int_other_contents"
        group by data_set_id, problem_id, test_id, step_id

    ),

    specified_oracles as (

        select
                data_set_id,
                problem_id,
                test_id,
                step_id,
                max(case when is_first then response end) as response,
                max(case when is_first then response_hash end) as response_hash,
                array_join(array_sort(collect_list(response_hash)), ' ') as response_hashes,
                count(*) as n_responses
            from "as_of_specified_responses" as specified_responses
            group by data_set_id, problem_id, test_id, step_id

    ),

    groups as (

        select
            data_set_id,
            problem_id,
            test_id,
            step_id,
            response_hash,
            min(response) as response,
            count(*) as n_votes
        from votes
        group by data_set_id, problem_id, test_id, step_id, response_hash

    ),

    ranked as (

        select
            *,
            row_number() over (
                partition by data_set_id, problem_id, test_id, step_id
                order by n_votes desc, response_hash asc
            ) as vote_rank
        from groups

    ),

    tallies as (

        select
            data_set_id,
            problem_id,
            test_id,
            step_id,
            cast(sum(n_votes) as bigint) as n_voters,
            count(*) as n_distinct_responses,
            max(n_votes) as n_votes,
            coalesce(max(case when vote_rank = 2 then n_votes end), 0) as n_runner_up_votes,
            max(case when vote_rank = 1 then response end) as leading_response,
            max(case when vote_rank = 1 then response_hash end) as leading_response_hash,
            -- Exact decimals: a sum of floating-point numbers would depend on the order of its terms.
            sum(cast(n_votes * log2(n_votes) as decimal(38, 9))) as weighted_bits
        from ranked
        group by data_set_id, problem_id, test_id, step_id

    ),

    supported as (

        select
            tallies.*,
            cast(
                    ((
                        supports.support_numerator
                        * case when supports.is_support_of_voters then tallies.n_voters else supports.n_implementations end
                        + supports.support_excess + supports.support_denominator - 1
                    ) - (
                        supports.support_numerator
                        * case when supports.is_support_of_voters then tallies.n_voters else supports.n_implementations end
                        + supports.support_excess + supports.support_denominator - 1
                    ) % supports.support_denominator) / supports.support_denominator as bigint
                ) + supports.support_offset as n_votes_needed
        from tallies
        inner join supports
            on tallies.data_set_id = supports.data_set_id and tallies.problem_id = supports.problem_id

    ),

    classified as (

        select
            *,
            case
                when n_distinct_responses = 1 then 'unanimous'
                when 2 * n_votes > n_voters then 'majority'
                when n_votes > n_runner_up_votes then 'plurality'
                else 'tie'
            end as consensus,
            n_votes > n_runner_up_votes and n_votes >= n_votes_needed as has_winner
        from supported

    ),

    final as (

        select
            stimuli.data_set_id,
            stimuli.problem_id,
            stimuli.test_id,
            stimuli.step_id,
            case when classified.has_winner then classified.leading_response end as oracle_response,
            case when classified.has_winner then classified.leading_response_hash end as oracle_response_hash,
            coalesce(classified.consensus, 'no_votes') as consensus,
            coalesce(classified.n_voters, 0) as n_voters,
            coalesce(classified.n_votes, 0) as n_votes,
            coalesce(classified.n_runner_up_votes, 0) as n_runner_up_votes,
            classified.n_votes_needed,
            classified.n_votes / cast(nullif(classified.n_voters, 0) as double) as vote_share,
            coalesce(classified.n_distinct_responses, 0) as n_distinct_responses,
            -- Without abs(), the difference of equal terms could be -0.0.
            abs(round(
                log2(classified.n_voters) - cast(classified.weighted_bits as double) / nullif(classified.n_voters, 0), 6
            )) as entropy,
            cluster_oracles.response as cluster_oracle_response,
            cluster_oracles.response_hash as cluster_oracle_response_hash,
            specified_oracles.response as specified_response,
            specified_oracles.response_hash as specified_response_hash,
            coalesce(specified_oracles.n_responses, 0) as n_specified_responses,
            specified_oracles.response_hashes as specified_response_hashes,
            case
                when classified.has_winner
                    then instr(specified_oracles.response_hashes, classified.leading_response_hash) > 0
            end as agrees_with_specified,
            instr(specified_oracles.response_hashes, cluster_oracles.response_hash) > 0
                as cluster_agrees_with_specified,
            coalesce(other_contents.n_other_contents, 0) as n_other_contents,
            stimuli.n_cells = 0 or stimuli.n_cells > coalesce(other_contents.n_other_contents, 0) as is_current
        from stimuli
        left join classified
            on
                stimuli.data_set_id = classified.data_set_id
                and stimuli.problem_id = classified.problem_id
                and stimuli.test_id = classified.test_id
                and stimuli.step_id = classified.step_id
        left join cluster_oracles
            on
                stimuli.data_set_id = cluster_oracles.data_set_id
                and stimuli.problem_id = cluster_oracles.problem_id
                and stimuli.test_id = cluster_oracles.test_id
                and stimuli.step_id = cluster_oracles.step_id
                and classified.n_votes_needed <= cluster_oracles.n_votes
        left join other_contents
            on
                stimuli.data_set_id = other_contents.data_set_id
                and stimuli.problem_id = other_contents.problem_id
                and stimuli.test_id = other_contents.test_id
                and stimuli.step_id = other_contents.step_id
        left join specified_oracles
            on
                stimuli.data_set_id = specified_oracles.data_set_id
                and stimuli.problem_id = specified_oracles.problem_id
                and stimuli.test_id = specified_oracles.test_id
                and stimuli.step_id = specified_oracles.step_id

    )

    select * from final

),

known_names as (

    select
        'data set' as kind,
        data_set_id as name
    from problems
    where data_set_id is not null
    union all
    select
        'problem' as kind,
        problem_id as name
    from problems
    where problem_id is not null and data_set_id = :data_set
    union all
    select
        'run' as kind,
        run_id as name
    from runs
    where run_id is not null and data_set_id = :data_set
    union all
    select
        'environment' as kind,
        environment_id as name
    from runs
    where environment_id is not null and data_set_id = :data_set
    union all
    select
        'executed revision' as kind,
        revision as name
    from implementations
    where revision is not null and data_set_id = :data_set

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
        'problem' as kind,
        'problems' as mart,
        coalesce(cast(:problem as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'problem' and name = :problem)
    union all
    select
        3 as place,
        'run' as kind,
        'runs' as mart,
        coalesce(cast(:as_of_run as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'run' and name = :as_of_run)
        and :as_of_run is not null
    union all
    select
        4 as place,
        'environment' as kind,
        'runs' as mart,
        coalesce(cast(:as_of_environment as string), '') as name,
        ' in data set \'' || :data_set || '\'' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'environment' and name = :as_of_environment)
        and :as_of_environment is not null
    union all
    select
        5 as place,
        'executed revision' as kind,
        'implementations' as mart,
        coalesce(cast(:as_of_revision as string), '') as name,
        ' in data set \'' || :data_set || '\', not counting runs that are set aside' as whereabouts
    where
        not exists (select 1 from known_names where kind = 'executed revision' and name = :as_of_revision)
        and :as_of_revision is not null

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

),

unknown_context as (

    select message
    from unknown_name
    union all
    select
        'obslake: no run has all of '
        || concat_ws(
            ', ',
            'run \'' || :as_of_run || '\'',
            'environment \'' || :as_of_environment || '\'',
            'revision \'' || :as_of_revision || '\''
        )
        || ' in data set \'' || :data_set || '\'' as message
    where
        coalesce(:as_of_run, :as_of_environment, :as_of_revision) is not null
        and not exists (select 1 from in_context)
        and not exists (select 1 from unknown_name)

)

select
    test_id,
    step_id,
    oracle_response,
    consensus,
    n_voters,
    n_votes,
    n_runner_up_votes,
    vote_share,
    n_distinct_responses,
    entropy,
    cluster_oracle_response,
    specified_response,
    n_specified_responses,
    agrees_with_specified
from as_of_consensus_oracles
union all
select raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message), raise_error(message)
from unknown_context
where raise_error(message) is not null
order by test_id, step_id
