-- The response protocol: the kind of a response from its text.
-- A token is the text before the first `@`; ordinary values are JSON, which never starts with `$`.
--
-- In: variables `harness_outcomes` and `verdict_tokens` when the words of a harness are read.
-- Out: macros `response_kind`, `is_token`, `is_json`, `json_argument`, `json_string`, `string_response`, `iso_moment`,
--      `has_bare_floats`, `with_tagged_floats`, `harness_words`, `harness_outcome`, `flag_verdict`, `is_verdict`,
--      `verdict_response`, `translated_verdict`, `is_random_arena`, `arena_environment`.

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

-- DuckDB rejects JSON with lone surrogates, which JSON allows and Python writes: `is_json` replaces them by another
-- character.
create or replace temp macro json_skeleton(text) as
regexp_replace(text, '"(?:[^"\\]|\\.)*"', '""', 'g');

-- Invalid JSON that DuckDB accepts: NaN, infinities, a comma before a closing bracket.
create or replace temp macro has_no_json(text) as
regexp_matches(text, '(?i)nan|inf|,\s*[\]}]');

create or replace temp macro is_json(text) as
(json_valid(text) or json_valid(regexp_replace(text, '\\u[dD][89a-fA-F][0-9a-fA-F]{2}', '\\u0041', 'g')))
and not (has_no_json(text) and has_no_json(json_skeleton(text)));

-- One argument as an element of a JSON array: JSON stays unchanged, any other text becomes a string.
create or replace temp macro json_argument(argument) as
case
    when argument is null then 'null'
    when is_json(argument) then argument
    else cast(to_json(argument) as varchar)
end;

-- The id of newer LASSO arenas is a random UUID, unrelated to where code was executed.
create or replace temp macro is_random_arena(arena_id) as
regexp_full_match(arena_id, '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}');

-- The environment of exports whose arena has only a random id.
create or replace temp macro arena_environment() as 'arena';

-- A string as JSON, escaped as by Python: DuckDB writes the hex digits of control characters in upper case.
create or replace temp macro json_string(text) as
case
    when regexp_matches(text, '[\x00-\x1f]') then
        array_to_string(
            list_transform(
                regexp_extract_all(cast(to_json(text) as varchar), '\\u[0-9A-Fa-f]{4}|\\.|[^\\]+'),
                lambda part: if(starts_with(part, '\u'), lower(part), part)
            ),
            ''
        )
    else cast(to_json(text) as varchar)
end;

-- A timestamp in the format of Python's isoformat().
create or replace temp macro iso_moment(moment) as
case
    when not isfinite(moment) then cast(moment as varchar)
    when microsecond(moment) % 1000000 = 0 then strftime(moment, '%Y-%m-%dT%H:%M:%S')
    else strftime(moment, '%Y-%m-%dT%H:%M:%S.%f')
end;

-- Whether a text is a token for something other than a value, whatever the other outputs are.
create or replace temp macro is_token(text) as
split_part(text, '@', 1) in ('$EXCEPTION', '$TIMEOUT', '$CRASH', '$N/A', '$*', '$CUT', '$TRUNCATED');

-- The response for a returned string: tokens stay tokens, anything else is a value.
create or replace temp macro string_response(text) as
if(is_token(text), text, json_string(text));

-- Floats that Python's json.dumps (NaN, Infinity) and repr (nan, inf) write, but that are not valid JSON.
create or replace temp macro bare_float() as
'\b(NaN|Infinity|nan|inf)\b';

create or replace temp macro has_bare_floats(text) as
regexp_matches(text, bare_float())
and regexp_matches(json_skeleton(text), bare_float())
and not regexp_matches(
    regexp_replace(json_skeleton(text), '-?' || bare_float(), '0', 'g'), '(?i)nan|inf|,\s*[\]}]'
)
and json_valid(regexp_replace(json_skeleton(text), '-?' || bare_float(), '0', 'g'));

create or replace temp macro tagged_float(text) as
'{"$float":"' || if(starts_with(text, '-'), '-', '') || if(contains(lower(text), 'nan'), 'nan', 'inf') || '"}';

create or replace temp macro with_tagged_floats(text) as
case
    when text is null or not has_bare_floats(text) then text
    else
        array_to_string(
            list_transform(
                regexp_extract_all(text, '"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity|nan|inf)\b|.', 0, 's'),
                lambda part: if(
                    regexp_full_match(part, '-?(NaN|Infinity|nan|inf)'), tagged_float(part), part
                )
            ),
            ''
        )
end;

-- The words of a harness at the start of a text: `failed: division by zero`, `timed out`, `Accepted (AC)`,
-- `skipped 'slow'`, `not ok 3 - adds`, `***Failed`, `timed out after 3 s`.
create or replace temp macro harness_words(text) as
regexp_extract(
    text,
    '^[\s*]*([A-Za-z][A-Za-z _-]*?)\s*(?:[:@(\[''"#]|\s-\s|\s\d|\s(?:after|at|during|in|with)\s|$)',
    1
);

-- `# SKIP` and `# TODO` of TAP outweigh `ok` and `not ok`.
create or replace temp macro outcome_of_words(text, words) as
case
    when contains(text, '#') and regexp_matches(text, '(?i)^\s*(not )?ok\b[^#]*#\s*(skip|todo)') then 'skipped'
    else map_extract_value(getvariable('harness_outcomes'), lower(regexp_replace(words, '[\s_-]+', '', 'g')))
end;

create or replace temp macro harness_outcome(text) as
outcome_of_words(text, harness_words(text));

-- The outcome of a test as a flag; other numbers mean different things to different harnesses.
create or replace temp macro flag_verdict(text) as
case when lower(text) in ('true', '1', '1.0') then 'passed' when lower(text) in ('false', '0', '0.0') then 'failed' end;

create or replace temp macro is_verdict(text) as
split_part(text, '@', 1) in ('passed', 'failed', 'error', 'skipped');

-- The text after the words of a harness: `failed: division by zero` -> `division by zero`.
create or replace temp macro details_after_words(text, words) as
nullif(trim(regexp_replace(substr(text, strpos(text, words) + length(words)), '^\s*(?:[:@]|-\s)', '')), '');

-- The class of an exception at the start of the details, before its message or alone.
create or replace temp macro details_class(details) as
regexp_extract(details, '^([\w.$]*(?:Error|Exception|Failure|Warning|Exit))\s*(?::|$)', 1);

create or replace temp macro classed_details(details) as
if(
    details_class(details) = '',
    '@' || details,
    details_class(details)
    || coalesce('@' || nullif(ltrim(substr(details, length(details_class(details)) + 1), ' :'), ''), '')
);

-- The text of the protocol for an outcome.
create or replace temp macro outcome_response(outcome, details) as
case
    when outcome in ('failed', 'error') and details is not null then outcome || '@' || classed_details(details)
    else map_extract_value(getvariable('verdict_tokens'), outcome) || coalesce('@' || details, '')
end;

-- The verdict of a harness, in any spelling, in the words of the protocol. A lambda finds the words once.
create or replace temp macro verdict_response(text) as
case
    when text is null or is_verdict(text) then text
    else
        coalesce(
            list_transform(
                [harness_words(text)],
                lambda words: outcome_response(outcome_of_words(text, words), details_after_words(text, words))
            )[1],
            flag_verdict(text),
            text
        )
end;

-- The verdict that a text in the words of a harness, or a flag, is translated into, without details; null: none is.
create or replace temp macro translated_verdict(text) as
case
    when is_verdict(text) or is_token(text) then null
    else coalesce(map_extract_value(getvariable('verdict_tokens'), harness_outcome(text)), flag_verdict(text))
end;
