import { ask } from './ask.ts'

/** What statements of a service might mean without saying so: types, as they are in lists and alone. */
const TYPES = [
  'bool',
  'int2',
  'int4',
  'int8',
  'float4',
  'float8',
  'numeric',
  'text',
  'varchar',
  'bpchar',
  'name',
  '"char"',
  'oid',
  'tid',
  'timestamptz',
  'timestamp',
  'interval',
  'json',
  'jsonb',
]
const LISTS = ['bool', 'int4', 'int8', 'float8', 'text', 'varchar', 'tid', 'timestamptz']
const OPERATORS = ['=', '<>', '<', '>', '<=', '>=', '+', '-', '*', '/', '%', '&', '||', '->', '->>', '~~']

/** Those of PostgreSQL that take any type: with each type in its place. */
const ANY = `'{anyelement,anynonarray,anycompatible,anycompatiblenonarray,"\\"any\\""}'::regtype[]`
const ANY_LIST = `'{anyarray,anycompatiblearray}'::regtype[]`

/**
 * Fills the schema public with operators, functions and types that are called as PostgreSQL's own and fit as well or
 * better, and fail when they are used. As anybody may who may create there.
 *
 * @returns how many functions it made
 */
export async function castShadows(url: string): Promise<number> {
  const list = (names: readonly string[]): string => `array[${names.map((name) => `'${name}'`).join(', ')}]`
  await ask(url, `set search_path = pg_catalog; ${operators(list)}; ${functions(list)}; ${types(list)}`)
  const [row] = (await ask(
    url,
    `select count(*) from pg_proc where pronamespace = 'public'::regnamespace`,
  )) as [Record<string, string>]
  return Number(Object.values(row)[0])
}

type List = (names: readonly string[]) => string

const BODY = (what: string): string =>
  `language plpgsql as $f$ begin raise exception using message = ''shadowed: ${what}''; end $f$`

const operators = (list: List): string => `do $do$
declare l text; r text; o text;
begin
  for l, r in select a, b from unnest(${list(TYPES)}) as a, unnest(${list(TYPES)}) as b
    union select a || '[]', b || '[]' from unnest(${list(LISTS)}) as a, unnest(${list(LISTS)}) as b where a = b
    union select a || '[]', a from unnest(${list(LISTS)}) as a
  loop
    execute format('create function public.shadow(%1$s, %2$s) returns bool ${BODY('an operator of %1$s and %2$s')}', l, r);
    foreach o in array ${list(OPERATORS)} loop
      execute format('create operator public.%s (leftarg = %s, rightarg = %s, function = public.shadow)', o, l, r);
    end loop;
  end loop;
end $do$`

const functions = (list: List): string => `do $do$
declare f record; t text; args text;
begin
  for f in select proname, proargtypes::regtype[] as args, provariadic from pg_proc
    where pronamespace = 'pg_catalog'::regnamespace and prokind <> 'p' and pronargs <= 6 and proname !~ '^(pg_stat|has_|ri_|bt|hash_|gin|gist|brin|spg)'
      and not exists (select from unnest(proargtypes) as a join pg_type as y on y.oid = a
        where y.typtype = 'p' and a <> all (${ANY}) and a <> all (${ANY_LIST}))
  loop
    foreach t in array ${list(LISTS)} loop
      select string_agg(case when a = any (${ANY}) then t when a = any (${ANY_LIST}) then t || '[]' else format_type(a, null) end, ', ' order by n)
        into args from unnest(f.args) with ordinality as given (a, n);
      begin
        execute format('create function public.%I(%s) returns text ${BODY('function %1$s')}', f.proname, args);
      exception when duplicate_function or invalid_function_definition then null;
      end;
      exit when not f.args && ${ANY} and not f.args && ${ANY_LIST};
    end loop;
  end loop;
end $do$`

/** They take nothing but null. */
const types = (list: List): string => `do $do$
declare t text;
begin
  foreach t in array ${list(TYPES.filter((type) => type !== '"char"'))} loop
    execute format('create domain public.%1$I as pg_catalog.%1$I check (false)', t);
  end loop;
end $do$`
