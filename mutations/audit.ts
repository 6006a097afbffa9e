import type { Mutation } from './mutation.ts'

const everyCommand = { tests: ['src/acceptance/audit.test.ts'], only: 'leaves its rows in the audit trail' }

/** Mistakes that hide something. */
export const audit: readonly Mutation[] = [
  {
    what: 'rows of one millisecond sort by chance',
    file: 'src/operations/rules/ids.ts',
    text: '  made += 1n\n',
    instead: '  made = BigInt(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)\n',
    tests: ['src/operations/rules/ids.test.ts'],
  },
  {
    what: 'doctor stops at a broken schedule',
    file: 'src/operations/file/diagnosis.ts',
    text: '    return [context, known(error, context)]\n',
    instead: '    throw known(error, context)\n',
    tests: ['src/operations/file/diagnosis.test.ts'],
    only: 'a broken schedule',
  },
  {
    what: 'a new user or project is not told of',
    file: 'src/operations/thing.ts',
    text: "    await record(context, db, this.#event('create', made, { after }))\n",
    instead: '',
    ...everyCommand,
  },
  {
    what: 'something deleted is not told of',
    file: 'src/operations/thing.ts',
    text: "      await record(context, db, this.#event('delete', row, { before }))\n",
    instead: '',
    ...everyCommand,
  },
  {
    what: 'whatever is changed is told of as a user',
    file: 'src/operations/thing.ts',
    text: 'action: `${this.#noun}.${verb}` as AuditAction',
    instead: 'action: `user.${verb}` as AuditAction',
    ...everyCommand,
  },
  {
    what: 'no change of a user, project or key is told of',
    file: 'src/operations/changed.ts',
    text: '  await recordAll(context, db, events)\n',
    instead: '',
    ...everyCommand,
  },
  {
    what: 'a new key is not told of',
    file: 'src/operations/keys/insert.ts',
    text: '    inserted.map(after =>',
    instead: '    inserted.slice(inserted.length).map(after =>',
    ...everyCommand,
  },
  {
    what: 'what an import changed is told of as a whole only',
    file: 'src/operations/import/pipeline.ts',
    text: '    await recordAll(context, db, events, tell)\n',
    instead: '',
    tests: ['src/operations/import/glm-proxy.test.ts'],
    only: 'brings the key',
  },
  {
    what: 'what an import took back is told of as a whole only',
    file: 'src/operations/import/undo.ts',
    text: '  await recordAll(context, db, events, tell)\n',
    instead: '',
    ...everyCommand,
  },
  {
    what: 'a repair of totals is not told of',
    file: 'src/operations/usage/reconcile.ts',
    text: "        action: 'usage.repair',",
    instead: "        action: 'usage.compact',",
    tests: ['src/operations/usage/reconcile.test.ts'],
  },
  {
    what: 'usage is compacted in secret',
    file: 'src/operations/usage/compact.ts',
    text: 'if (Object.values(changes).some(count => count > 0)) {',
    instead: 'if (Object.values(changes).some(count => count < 0)) {',
    tests: ['src/operations/usage/compact.test.ts'],
  },
  {
    what: 'the trail keeps the fields that stayed the same',
    file: 'src/operations/audit.ts',
    text: 'JSON.stringify(old.get(field)) !== JSON.stringify(value)',
    instead: 'JSON.stringify(old.get(field)) !== undefined',
    tests: ['src/operations/changed.test.ts', 'src/operations/keys/keys.test.ts'],
  },
  {
    what: 'a window of the trail has its last moment twice',
    file: 'src/operations/audit.ts',
    text: 'until && lt(audit.at, until.getTime()),',
    instead: 'until && lt(audit.at, until.getTime() + 1),',
    tests: ['src/cli/commands/audit/audit.test.ts'],
  },
]
