import type { Mutation } from './mutation.ts'

const store = { engine: 'postgres', tests: ['src/db/postgres/store.test.ts'] } as const

/** What only a server can lose. */
export const onPostgres: readonly Mutation[] = [
  {
    what: 'what a recorder has acknowledged is gone after a crash of the server',
    file: 'src/db/postgres/usage-book.ts',
    text: "      connection.run('SET LOCAL synchronous_commit = on'),\n",
    instead: '',
    ...store,
    only: 'acknowledged as durable',
  },
  {
    what: 'a change is not on disk where the server waits for no disk by default',
    file: 'src/db/postgres/locks.ts',
    text: "set_config('synchronous_commit', 'on', true)",
    instead: "set_config('synchronous_commit', 'off', true)",
    ...store,
    only: 'acknowledged as durable',
  },
  {
    what: 'every request waits for the disk of the server',
    file: 'src/db/postgres/pool.ts',
    text: "synchronous_commit: 'off'",
    instead: "synchronous_commit: 'on'",
    ...store,
    only: 'do not wait for the disk',
  },
  {
    what: 'many count a large log at the same time',
    file: 'src/db/postgres/store.ts',
    text: ' WHERE taken',
    instead: '',
    ...store,
    only: 'alone',
  },
  {
    what: 'the lock of who works alone is gone before the work begins',
    file: 'src/db/postgres/store.ts',
    text: 'pg_try_advisory_lock(',
    instead: 'pg_try_advisory_xact_lock(',
    ...store,
    only: 'alone',
  },
]
