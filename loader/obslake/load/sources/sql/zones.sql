-- Moments as texts, and the zones that they name: those of RFC 2822 and offsets in numbers, no others.
-- Left to itself the engine takes BST for Bangladesh, AST for Anchorage, IST for Israel.
--
-- Out: macros `moment`, `written_zone`, `without_zone`, `zone_seconds`.

-- What follows the time of day: '2020-07-01 10:11:12.5 PST -0800' -> ' PST -0800'.
create or replace temp macro after_time_of_day(moment) as
regexp_extract(cast(moment as varchar), '^.*?\d:\d\d(?::\d\d(?:[.,]\d+)?)?(.*)$', 1);

-- The zone as it is written, '' where there is none: 'PST -0800', 'GMT+0200 (CEST)', 'Z'.
-- What stands before it is AM or PM, behind it the year, as `date` writes them.
create or replace temp macro written_zone(moment) as
regexp_extract(
    after_time_of_day(moment), '^\s*(?:(?:[AaPp]\.?[Mm]\b\.?)\s*)?(.*?)(?:\s+\d{4})?\s*$', 1
);

-- Seconds east of Greenwich of a written zone; 0 where there is none, null where it is not known.
-- An offset behind a name says what the name means.
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

-- The moment without its zone: '2020-07-01 10:11:12 PDT' -> '2020-07-01 10:11:12'.
create or replace temp macro without_zone(moment) as
case
    when written_zone(moment) = '' then trim(moment)
    else
        trim(
            left(moment, length(moment) - length(after_time_of_day(moment)))
            || regexp_replace(replace(after_time_of_day(moment), written_zone(moment), ''), '\s+', ' ', 'g')
        )
end;

-- Years of four digits, and offsets as there are: left to itself the engine reads 24-07-01 in the year 24, +99:00,
-- epoch.
create or replace temp macro is_plain_moment(moment) as
regexp_matches(moment, '^\s*\d{4}-\d')
and (
    -- The day of a date without a time is no offset.
    regexp_matches(moment, '^\s*\d{4}-\d\d?-\d\d?\s*$')
    or not regexp_matches(moment, '[+-](1[5-9]|[2-9]\d)(:?[0-5]\d){0,2}\s*$')
);

-- A moment in the forms of ISO 8601, in UTC where no zone is written; null where it cannot be read or its
-- zone is not known. Names as Europe/Berlin are those of one place.
create or replace temp macro moment(text) as
case
    -- A type of its own has no zone that could be misunderstood.
    when typeof(text) <> 'VARCHAR' then try_cast(text as timestamptz)
    when not is_plain_moment(cast(text as varchar)) then null
    -- Offsets and UTC, the only zones that a time without one is read with.
    when try_cast(text as timestamp) is not null then try_cast(text as timestamptz)
    when regexp_full_match(written_zone(cast(text as varchar)), '[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+')
        then try_cast(text as timestamptz)
    else
        cast(try_cast(without_zone(cast(text as varchar)) as timestamp) as timestamptz)
        - to_seconds(zone_seconds(written_zone(cast(text as varchar))))
end;
