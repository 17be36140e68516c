import { BY_INDEX, lookedUp } from '../plan-settings.ts'

/** Renewing held jobs, and releasing them as if they had never been claimed. Lists and results are as in settling.ts. */
export const renewing = (s: string): string => /* sql */ `
create function ${s}.renew_jobs(p_ids text[], p_claims bigint[], p_lease float8, p_progress text[], p_now float8)
returns text language plpgsql ${BY_INDEX} as $$
declare
  v_now timestamptz := ${s}.store_time(p_now);
  v_lost text;
begin
  -- A locked lease is being settled; the next renewal will include it.
  update ${s}.job_claims set expires_at = v_now + p_lease * interval '1 ms', lease = p_lease, suspect_since = null
    where claim = any (array(
      select c.claim from ${s}.job_claims as c where c.claim = any (p_claims) order by c.claim for update skip locked
    ));
  for v_round in 1..2 loop
    select json_agg(o.place)::text into v_lost from ${s}.pairs(p_ids, p_claims) as o
    where o.place <> all (array(
      select h.place from ${s}.held_jobs(p_ids, p_claims) as h join ${s}.jobs as j
        on ${lookedUp('j.id', 'h.id')} and j.seq = h.seq
      where j.status = 'PENDING'));
    exit when v_lost is null or v_round = 2;
    perform ${s}.restore_claims(p_ids, p_claims, v_now, p_lease);
  end loop;
  if p_progress <> '{}' then
    insert into ${s}.job_progress as p (id, seq, progress)
      select j.id, j.seq, p_progress[h.place]::json
      from ${s}.held_jobs(p_ids, p_claims) as h join ${s}.jobs as j
        on ${lookedUp('j.id', 'h.id')} and j.seq = h.seq
      where j.status = 'PENDING' and p_progress[h.place] is not null order by j.id
      on conflict (id) do update set seq = excluded.seq, progress = excluded.progress;
  end if;
  return v_lost;
end $$;

create function ${s}.release_jobs(
  p_ids text[], p_claims bigint[], p_finished bigint[], p_started boolean, p_channel text, p_now float8
) returns void language plpgsql ${BY_INDEX} as $$
declare
  v_held text[];
begin
  perform ${s}.lock_leases(p_claims, true);
  for v_round in 1..2 loop
    select array_agg(j.id) into v_held from (
      select j.id from ${s}.held_jobs(p_ids, p_claims) as h join ${s}.jobs as j
        on ${lookedUp('j.id', 'h.id')} and j.seq = h.seq
      where j.status = 'PENDING' for update of j
    ) as j;
    exit when cardinality(v_held) = cardinality(p_ids) or v_round = 2;
    perform ${s}.restore_claims(p_ids, p_claims, ${s}.store_time(p_now), 0);
  end loop;
  if v_held is not null then
    perform ${s}.requeue_jobs(v_held, p_claims, ${s}.store_time(p_now), null);
    perform ${s}.notify_requeued(p_channel, v_held);
  end if;
  if not p_started then perform ${s}.undo_starts(p_ids, p_claims); end if;
  perform ${s}.finish_claims(p_ids, p_claims, p_finished);
end $$;
`
