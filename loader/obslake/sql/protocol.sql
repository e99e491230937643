-- The response protocol: from the text of a response to its kind.
-- A token is the text before the first `@`; ordinary values are JSON, which never starts with `$`.
create or replace temp macro response_kind(output) as
case
    when output is null then 'not_executed'
    when output in ('{}', '') then 'void'
    when starts_with(output, '$') then
        case split_part(output, '@', 1)
            when '$CUT' then 'instance'
            when '$EXCEPTION' then 'exception'
            when '$TRUNCATED' then 'value'
            when '$TIMEOUT' then 'timeout'
            when '$CRASH' then 'crash'
            when '$N/A' then 'not_serializable'
            when '$*' then 'not_executed'
            else 'other'
        end
    when split_part(output, '@', 1) in ('passed', 'failed', 'error') then 'verdict'
    when split_part(output, '@', 1) = 'skipped' then 'skipped'
    else 'value'
end;

-- DuckDB takes no JSON with lone surrogates, which JSON itself allows and Python writes: another character
-- stands for them in the check.
create or replace temp macro json_skeleton(text) as
regexp_replace(text, '"(?:[^"\\]|\\.)*"', '""', 'g');

-- What DuckDB takes and JSON does not know: NaN, infinities, a comma before a closing bracket.
create or replace temp macro has_no_json(text) as
regexp_matches(text, '(?i)nan|inf|,\s*[\]}]');

create or replace temp macro is_json(text) as
(json_valid(text) or json_valid(regexp_replace(text, '\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\u0041', 'g')))
and not (has_no_json(text) and has_no_json(json_skeleton(text)));

-- One argument as an element of a JSON array: JSON stays as it is, any other token becomes a string.
create or replace temp macro json_argument(argument) as
case
    when argument is null then 'null'
    when is_json(argument) then argument
    else cast(to_json(argument) as varchar)
end;

-- Newer LASSO arenas name themselves by a random UUID, which says nothing about where code was executed.
create or replace temp macro is_random_arena(arena_id) as
regexp_full_match(arena_id, '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}');
