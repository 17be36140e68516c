import type { Observer } from './observer.ts'

/** What the database did with leases and ends, in its own order. Times in ms of the wall clock, with fractions. */
export type AuditEvent =
  /** One with a unique key. */
  | { readonly type: 'enqueued'; readonly id: string; readonly at: number }
  /** For the first time, or again under the claim that they were freed from. */
  | {
      readonly type: 'claimed'
      readonly worker: string
      readonly claim: number
      readonly ids: readonly string[]
      readonly at: number
    }
  /** These jobs were taken off their lease: released, or to be run again. */
  | { readonly type: 'let go'; readonly claim: number; readonly ids: readonly string[]; readonly at: number }
  /** The lease is gone, with all that it still held. */
  | {
      readonly type: 'gone'
      readonly worker: string
      readonly claim: number
      readonly expiresAt: number
      readonly at: number
    }
  /** So many crashes are counted now. */
  | { readonly type: 'crashes'; readonly id: string; readonly crashes: number; readonly at: number }
  /** A job came to an end, or what had ended was changed. */
  | {
      readonly type: 'ended'
      readonly claim: number | undefined
      readonly id: string
      readonly was: string
      readonly at: number
    }

/**
 * Triggers that write down, in the transaction itself, who claimed what, how each lease ended and which claim ended
 * each job. So the record is neither ahead of the database nor behind, whatever is lost on the way to a worker. Those
 * who deal with one job wait for each other's locks, so for each job `seq` is the order of what happened.
 *
 * A worker is known by the `application_name` of its connections.
 */
export const AUDIT = `
create table public.audit (
  seq bigserial primary key, at timestamptz not null default clock_timestamp(),
  worker text not null default current_setting('application_name'),
  type text not null, claim bigint, ids text[], was text, crashes integer, expires_at timestamptz,
  tx xid8 not null default pg_current_xact_id()
);
create index on public.audit (claim) where type = 'gone';
create index on public.audit (claim) where type = 'claimed';
-- How far it has come, for whoever paces by it: what is rolled back stays counted.
create sequence public.audit_ends minvalue 0 start 0;
create function public.audit_claim() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into public.audit (type, claim, ids) values ('claimed', new.claim, new.ids);
  elsif tg_op = 'DELETE' then
    insert into public.audit (type, claim, expires_at) values ('gone', old.claim, old.expires_at);
  else
    insert into public.audit (type, claim, ids)
      select 'let go', old.claim, array_agg(id) from (select unnest(old.ids) except select unnest(new.ids)) as o (id)
      having count(*) > 0;
    insert into public.audit (type, claim, ids)
      select 'claimed', old.claim, array_agg(id) from (select unnest(new.ids) except select unnest(old.ids)) as n (id)
      having count(*) > 0;
  end if;
  return null;
end $$;
create function public.audit_end() returns trigger language plpgsql as $$
begin
  perform nextval('public.audit_ends');
  insert into public.audit (type, claim, ids, was) values ('ended', new.claim, array[new.id], old.status);
  -- In one transaction, a lease may go before the job that it was for has ended.
  update public.audit set seq = nextval('public.audit_seq_seq')
    where type = 'gone' and claim = new.claim and tx = pg_current_xact_id();
  return null;
end $$;
create function public.audit_crash() returns trigger language plpgsql as $$
begin
  insert into public.audit (type, ids, crashes) values ('crashes', array[new.id], new.crashes);
  return null;
end $$;
create function public.audit_unique() returns trigger language plpgsql as $$
begin
  insert into public.audit (type, ids) values ('enqueued', array[new.id]);
  return null;
end $$;
create trigger audit after insert or update or delete on runutil.job_claims
  for each row execute function public.audit_claim();
create trigger audit after update on runutil.jobs
  for each row when (old.status <> 'PENDING' or new.status <> 'PENDING') execute function public.audit_end();
create trigger audit_unique after insert on runutil.jobs
  for each row when (new.unique_key is not null) execute function public.audit_unique();
create trigger audit_crash after update on runutil.jobs
  for each row when (old.crashes <> new.crashes) execute function public.audit_crash();
`

interface AuditRow {
  type: AuditEvent['type']
  worker: string
  claim: number | null
  ids: string[] | null
  was: string | null
  crashes: number | null
  at: number
  expires_at: number | null
}

export async function readAudit(observer: Observer): Promise<AuditEvent[]> {
  const rows = await observer.ask<AuditRow>(`
    select type, worker, claim::float8, ids, was, crashes, extract(epoch from at)::float8 * 1000 as at,
      extract(epoch from expires_at)::float8 * 1000 as expires_at from public.audit order by seq`)
  return rows.map(toEvent)
}

function toEvent({ type, worker, claim, ids, was, crashes, at, expires_at }: AuditRow): AuditEvent {
  switch (type) {
    case 'claimed':
      return { type, worker, claim: claim!, ids: ids!, at }
    case 'let go':
      return { type, claim: claim!, ids: ids!, at }
    case 'gone':
      return { type, worker, claim: claim!, expiresAt: expires_at!, at }
    case 'enqueued':
      return { type, id: ids![0]!, at }
    case 'crashes':
      return { type, id: ids![0]!, crashes: crashes!, at }
    case 'ended':
      return { type, claim: claim ?? undefined, id: ids![0]!, was: was!, at }
    default:
      return type satisfies never
  }
}
