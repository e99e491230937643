-- Generates LASSO-shaped exports: the cells and candidates that `generate.py` writes.
--
-- In: variable `run`; from `shape.py`, tables `sizes` (problem, n_implementations, n_tests) and `sheets`
--     (problem, test, n_steps).
-- Out: views `cells`, in random order, and `candidates`.
--
-- All random values are hashes of a key, so a problem does not depend on the others generated with it. The shares
-- are those of the real export described in `generate.py`.

-- A number of 62 bits: it fits the signed type of indexes and counts.
create temp macro draw
    (a) as cast(hash(a) >> 2 as bigint),
    (a, b) as cast(hash(a, b) >> 2 as bigint),
    (a, b, c) as cast(hash(a, b, c) >> 2 as bigint),
    (a, b, c, d) as cast(hash(a, b, c, d) >> 2 as bigint);

create temp macro share
    (a) as draw(a) % 1000000 / 1000000,
    (a, b) as draw(a, b) % 1000000 / 1000000,
    (a, b, c) as draw(a, b, c) % 1000000 / 1000000;

create temp macro word(key) as [
    'a', 'is', 'the', 'two', 'abc', 'even', 'list', 'prime', 'hello', 'world', 'string', 'number', 'python',
    'sorted', 'example', 'longest'
][1 + draw(key) % 16];

