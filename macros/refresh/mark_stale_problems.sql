{#- Statement that marks the problems that the model has to build, or all. Their versions are unlike any other until its
    rows are what they have to be. So a run that is cut off in between leaves them stale, also if they are gone.
    Meanwhile `common` is null. If it has changed, `since` is 0, and all columns are stale. -#}
{% macro mark_stale_problems(all=false) -%}
    merge into {{ obslake.refresh_table('refresh_problems') }} as problems
    using (
        select
            versions.data_set_id,
            versions.problem_id,
            versions.wanted,
            versions.wanted_common,
            versions.wanted_at,
            {{ '0' if all else 'case when versions.common = versions.wanted_common then versions.built_at else 0 end' }}
                as since,
            numbers.problem_no
        from ({{ obslake.compared_versions([model.unique_id]) }}) as versions
        inner join {{ obslake.refresh_table('refresh_problem_numbers') }} as numbers
            on versions.data_set_id = numbers.data_set_id and versions.problem_id = numbers.problem_id
        {% if not all -%}
        where coalesce(versions.wanted, '') <> coalesce(versions.version, '')
        {%- endif %}
    ) as stale
        on
            problems.model = '{{ model.name }}'
            and problems.data_set_id = stale.data_set_id
            and problems.problem_id = stale.problem_id
    when matched then update set
        version = '{{ invocation_id }}', wanted = stale.wanted, problem_no = stale.problem_no, is_stale = true,
        common = null, wanted_common = stale.wanted_common, wanted_at = stale.wanted_at, since = stale.since
    when not matched then insert (
        model, data_set_id, problem_id, problem_no, version, wanted, is_stale, wanted_common, wanted_at, since
    )
    values (
        '{{ model.name }}', stale.data_set_id, stale.problem_id, stale.problem_no,
        '{{ invocation_id }}', stale.wanted, true, stale.wanted_common, stale.wanted_at, stale.since
    )
{%- endmacro %}
