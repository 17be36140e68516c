import { bytes, count, duration, percent } from '../../format.ts'
import { Age, For } from '../parts/age.tsx'
import { type FactRow, FactList, Facts } from '../parts/facts.tsx'
import { LongText } from '../parts/long-text.tsx'
import { Pane } from '../parts/pane.tsx'
import { ProgressBar } from '../parts/progress-bar.tsx'
import { StatusMark } from '../parts/status-mark.tsx'
import type { State, StateNode } from '../../views/read-model.ts'
import { WorkerVerbs } from './worker-verbs.tsx'

export interface WorkerPaneProps {
  readonly path: string
  readonly state: State
}

/** All that is known of a worker, and what can be done with it. */
export function WorkerPane({ path, state }: WorkerPaneProps) {
  const node = state.workers[path]!
  const { lastError, detail } = node
  return (
    <Pane
      label={path === '' ? 'Process' : node.kind}
      title={path === '' ? 'this process' : path}
      subtitle={
        <p>
          <StatusMark status={node.state} /> for <For since={node.since} />
        </p>
      }
    >
      <WorkerVerbs path={path} node={node} />
      {path === '' && <ProcessFacts state={state} />}
      <FactList rows={factsOf(node)} />
      {lastError !== undefined && (
        <section>
          <h3>
            Last error <Age at={lastError.at} />
          </h3>
          <LongText
            label={lastError.code === undefined ? lastError.name : `${lastError.name} · ${lastError.code}`}
            text={lastError.message}
          />
        </section>
      )}
      {detail !== undefined && (
        <section>
          <h3>Details</h3>
          <Facts value={detail} />
        </section>
      )}
    </Pane>
  )
}

function factsOf(node: StateNode): FactRow[] {
  const { running, nextRunAt, lastRun, latencyMs, runs, failures, restarts, missed, health, strategy } = node
  return [
    ['strategy', strategy],
    ['health', <StatusMark status={health} />],
    ['running for', running && <For since={running.startedAt} />],
    ['progress', running?.progress && <ProgressBar progress={running.progress} />],
    ['trace', running && <code>{running.traceId}</code>],
    ['next run', nextRunAt && <Age at={nextRunAt} />],
    [
      'last run',
      lastRun && (
        <>
          {lastRun.ok ? 'done' : 'failed'} after {duration(lastRun.durationMs)}, began{' '}
          <Age at={lastRun.startedAt} />
        </>
      ),
    ],
    ['runs', count(runs)],
    ['failures', count(failures)],
    ['restarts', count(restarts)],
    ['missed starts', count(missed)],
    [
      'duration of runs',
      latencyMs &&
        `p50 ${duration(latencyMs.p50)} · p95 ${duration(latencyMs.p95)} · p99 ${duration(latencyMs.p99)}`,
    ],
  ]
}

function ProcessFacts({ state: { loop, memory, replica } }: { readonly state: State }) {
  return (
    <FactList
      rows={[
        ['id', <code>{replica}</code>],
        [
          'event loop',
          `busy ${percent(loop.utilization)} · delay p99 ${duration(loop.p99)} · longest ${duration(loop.max)}`,
        ],
        [
          'memory',
          `${bytes(memory.rss)} resident · ${bytes(memory.heapUsed)} heap · ${bytes(memory.external)} external`,
        ],
      ]}
    />
  )
}
