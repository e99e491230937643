-- The common stimuli of a transition, the answers it kept and its class, recomputed from the executed attempts of both
-- runs in the cube.

with

transitions as (

    select * from {{ ref('behavior_transitions') }}

),

cube_rows as (

    select * from {{ ref('stimulus_response_cube') }}

),

answers as (

    {% for side in ['from', 'to'] -%}
        select
            transitions.data_set_id,
            transitions.problem_id,
            transitions.from_environment_id,
            transitions.to_environment_id,
            transitions.subject_id,
            cube_rows.test_id,
            cube_rows.step_id,
            max_by(cube_rows.response_hash, cube_rows.attempt) as response_hash,
            -- Not a null, which max_by would pass over.
            max_by(coalesce('inputs ' || cube_rows.inputs, ''), cube_rows.attempt) as inputs,
            max_by(coalesce('test ' || cube_rows.test_content_hash, ''), cube_rows.attempt) as test_content
        from transitions
        inner join cube_rows
            on
                transitions.data_set_id = cube_rows.data_set_id
                and transitions.problem_id = cube_rows.problem_id
                and transitions.{{ side }}_implementation_id = cube_rows.implementation_id
                and transitions.{{ side }}_environment_id = cube_rows.environment_id
                and transitions.{{ side }}_run_id = cube_rows.run_id
        where {{ obslake.is_executed('cube_rows.response_kind') }}
        group by
            transitions.data_set_id,
            transitions.problem_id,
            transitions.from_environment_id,
            transitions.to_environment_id,
            transitions.subject_id,
            cube_rows.test_id,
            cube_rows.step_id
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

stimuli as (

    select
        data_set_id,
        problem_id,
        from_environment_id,
        to_environment_id,
        subject_id,
        test_id,
        step_id,
        case
            when min(test_content) = max(test_content) and min(test_content) <> '' then false
            when min(inputs) <> '' then min(inputs) <> max(inputs)
            else min(test_content) <> ''
        end as is_edited,
        min(response_hash) = max(response_hash) as is_kept
    from answers
    group by data_set_id, problem_id, from_environment_id, to_environment_id, subject_id, test_id, step_id
    having count(*) = 2

),

edited_tests as (

    select
        data_set_id,
        problem_id,
        from_environment_id,
        to_environment_id,
        subject_id,
        test_id,
        min(step_id) as first_step_id
    from stimuli
    where is_edited
    group by data_set_id, problem_id, from_environment_id, to_environment_id, subject_id, test_id

),

counted as (

    select
        stimuli.data_set_id,
        stimuli.problem_id,
        stimuli.from_environment_id,
        stimuli.to_environment_id,
        stimuli.subject_id,
        -- Different answers to a step that was edited in between, or that follows one, are not compared.
        count(case
            when stimuli.is_kept or coalesce(stimuli.step_id < edited_tests.first_step_id, true) then 1
        end) as n_common,
        count(case when stimuli.is_kept then 1 end) as n_kept
    from stimuli
    left join edited_tests
        on
            stimuli.data_set_id = edited_tests.data_set_id
            and stimuli.problem_id = edited_tests.problem_id
            and stimuli.from_environment_id = edited_tests.from_environment_id
            and stimuli.to_environment_id = edited_tests.to_environment_id
            and stimuli.subject_id = edited_tests.subject_id
            and stimuli.test_id = edited_tests.test_id
    group by
        stimuli.data_set_id,
        stimuli.problem_id,
        stimuli.from_environment_id,
        stimuli.to_environment_id,
        stimuli.subject_id

),

expected as (

    select
        transitions.*,
        case
            when transitions.from_implementation_id is not null and transitions.to_implementation_id is not null
                then coalesce(counted.n_common, 0)
        end as n_common,
        case
            when transitions.from_implementation_id is not null and transitions.to_implementation_id is not null
                then coalesce(counted.n_kept, 0)
        end as n_kept
    from transitions
    left join counted
        on
            transitions.data_set_id = counted.data_set_id
            and transitions.problem_id = counted.problem_id
            and transitions.from_environment_id = counted.from_environment_id
            and transitions.to_environment_id = counted.to_environment_id
            and transitions.subject_id = counted.subject_id

),

final as (

    select * from expected
    where
        n_common is distinct from n_common_stimuli
        or n_kept is distinct from n_answers_kept
        or abs(n_kept - answers_kept_share * n_common) > 0.001
        or (coalesce(n_common, 0) = 0) <> (answers_kept_share is null)
        or transition is distinct from case
            when from_implementation_id is null then 'appeared'
            when to_implementation_id is null then 'disappeared'
            when n_common = 0 then null
            when n_common = n_kept then 'stayed'
            else 'moved'
        end

)

select * from final
