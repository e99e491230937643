-- Parse timestamps with the time zones of RFC 2822 and numeric offsets only: DuckDB alone reads BST as Bangladesh, AST
-- as Anchorage and IST as Israel.
--
-- Out: macros `moment`, `written_zone`, `without_zone`, `zone_seconds`.

-- The text after the time of day: '2020-07-01 10:11:12.5 PST -0800' -> ' PST -0800'.
create or replace temp macro after_time_of_day(moment) as
regexp_extract(cast(moment as varchar), '^.*?\d:\d\d(?::\d\d(?:[.,]\d+)?)?(.*)$', 1);

-- The zone as written, '' if there is none: 'PST -0800', 'GMT+0200 (CEST)', 'Z'. AM or PM may precede it, and the year
-- may follow it, as `date` writes them.
create or replace temp macro written_zone(moment) as
regexp_extract(
    after_time_of_day(moment), '^\s*(?:(?:[AaPp]\.?[Mm]\b\.?)\s*)?(.*?)(?:\s+\d{4})?\s*$', 1
);

-- Seconds east of Greenwich of a written zone; 0 if there is none, null if it is unknown. An offset after a name takes
-- precedence over the name.
create or replace temp macro zone_seconds(zone) as
case
    when zone = '' then 0
    when regexp_full_match(zone, '(?i)[a-z]{0,5}\s*[+-](0?\d|1[0-8])(:?[0-5]\d){0,2}\s*(\([^()]*\))?')
        then
            if(regexp_extract(zone, '[+-]') = '-', -1, 1) * (
                3600 * cast(regexp_extract(zone, '[+-](\d\d?)', 1) as int)
                + 60 * coalesce(try_cast(regexp_extract(zone, '[+-]\d\d?:?(\d\d)', 1) as int), 0)
                + coalesce(try_cast(regexp_extract(zone, '[+-]\d\d?:?\d\d:?(\d\d)', 1) as int), 0)
            )
    else
        case upper(regexp_replace(zone, '\s*\([^()]*\)$', ''))
            when 'Z' then 0
            when 'UT' then 0
            when 'UTC' then 0
            when 'GMT' then 0
            when 'EDT' then -4 * 3600
            when 'EST' then -5 * 3600
            when 'CDT' then -5 * 3600
            when 'CST' then -6 * 3600
            when 'MDT' then -6 * 3600
            when 'MST' then -7 * 3600
            when 'PDT' then -7 * 3600
            when 'PST' then -8 * 3600
        end
end;

-- The timestamp without its zone: '2020-07-01 10:11:12 PDT' -> '2020-07-01 10:11:12'.
create or replace temp macro without_zone(moment) as
case
    when written_zone(moment) = '' then trim(moment)
    else
        trim(
            left(moment, length(moment) - length(after_time_of_day(moment)))
            || regexp_replace(replace(after_time_of_day(moment), written_zone(moment), ''), '\s+', ' ', 'g')
        )
end;

-- Whether the year has four digits and the offset is possible: DuckDB alone accepts 24-07-01 (the year 24), +99:00,
-- and epoch.
create or replace temp macro is_plain_moment(moment) as
regexp_matches(moment, '^\s*\d{4}-\d')
and (
    -- The day of a date without a time is not an offset.
    regexp_matches(moment, '^\s*\d{4}-\d\d?-\d\d?\s*$')
    or not regexp_matches(moment, '[+-](1[5-9]|[2-9]\d)(:?[0-5]\d){0,2}\s*$')
);

-- A timestamp in ISO 8601 formats, in UTC if no zone is written; null if it cannot be parsed or its zone is unknown.
-- Names such as Europe/Berlin are unambiguous.
create or replace temp macro moment(text) as
case
    -- A typed column has no written zone that could be misread.
    when typeof(text) <> 'VARCHAR' then try_cast(text as timestamptz)
    -- Most timestamps need no other look: one pattern costs a tenth of those below.
    when
        regexp_full_match(
            cast(text as varchar),
            '\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4])(:[0-5]\d)?)?'
        )
        then try_cast(text as timestamptz)
    when not is_plain_moment(cast(text as varchar)) then null
    -- A cast to timestamp without zone succeeds only if the zone is an offset or UTC.
    when try_cast(text as timestamp) is not null then try_cast(text as timestamptz)
    when regexp_full_match(written_zone(cast(text as varchar)), '[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+')
        then try_cast(text as timestamptz)
    else
        cast(try_cast(without_zone(cast(text as varchar)) as timestamp) as timestamptz)
        - to_seconds(zone_seconds(written_zone(cast(text as varchar))))
end;
