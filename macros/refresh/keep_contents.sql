{#- Statements that keep versions of the content of stale problems: the former ones if the content is the same.
    Otherwise they get a new version, and so does a problem that was built as a whole: its former content is
    unknown. -#}
{% macro keep_contents(is_known) -%}
    {%- set statements = [] -%}
    {%- for node in obslake.contents() -%}
        {%- set name = node.name ~ ' (content)' -%}
        {%- set statement -%}
            merge into {{ obslake.refresh_table('refresh_problems') }} as known
            using (
                select
                    problems.data_set_id,
                    problems.problem_id,
                    problems.problem_no,
                    problems.wanted,
                    problems.wanted_common,
                    problems.wanted_at,
                    {% if is_known -%}
                    {{ 'problems.since > 0 and ' if obslake.builds_columns() else '' -}}
                    coalesce(former.content, '') = coalesce(now.content, '') as is_same
                    {%- else -%}
                    false as is_same
                    {%- endif %}
                from {{ obslake.refresh_table('refresh_problems') }} as problems
                {%- if is_known %}
                left join {{ obslake.refresh_table('refresh_contents') }} as former
                    on
                        former.model = '{{ node.name }}'
                        and problems.data_set_id = former.data_set_id
                        and problems.problem_id = former.problem_id
                left join ({{ obslake.stale_contents(node) }}) as now
                    on problems.data_set_id = now.data_set_id and problems.problem_id = now.problem_id
                {%- endif %}
                where problems.model = '{{ model.name }}' and problems.is_stale
            ) as built
                on
                    known.model = '{{ name }}'
                    and known.data_set_id = built.data_set_id
                    and known.problem_id = built.problem_id
            when matched then update set
                version = case
                    when built.is_same then known.version
                    when built.wanted is not null then md5(built.wanted || '{{ invocation_id }}')
                end,
                common = built.wanted_common,
                built_at = built.wanted_at
            when not matched then insert (
                model, data_set_id, problem_id, problem_no, version, common, built_at, is_stale
            )
            values (
                '{{ name }}', built.data_set_id, built.problem_id, built.problem_no,
                case when built.wanted is not null then md5(built.wanted || '{{ invocation_id }}') end,
                built.wanted_common, built.wanted_at, false
            )
        {%- endset -%}
        {%- do statements.append(statement) -%}
    {%- endfor -%}
    {{ return(statements) }}
{%- endmacro %}
