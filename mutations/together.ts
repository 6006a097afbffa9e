import type { Mutation } from './mutation.ts'

const groups = { tests: ['src/db/sqlite/group-commit.test.ts'] }
const known = { tests: ['src/db/sqlite/unlimited-keys.test.ts'] }

/** What requests that arrive together do to each other. */
export const together: readonly Mutation[] = [
  {
    what: 'usage is acknowledged before it is committed',
    file: 'src/db/sqlite/group-commit.ts',
    text: 'if (tell !== null) done.push(tell)',
    instead: 'tell?.()',
    ...groups,
  },
  {
    what: 'one bad record takes all others along',
    file: 'src/db/sqlite/group-commit.ts',
    text: 'if (!client.inTransaction) throw error',
    instead: 'throw error',
    ...groups,
  },
  {
    what: 'half of a bad record is counted',
    file: 'src/db/sqlite/group-commit.ts',
    text: '      part.undo.run()\n',
    instead: '',
    ...groups,
  },
  {
    what: 'usage that must be on disk is not, because of others that need not',
    file: 'src/db/sqlite/group-commit.ts',
    text: 'group.some(({ durability }) =>',
    instead: 'group.every(({ durability }) =>',
    ...groups,
  },
  {
    what: 'each request has a transaction of its own',
    file: 'src/db/sqlite/group-commit.ts',
    text: 'this.#waiting.slice(0, dryRun ? 1 : mostTogether)',
    instead: 'this.#waiting.slice(0, 1)',
    ...groups,
  },
  {
    what: 'a dry run shows what others would have done',
    file: 'src/db/sqlite/group-commit.ts',
    text: 'this.#waiting.slice(0, dryRun ? 1 : mostTogether)',
    instead: 'this.#waiting.slice(0, mostTogether)',
    ...groups,
    only: 'dry run',
  },
  {
    what: 'whoever just came is told that it has waited long enough',
    file: 'src/db/sqlite/group-commit.ts',
    text: 'Math.max(since, begun) <= over',
    instead: 'begun <= over',
    ...groups,
    only: 'waited too long',
  },
  {
    what: 'durable requests that arrive together do not share their transaction',
    file: 'src/db/sqlite/group-commit.ts',
    text: '  FULL: setImmediate,',
    instead: '  FULL: queueMicrotask,',
    tests: ['src/server/group.test.ts'],
    only: '64 requests',
  },
  {
    what: 'reservations that arrive together do not share their transaction',
    file: 'src/server/routes.ts',
    text: '      await allHeard()\n      const given',
    instead: '      const given',
    tests: ['src/server/group.test.ts'],
    only: 'many connections',
  },
  {
    what: 'a revoked gateway is let in for as long as the server runs',
    file: 'src/db/sqlite/unlimited-keys.ts',
    text: 'known === undefined || this.#version !== this.#versionNow()',
    instead: 'known === undefined',
    ...known,
  },
  {
    what: 'a key with limits is not looked up again, so it never hits them',
    file: 'src/db/sqlite/unlimited-keys.ts',
    text: 'found?.bound.length === 0 && found.limits !== null',
    instead: 'found !== null',
    ...known,
  },
  {
    what: 'what was found before a change is taken for what was found after it',
    file: 'src/db/sqlite/unlimited-keys.ts',
    text: 'if (version !== this.#version || this.#known.size >= mostKnown) this.#known.clear()',
    instead: 'if (this.#known.size >= mostKnown) this.#known.clear()',
    ...known,
  },
]
