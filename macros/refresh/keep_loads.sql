{#- Hook: number the changes of which loads are shown. A load that appeared, disappeared, or of which rows were
    forgotten since the last run gets the next number. A table stores the last number that its rows include: its
    stale columns are those with rows in loads with greater numbers. -#}
{% macro keep_loads() -%}
    {%- if execute and obslake.refreshes_columns() and not var('obslake_observations') -%}
    {%- set known = obslake.refresh_table('refresh_loads') -%}
    merge into {{ known }} as known
    using (
        select
            coalesce(shown.load_id, before.load_id) as load_id,
            coalesce(shown.revision, before.revision) as revision,
            shown.load_id is not null as is_shown,
            numbers.next_number
        from {{ obslake.shown_loads() }} as shown
        full outer join (select * from {{ known }} where is_shown) as before
            on shown.load_id = before.load_id and shown.revision = before.revision
        cross join (select coalesce(max(changed_at), 0) + 1 as next_number from {{ known }}) as numbers
        where shown.load_id is null or before.load_id is null
    ) as changed
        on known.load_id = changed.load_id and known.revision = changed.revision
    when matched then update set is_shown = changed.is_shown, changed_at = changed.next_number
    when not matched then insert (load_id, revision, is_shown, first_at, changed_at)
    values (changed.load_id, changed.revision, changed.is_shown, changed.next_number, changed.next_number)
    {%- endif -%}
{%- endmacro %}
