import { BY_INDEX, PINNED, lookedUp } from '../plan-settings.ts'
import { LINK } from './links.ts'

/** Unique keys of jobs: at most one job of a kind holds a key, until its first claim or until it and its handler have ended. */
export const uniqueKeys = (s: string): string => /* sql */ `
-- Who holds a key; the primary key is what decides between concurrent calls.
create table ${s}.job_unique (
  kind text collate "C" not null,
  key text collate "C" not null,
  id text collate "C" not null,
  until_started boolean not null,
  primary key (kind, key)
) with (autovacuum_vacuum_scale_factor = 0.02);

-- For waiting jobs that are claimed, by the places of their rows.
create function ${s}.give_up_unique_keys(p_places tid[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  delete from ${s}.job_unique as u
    using unnest(p_places) as given (place)
    cross join lateral (select o.id, o.kind, (o.note).unique_key from ${s}.jobs_waiting as o where o.ctid = given.place offset 0) as w
    where ${lookedUp('u.kind', 'w.kind')} and ${lookedUp('u.key', 'w.unique_key')} and u.id = w.id;
end $$;

-- For jobs that have ended. One that was cancelled while it ran keeps its key, in job_slots, until its handler has ended too.
create function ${s}.free_unique_keys(p_ids text[]) returns void language plpgsql ${BY_INDEX} as $$
begin
  delete from ${s}.job_unique as u
    using unnest(p_ids) as given (id)
    cross join lateral (select * from ${s}.jobs as o where o.id = given.id offset 0) as j
    where j.links & ${LINK.unique} <> 0 and ${lookedUp('u.kind', 'j.kind')} and ${lookedUp('u.key', 'j.unique_key')} and u.id = j.id
      and (j.claim is not null or not exists (select from ${s}.job_slots as o where o.id = j.id));
end $$;

-- For ended jobs that the caller has locked and is to retry. Returns those whose keys others hold.
create function ${s}.retake_unique_keys(p_ids text[]) returns text[] language plpgsql ${BY_INDEX} as $$
declare
  v_unique text[] := array(
    select j.id from unnest(p_ids) as given (id)
      cross join lateral (select * from ${s}.jobs as o where o.id = given.id offset 0) as j
      where j.unique_key is not null
  );
begin
  if v_unique = '{}' then return v_unique; end if;
  insert into ${s}.job_unique (kind, key, id, until_started)
    select j.kind, j.unique_key, j.id, j.links & ${LINK.uniqueUntilStarted} <> 0 from unnest(v_unique) as given (id)
      cross join lateral (select * from ${s}.jobs as o where o.id = given.id offset 0) as j
    order by j.kind, j.unique_key, j.seq on conflict do nothing;
  -- Handlers that still run leave them the keys.
  update ${s}.job_slots set unique_key = null where id = any (v_unique) and unique_key is not null;
  return array(
    select j.id from unnest(v_unique) as given (id)
      cross join lateral (select * from ${s}.jobs as o where o.id = given.id offset 0) as j
    where not exists (select from ${s}.job_unique as u where u.kind = j.kind and u.key = j.unique_key and u.id = j.id)
  );
end $$;

-- The note of a job that no claim has had since it was enqueued or retried.
create function ${s}.note_of_unclaimed(p_payload json, p_unique_key text, p_links smallint) returns ${s}.job_note
language plpgsql ${PINNED} as $$
begin
  if p_unique_key is null or p_links & ${LINK.uniqueUntilStarted} = 0 then return ${s}.note_of(p_payload, 0, null, null); end if;
  return row(octet_length(p_payload::text), 0, null, null, p_unique_key)::${s}.job_note;
end $$;

-- For jobs that are removed, whether their handlers have ended or not.
create function ${s}.free_unique_keys_of_removed(p_ids text[], p_kinds text[], p_keys text[]) returns void
language plpgsql ${BY_INDEX} as $$
begin
  delete from ${s}.job_unique as u using unnest(p_ids, p_kinds, p_keys) as gone (id, kind, key)
    where ${lookedUp('u.kind', 'gone.kind')} and ${lookedUp('u.key', 'gone.key')} and u.id = gone.id;
  update ${s}.job_slots set unique_key = null where id = any (p_ids) and unique_key is not null;
end $$;
`