-- Most numbers have one digit, one in ten has at least three, one in a hundred has ten.
create temp macro integer_text(h) as cast(case
    when h % 1000 < 500 then (h // 1000) % 10
    when h % 1000 < 750 then (h // 1000) % 100
    when h % 1000 < 930 then (h // 1000) % 1000
    when h % 1000 < 985 then (h // 1000) % 1000000
    else (h // 1000) % 10000000000
end as varchar);

create temp macro array_text(h, n) as
'[' || array_to_string(list_transform(range(n), lambda k: integer_text(draw(h, k))), ',') || ']';

create temp macro string_text(h, n) as
'"' || array_to_string(list_transform(range(n), lambda k: word(draw(h, k))), ' ') || '"';

create temp macro object_text(h) as
'{' || array_to_string(
    list_transform(
        range(1 + (h % 5) * (h % 3) // 2),
        lambda k: '"' || word(draw(h, k)) || k || '":' || integer_text(draw(k, h))
    ),
    ','
) || '}';

-- A few answers are very long.
create temp macro answer_length(h) as case
    when h % 1000 < 600 then 1 + (h // 1000) % 5
    when h % 1000 < 900 then 4 + (h // 1000) % 6
    when h % 1000 < 985 then 10 + (h // 1000) % 50
    when h % 20000 = 19999 then 10000
    else 60 + (h // 1000) % 30
end;

create temp macro argument_length(h) as if(h % 10 < 7, 2 + (h // 10) % 4, 5 + (h // 10) % 10);

create temp macro words_length(h) as if(h % 10 < 6, 1, 2 + (h // 10) % (1 + (h // 100) % 6));

create temp macro kind_of_answer(u) as case
    when u < 0.366 then 'int'
    when u < 0.608 then 'bool'
    when u < 0.793 then 'array'
    when u < 0.950 then 'string'
    when u < 0.977 then 'object'
    else 'float'
end;

create temp macro kind_of_argument(u) as case
    when u < 0.390 then 'int'
    when u < 0.680 then 'array'
    when u < 0.955 then 'string'
    when u < 0.972 then 'float'
    when u < 0.989 then 'bool'
    else 'object'
end;

create temp macro float_text(h) as cast(cast(h % 10000 as double) / 100 as varchar);

create temp macro answer_text(kind, h) as case kind
    when 'int' then integer_text(h)
    when 'array' then array_text(h, answer_length(h))
    when 'string' then string_text(h, words_length(h))
    when 'object' then object_text(h)
    else float_text(h)
end;

create temp macro argument_text(kind, h) as case kind
    when 'int' then integer_text(h % 100000000 // 1000 * 1000 + h % 980)
    when 'array' then array_text(h, argument_length(h))
    when 'string' then string_text(h, words_length(h))
    when 'object' then object_text(h)
    when 'bool' then if(h % 2 = 0, 'true', 'false')
    else float_text(h)
end;

create temp macro java_type(kind) as case kind
    when 'int' then 'long'
    when 'bool' then 'boolean'
    when 'array' then 'java.util.ArrayList'
    when 'string' then 'java.lang.String'
    when 'object' then 'java.util.HashMap'
    else 'double'
end;

create temp macro uuid_text(key) as cast(cast(md5(key) as uuid) as varchar);

create temp table problems as
select
    *,
    if(problem % 3 = 0, 'HumanEval_', 'mbpp_') || problem || '_' || verb || '_' || noun as problem_id,
    verb || upper(noun[1]) || noun[2:] as method,
    list_transform(argument_kinds, lambda k: java_type(k)) as parameter_types,
    -- The quantiles of the share of the largest cluster: 0.1, 0.3, 0.44, 0.67, 0.9, then 1.
    case
        when u < 0.10 then 0.10 + 2.0 * u
        when u < 0.25 then 0.30 + 0.93 * (u - 0.10)
        when u < 0.50 then 0.44 + 0.92 * (u - 0.25)
        when u < 0.75 then 0.67 + 0.92 * (u - 0.50)
        when u < 0.90 then 0.90 + 0.67 * (u - 0.75)
        else 1.0
    end as majority
from (
    select
        problem,
        n_implementations,
        n_tests,
        ['sum', 'count', 'find', 'check', 'sort', 'remove', 'merge', 'split'][1 + draw(problem, 'verb') % 8] as verb,
        ['digits', 'words', 'numbers', 'brackets', 'primes', 'tuples', 'lists'][1 + draw(problem, 'noun') % 7] as noun,
        kind_of_answer(share(problem, 'kind')) as kind,
        list_transform(
            -- Seven in ten methods have one parameter, a quarter have two.
            range(case when share(problem, 'arity') < 0.7 then 1 when share(problem, 'arity') < 0.94 then 2 else 3 end),
            lambda k: kind_of_argument(share(problem, 'argument', k))
        ) as argument_kinds,
        share(problem, 'majority') as u,
        -- In one problem in twenty most implementations fail.
        if(draw(problem, 'hard') % 20 = 0, 0.6, 0.02) as failing,
        -- The specified oracle agrees with the majority, or differs in the format of nearly every answer.
        share(problem, 'oracle') < 0.55 as majority_is_right
    from sizes
);

-- Behaviours: 0 is the majority, -1 always fails, -2 is the oracle, 1 and 2 are common mistakes, 3 and above are
-- unique to one implementation.
create temp table systems as
select
    problem * 100 + i as system,
    problem,
    problem_id,
    uuid_text(problem || ' ' || i) as system_id,
    'original' as variant,
    '0' as adapter,
    case
        when share(problem, i, 'fails') < failing then -1
        when share(problem, i, 'majority') < majority then 0
        when share(problem, i, 'common') < 0.35 then 1 + draw(problem, i, 'which') % 2
        else 3 + i
    end as behavior,
    -- Few implementations time out; those that do, do so often but not always.
    draw(problem, i, 'slow') % 100 = 0 as is_slow,
    ['firstmodel32b', 'secondmodel8b'][1 + draw(problem, i, 'model') % 2] as package,
    case
        when share(problem, i, 'class') < 0.585 then 'Problem'
        when share(problem, i, 'class') < 0.656 then 'Main'
        else upper(noun[1]) || noun[2:] || ['', 'Impl', 'Solver'][1 + draw(problem, i, 'name') % 3]
    end as class,
    format(
        'public {}{} {}.{}.{}({})',
        if(share(problem, i, 'static') < 0.19, 'static ', ''), java_type(kind), package, class, method,
        array_to_string(parameter_types, ',')
    ) as operation,
    format('public {}.{}()', package, class) as constructor
from problems, unnest(range(n_implementations)) as r(i)
union all
select
    problem * 100 + number, problem, problem_id, special.name, special.name, special.name, behavior, false,
    null, null, null, null
from problems, (values (98, 'oracle', -2), (99, 'abstraction', -3)) as special(number, name, behavior);

-- Places of cells: the steps of a sheet, the sheet itself (step 9) and the measurements (place 9999).
create temp table places as
select
    problem * 10000 + test * 10 + step as place,
    problem,
    test,
    step,
    'test' || test || '()' as sheet_id,
    step as y,
    if(step = 0, [], list_transform(
        argument_kinds,
        lambda k, position: argument_text(k, draw(problem, test, step, position))
    )) as arguments,
    null::varchar as sheet,
    null::varchar as interface
from sheets join problems using (problem), unnest(range(n_steps)) as r(step);

insert into places
select
    problem * 10000 + test * 10 + 9,
    problem,
    test,
    9,
    any_value(sheet_id),
    -1,
    [],
    string_agg(to_json({'cells': line}), chr(10) order by step),
    any_value(format(E'Problem {{\n  {}({})->{}\n}}', method, array_to_string(parameter_types, ','), java_type(kind)))
from (
    select
        *,
        -- Expected value, operation, target and arguments, as in a spreadsheet.
        json_merge_patch(
            json_object(
                'B' || step + 1, if(step = 0, 'create', method),
                'C' || step + 1, if(step = 0, 'Problem', 'A1')
            ),
            if(step = 0, '{}', json_object(
                'A' || step + 1, integer_text(draw(problem, test, step)),
                'D' || step + 1, array_to_string(arguments, ' ')
            ))
        ) as line
    from places join problems using (problem)
)
group by problem, test;

insert into places
select problem * 10000 + 9999, problem, 999, 9, 'jacoco', -1, [], null, null from problems;

create temp macro exception_text(h) as '$EXCEPTION@java.lang.' || case
    when h % 100 < 39 then 'NullPointerException@Cannot invoke "Object.getClass()" because "object" is null'
    when h % 100 < 56 then 'IllegalArgumentException@argument type mismatch'
    when h % 100 < 70 then 'NumberFormatException@For input string: ' || string_text(h, words_length(h))
    when h % 100 < 84 then 'ArrayIndexOutOfBoundsException@Index ' || h % 97 || ' out of bounds for length ' || h % 97
    when h % 100 < 93 then 'IllegalMonitorStateException@current thread is not owner'
    else 'RuntimeException@Invalid input'
end;

-- The response of each behaviour to each call; constructors always succeed.
create temp table answers as
select
    place * 100 + behavior + 3 as answer,
    case
        when behavior = -1 then exception_text(draw(problem, 'failure'))
        -- One deviating implementation in twenty fails occasionally.
        when behavior > 0 and draw(problem, behavior) % 20 = 0 and share(place, behavior, 'fails') < 0.44
            then exception_text(draw(place, behavior))
        when share(place, 'null') < 0.003 then 'null'
        when kind = 'bool' then if((draw(place) % 2 = 0) <> deviates, 'true', 'false')
        when deviates then answer_text(kind, draw(place, behavior))
        else answer_text(kind, draw(place))
    end as response
from (
    select
        places.*,
        behavior,
        kind,
        case
            when behavior in (0, -1) then false
            when behavior = -2 then not majority_is_right and share(place, 'oracle') < 0.8
            -- Share of deviating answers: from a third to all, four in five on average.
            else share(place, behavior) < least(1.0, 0.33 + 1.2 * share(problem, behavior, 'rate'))
        end as deviates
    from places
    join problems using (problem)
    join (select distinct problem, behavior from systems where behavior >= -2) using (problem)
    where step between 1 and 8
);

create temp table cell_keys as
select system, place, behavior, x, is_slow
from (
    select system, place, behavior, is_slow, unnest(range(3 + len(arguments))) as x
    from systems join places using (problem)
    where step < 9 and behavior >= -1
    union all
    select system, place, behavior, false, 0
    from systems join places using (problem)
    where step < 9 and behavior = -2
    union all
    -- The sheet and the interface of a test.
    select system, place, behavior, false, unnest([0, 1])
    from systems join places using (problem)
    where step = 9 and test <> 999 and behavior = -3
    union all
    -- Coverage of an implementation.
    select system, place, behavior, false, unnest([0, 1, 2, 3])
    from systems join places using (problem)
    where test = 999 and behavior >= -1
)
order by draw(system, place, x, getvariable('run'));

create temp view cells as
select
    uuid_text('execution ' || getvariable('run')) as "EXECUTIONID",
    systems.problem_id as "ABSTRACTIONID",
    'execute' as "ACTIONID",
    uuid_text('arena ' || systems.problem || ' ' || getvariable('run')) as "ARENAID",
    places.sheet_id as "SHEETID",
    systems.system_id as "SYSTEMID",
    systems.variant as "VARIANTID",
    systems.adapter as "ADAPTERID",
    cast(if(y < 0, -1, x) as int) as "X",
    cast(y as int) as "Y",
    case
        when y < 0 and keys.behavior = -3 then ['stimulussheet', 'interface'][1 + x]
        when y < 0 then [
            'INSTRUCTION_COVEREDRATIO', 'BRANCH_COVEREDRATIO', 'LINE_COVEREDRATIO', 'COMPLEXITY_TOTALCOUNT'
        ][1 + x]
        when x = 0 then 'value'
        when x = 1 then 'op'
        when x = 2 then 'service'
        else 'input_value'
    end as "TYPE",
    case
        when y < 0 and keys.behavior = -3 then if(x = 0, sheet, interface)
        when y < 0 then if(x = 3, cast(1 + draw(keys.system) % 12 as varchar), cast(share(keys.system, x) as varchar))
        when x >= 3 then arguments[x - 2]
        when x = 2 then if(y = 0, 'Problem', '$CUT@Problem@0')
        when x = 1 then if(y = 0, constructor, operation)
        -- The oracle does not specify the response to a constructor.
        when y = 0 then if(keys.behavior = -2, 'null', '$CUT@Problem@0')
        when keys.is_slow and draw(keys.system, keys.place, getvariable('run')) % 12 = 0
            then '$EXCEPTION@java.util.concurrent.TimeoutException@null'
        else answers.response
    end as "VALUE",
    if(y < 0, null, "VALUE") as "RAWVALUE",
    cast(null as varchar) as "VALUETYPE",
    -- All cells of a sheet have the same time; runs are a day apart.
    timestamptz '2025-02-09 11:32:00+00' + to_days(cast(getvariable('run') as int) - 1)
    + to_milliseconds((keys.place // 10) % 1000 * 37 + keys.system) as "LASTMODIFIED",
    cast(0 as bigint) as "EXECUTIONTIME"
from cell_keys as keys
left join answers on keys.place * 100 + keys.behavior + 3 = answers.answer
left join places on keys.place = places.place
left join systems on keys.system = systems.system;

create temp macro statement_text(h) as '        ' || case
    when h % 4 = 0 then 'long ' || word(h) || ' = ' || integer_text(h) || 'L;'
    when h % 4 = 1 then 'if (' || word(h) || ' > ' || integer_text(h) || ') { return ' || word(draw(h)) || '; }'
    when h % 4 = 2 then 'for (long i = 0; i < ' || integer_text(h) || '; i++) { ' || word(h) || ' += i; }'
    else 'result.add(' || word(h) || ');'
end;

-- The Solr export of the candidates.
create temp view candidates as
select {
    'docs': list({
        'id': system_id,
        'abstractionId': [problem_id],
        'lang': 'java',
        'content': format(
            E'package {};\n\nimport java.util.*;\n\npublic class {} {{\n    {} {{\n{}\n    }}\n}}\n',
            package, class, operation,
            array_to_string(
                list_transform(range(6 + draw(system) % 20), lambda k: statement_text(draw(system, k))), chr(10)
            )
        ),
        'm_static_loc_td': [12 + draw(system) % 20],
        'm_static_complexity_td': [1 + draw(system) % 9]
    } order by system)
} as response
from systems
where behavior >= -1;
