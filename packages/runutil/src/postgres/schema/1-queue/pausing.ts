import { PINNED } from '../plan-settings.ts'
import { REQUEUED } from './freeing.ts'

/** Pausing kinds, for all processes. */
export const pausing = (s: string): string => /* sql */ `
create table ${s}.paused_kinds (kind text collate "C" primary key);

create function ${s}.pause_kind(p_kind text) returns void language sql ${PINNED} as $$
  insert into ${s}.paused_kinds (kind) values (p_kind) on conflict do nothing
$$;

create function ${s}.resume_kind(p_kind text, p_channel text) returns void language plpgsql ${PINNED} as $$
begin
  delete from ${s}.paused_kinds where kind = p_kind;
  if found then perform pg_notify(p_channel, '${REQUEUED}'); end if;
end $$;

-- Those of the kinds that aren't paused.
create function ${s}.kinds_not_paused(p_kinds text[]) returns text[] language plpgsql stable ${PINNED} as $$
begin
  return array(
    select k.kind from unnest(p_kinds) as k (kind) where k.kind not in (select p.kind from ${s}.paused_kinds as p)
  );
end $$;
`
