// Compiled against the built package and the drivers' own types; never run.
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { openDatabase } from 'runutil/postgres'
import { JobQueue, MemoryJobStore } from 'runutil/queue'

const queue = new JobQueue(new MemoryJobStore())
const pool = new pg.Pool()
const pglite = new PGlite()
void openDatabase(pool)
void openDatabase(pglite)
void queue.enqueue([], { tx: await pool.connect() })
void pglite.transaction((tx) => queue.enqueue([], { tx }))
// @ts-expect-error -- a pool is no string
void openDatabase({ connectionString: 'postgres://' })
