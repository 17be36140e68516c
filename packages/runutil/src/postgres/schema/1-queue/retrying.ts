import { BY_INDEX, lookedUp } from '../plan-settings.ts'

/** Making jobs that have failed wait again. */
export const retrying = (s: string): string => /* sql */ `
-- Makes FAILED and PANIC jobs wait again, due now. p_payloads is empty, or has the payload of all or of each,
-- null for an unchanged one. Returns the jobs that were retried.
create function ${s}.retry_jobs(
  p_ids text[], p_payloads text[], p_wait boolean, p_channel text, p_now float8, out ids text[], out kinds text[], out busy text[]
) language plpgsql ${BY_INDEX} as $$
declare
  -- Element n of a variable is found at once; in a parameter, PostgreSQL walks over those before it.
  v_payloads text[] := p_payloads;
  v_now timestamptz;
  -- Those that the jobs ended under, or that still hold places of cancelled jobs.
  v_claims bigint[];
  v_ids text[];
  v_places bigint[];
  v_keys text[];
  v_priorities integer[];
  v_seqs bigint[];
  -- Those whose unique keys others hold.
  v_refused text[];
  v_still_blocked text[];
  v_revive boolean;
begin
  perform ${s}.lock_blocked_jobs(p_ids);
  v_claims := array(
    select claim from ${s}.jobs where id = any (p_ids) and status in ('FAILED', 'PANIC') and claim is not null
    union select claim from ${s}.job_slots where id = any (p_ids)
  );
  -- In the order in which jobs are settled: first the claims, then the jobs.
  if v_claims <> '{}' then perform ${s}.lock_leases(v_claims, true); end if;
  if p_wait then perform from ${s}.jobs where id = any (p_ids) and status in ('FAILED', 'PANIC') for update; end if;
  select array_agg(given.id), array_agg(given.place) into v_ids, v_places
  from unnest(p_ids) with ordinality as given (id, place) cross join lateral (
    -- One that has another claim by now was retried by others, and has ended again since.
    select from ${s}.jobs as o where o.id = given.id and o.status in ('FAILED', 'PANIC')
      and (o.claim is null or o.claim = any (v_claims)) and (o.links is null or ${s}.can_be_retried(o.id))
      for update skip locked offset 0
  ) as free;
  v_refused := ${s}.retake_unique_keys(v_ids);
  v_now := ${s}.store_time(p_now);
  v_still_blocked := ${s}.reopen_blocked_jobs(array(select unnest(v_ids) except select unnest(v_refused)));
  with retried as (
    update ${s}.jobs as j set status = 'PENDING', run_at = v_now, updated_at = v_now, claim = null, crashes = 0,
      uncounted = nullif(j.attempts_done, 0), payload = coalesce(
        v_payloads[case when cardinality(p_payloads) = 1 then 1 else given.place end]::json, j.payload)
    from unnest(v_ids, v_places) as given (id, place) where ${lookedUp('j.id', 'given.id')} and j.id <> all (v_refused)
    returning j.*
  ), waiting as (
    insert into ${s}.jobs_waiting (id, kind, run_at, due, priority, key, seq, note)
      select r.id, r.kind, r.run_at, true, r.priority, r.key, r.seq, ${s}.note_of_unclaimed(r.payload, r.unique_key, r.links)
      from retried as r where r.id <> all (v_still_blocked)
  )
  select array_agg(r.id), array_agg(r.kind), array_agg(r.key), array_agg(r.priority), array_agg(r.seq), bool_or(r.links is not null)
    into ids, kinds, v_keys, v_priorities, v_seqs, v_revive from retried as r;
  if ids is not null then
    delete from ${s}.job_failures where id = any (ids);
    if v_revive then perform ${s}.revive_dependents(ids, v_now); end if;
    -- Their claims hold them no more; the ids stay, so that the places of cancelled jobs are given back.
    update ${s}.job_claims as c set seqs = (
      select array_agg(case when u.seq = any (v_seqs) then -1 else u.seq end order by u.place)
      from unnest(c.seqs) with ordinality as u (seq, place)
    ) where c.claim = any (v_claims) and c.seqs && v_seqs;
    perform ${s}.unmark_backlogs(kinds, v_keys, v_priorities, v_now, v_seqs);
    perform ${s}.notify_requeued(p_channel, ids);
  end if;
  busy := array(
    select id from ${s}.jobs as j where j.id = any (p_ids) and j.status in ('FAILED', 'PANIC') and j.id <> all (coalesce(retry_jobs.ids, '{}'))
      and j.id <> all (v_refused) and (j.links is null or ${s}.can_be_retried(j.id))
  );
end $$;
`
