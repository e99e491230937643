{#- Query: the invalid rows of runs that are set aside, each with its fault. -#}
{% macro faulty_runs_set_aside(relation) -%}
    select *
    from (
        select
            data_set_id,
            environment_id,
            run_id,
            case
                when run_id is null then 'the run is missing'
                when coalesce(is_set_aside, '') not in ('true', 'false') then 'is_set_aside must be true or false'
                when is_set_aside = 'true' and reason is null then 'a run that is set aside needs a reason'
                when count(*) over (partition by data_set_id, run_id, environment_id) > 1
                    then 'the run is repeated for the same data set and environment'
            end as fault
        from {{ relation }}
    ) as decisions
    where fault is not null
{%- endmacro %}
