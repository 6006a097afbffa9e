import type { Mutation } from './mutation.ts'

const glmProxy = { tests: ['src/operations/import/glm-proxy.test.ts'] }
const gone = { tests: ['src/operations/import/gone.test.ts'] }
const ingest = { tests: ['src/operations/usage/ingest.test.ts'] }

/** Mistakes in imports. */
export const imports: readonly Mutation[] = [
  {
    what: 'an import counts again what it has counted',
    file: 'src/operations/import/state.ts',
    text: 'const change = subtract(window, old)',
    instead: 'const change = subtract(window, noCounts)',
    ...glmProxy,
  },
  {
    what: 'keys that were deleted here come back with the next import',
    file: 'src/operations/import/plan-keys.ts',
    text: 'if (deleted.has(key.hash)) {',
    instead: 'if (deleted.has(key.name ?? key.hash)) {',
    ...glmProxy,
  },
  {
    what: 'a key that is gone from its source is not told of',
    file: 'src/operations/import/plan-keys.ts',
    text: '.filter(([hash]) => !hashes.has(hash))',
    instead: '.filter(([hash]) => hash === undefined)',
    ...gone,
  },
  {
    what: 'keys are ended because they are gone, unasked',
    file: 'src/operations/import/plan-keys.ts',
    text: 'if (!revokeGone) return',
    instead: 'if (source === name) return',
    ...gone,
  },
  {
    what: 'a source without its table of keys ends all of them',
    file: 'src/operations/import/prepare.ts',
    text: 'source.listsKeys ? secrets : null',
    instead: 'secrets',
    ...gone,
  },
  {
    what: 'an import that refused keys is a success',
    file: 'src/cli/commands/import/drawing.ts',
    text: 'refused > 0 || gone > 0 ?',
    instead: 'gone > 0 ?',
    ...gone,
  },
  {
    what: 'what was changed here is set back by an import',
    file: 'src/operations/import/plan.ts',
    text: 'next[field] !== last[field] && next[field] !== row[field]',
    instead: 'next[field] !== row[field]',
    ...glmProxy,
  },
  {
    what: 'an import that does not add up is kept',
    file: 'src/operations/import/usage.ts',
    text: 'if (!isNothing(subtract(grown, total)))',
    instead: 'if (!isNothing(noCounts))',
    ...glmProxy,
  },
  {
    what: 'a key that comes back is counted again by the next import',
    file: 'src/operations/file/backup/restore/usage.ts',
    text: 'if (moved === null) continue',
    instead: 'if (moved === null || moved !== null) continue',
    tests: ['src/operations/file/backup/restore/one-thing.test.ts'],
  },
  {
    what: 'what is deleted has no name in reports',
    file: 'src/operations/thing.ts',
    text: 'await keepNames(db, this.#noun, eq(table.id, row.id))',
    instead: 'void keepNames',
    tests: ['src/operations/keys/history.test.ts'],
  },
  {
    what: 'a secret of the source stands in a name',
    file: 'src/operations/import/prepare.ts',
    text: 'hashes.has(hashSecret(text.trim()))',
    instead: 'hashes.size < 0',
    ...glmProxy,
  },
  {
    what: 'a small file fills the memory',
    file: 'src/db/sqlite/untrusted.ts',
    text: '    this.#database.limits.length = mostValueBytes\n',
    instead: '',
    tests: ['src/operations/file/foreign-database.test.ts'],
  },
  {
    what: 'an event counts twice',
    file: 'src/operations/usage/ingest.ts',
    text: 'await bulk.noteEvents(texts(), at)',
    instead: 'await bulk.noteEvents(texts().map((text, row) => `${row}${text}${from}`), at)',
    ...ingest,
  },
  {
    what: 'the same log counts twice',
    file: 'src/operations/usage/ingest.ts',
    text: 'if (!(await noteFile(db))) return null',
    instead: 'await noteFile(db)',
    tests: ['src/operations/usage/ingest.test.ts', 'src/operations/usage/contention.test.ts'],
  },
  {
    what: 'usage of a key that was deleted meanwhile is lost without a word',
    file: 'src/operations/usage/ingest.ts',
    text: "if (series === 'no key') throw keyDeleted()",
    instead: "if (series === 'no key') return null",
    ...ingest,
  },
  {
    what: 'a field that is not known is passed over',
    file: 'src/operations/usage/events.ts',
    text: '    for (const name in row) if (!knownFields.has(name)) return undefined\n',
    instead: '',
    ...ingest,
  },
  {
    what: 'usage of the next year is counted',
    file: 'src/operations/usage/events.ts',
    text: 'time < earliest || time > this.#now + rules.clockToleranceMs) return undefined',
    instead: 'time < earliest) return undefined',
    ...ingest,
  },
  {
    what: 'a row of CSV with too few fields is filled up',
    file: 'src/formats/csv.ts',
    text: 'if (fields.length !== header.length) {',
    instead: 'if (fields.length > header.length) {',
    tests: ['src/formats/rows.test.ts'],
  },
  {
    what: 'blanks at the edge of a CSV cell are lost by who reads it',
    file: 'src/cli/draw/present.ts',
    text: '/[",\\r\\n]|^\\s|\\s$/.test(text)',
    instead: '/[",\\r\\n]/.test(text)',
    tests: ['src/cli/commands/db/db.test.ts'],
    only: 'blanks at the edge',
  },
]
