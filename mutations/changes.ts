import type { Mutation } from './mutation.ts'

const changed = { tests: ['src/operations/changed.test.ts'] }
const texts = { tests: ['src/operations/rules/secret-text.test.ts'] }
const names = { tests: ['src/operations/people/people.test.ts'] }
const extremes = { tests: ['src/operations/usage/extremes.test.ts'] }
const explained = { tests: ['src/operations/keys/explain.test.ts'] }

/** Mistakes in what changes do and report, which texts are stored, and what one event may do. */
export const changes: readonly Mutation[] = [
  {
    what: 'an operation reads the clock again and again',
    file: 'src/operations/late.ts',
    text: 'moment ??= context.now()',
    instead: 'moment = context.now()',
    tests: ['src/operations/clock.test.ts'],
  },
  {
    what: 'a change that changes nothing is written down',
    file: 'src/operations/changed.ts',
    text: 'if (fields.length === 0 && !isHidden) {',
    instead: 'if (fields.length < 0) {',
    ...changed,
  },
  {
    what: 'a new password is taken for no change',
    file: 'src/operations/changed.ts',
    text: 'if (fields.length === 0 && !isHidden) {',
    instead: 'if (fields.length === 0) {',
    ...changed,
  },
  {
    what: 'taking away one window takes all of its metric',
    file: 'src/operations/limits/input.ts',
    text: '((name.windowMs ?? null) === null || limit.windowMs === name.windowMs) &&',
    instead: '',
    ...changed,
  },
  {
    what: 'a key that differs is taken for the same',
    file: 'src/operations/existing.ts',
    text: 'if (different.length === 0) return',
    instead: 'if (different.length >= 0) return',
    ...changed,
  },
  {
    what: 'a revoked key is accepted in place of a new one',
    file: 'src/operations/keys/create.ts',
    text: "if (key.status === 'revoked' || key.status === 'expired') {",
    instead: "if (key.status === 'expired') {",
    ...changed,
  },
  {
    what: 'a secret is kept as text',
    file: 'src/operations/rules/input.ts',
    text: '    noSecret,\n',
    instead: '',
    ...texts,
  },
  {
    what: 'an error repeats a secret that was given in place of a name',
    file: 'src/operations/rules/quotes.ts',
    text: 'const isCut = text.length > 64 || ',
    instead: 'const isCut = text.length > 64 && ',
    tests: ['src/operations/rules/quotes.test.ts'],
  },
  {
    what: 'a secret is kept in metadata',
    file: 'src/operations/rules/input.ts',
    text: '!textsOf(value).some(holdsSecret)',
    instead: 'textsOf(value).length >= 0',
    ...texts,
  },
  {
    what: 'a secret is kept as the name of who acts',
    file: 'src/operations/audit.ts',
    text: 'if (holdsSecret(actor.name)) {',
    instead: "if (actor.name === '') {",
    ...texts,
  },
  {
    what: 'a name has no letter to be seen',
    file: 'src/operations/rules/input.ts',
    text: "    v.regex(visible, 'must contain a visible character'),\n",
    instead: '',
    ...names,
  },
  {
    what: 'one name is two, by how its letters are composed',
    file: 'src/operations/rules/input.ts',
    text: "    v.normalize('NFC'),\n",
    instead: '',
    ...names,
  },
  {
    what: 'the time of an answer tells who has a password',
    file: 'src/operations/people/check-password.ts',
    text: 'await isPassword(password, hash ?? nobodysHash)',
    instead: 'hash !== null && (await isPassword(password, hash))',
    ...names,
  },
  {
    what: 'usage of a clock that is ahead is in no window',
    file: 'src/operations/usage/record.ts',
    text: 'at: Math.min(at, now.getTime()),',
    instead: 'at,',
    ...extremes,
  },
  {
    what: 'a logged event of a clock that is ahead is in no window',
    file: 'src/operations/usage/events.ts',
    text: 'isPriced: costUsd !== null,\n      at: Math.min(time, this.#now),',
    instead: 'isPriced: costUsd !== null,\n      at: time,',
    ...extremes,
  },
  {
    what: 'a total grows past what a number holds',
    file: 'src/db/facts.ts',
    text: "if (tokensOf(totals) + tokensOf(counts) > mostCounted) return 'tokens'\n",
    instead: '\n',
    ...extremes,
  },
  {
    what: 'an absurd event takes the others of its key with it',
    file: 'src/operations/usage/recorder.ts',
    text: 'if (isHuge(counts)) return this.addAll',
    instead: 'if (false) return this.addAll',
    ...extremes,
  },
  {
    what: 'an absurd total stops a report',
    file: 'src/db/sqlite/dialect.ts',
    text: "total: 'total'",
    instead: "total: 'sum'",
    ...extremes,
  },
  {
    what: 'usage of 1969 moves to 1970',
    file: 'src/db/sqlite/usage-book.ts',
    text: 'const day = Math.floor(at / dayMs)',
    instead: 'const day = Math.trunc(at / dayMs)',
    ...extremes,
  },
  {
    what: 'the start of a foreign secret is its prefix',
    file: 'src/operations/rules/secrets.ts',
    text: 'Math.max(third, prefix + 3)',
    instead: 'third',
    tests: ['src/operations/rules/secrets.test.ts'],
  },
  {
    what: 'a verdict about another moment is counted as a denial',
    file: 'src/operations/keys/verify.ts',
    text: 'if (options.at === undefined) noteDenial',
    instead: 'noteDenial',
    ...explained,
  },
  {
    what: 'denials are lost when the library closes',
    file: 'src/operations/keys/denials.ts',
    text: 'store.beforeClose(() => this.#flush())',
    instead: 'store.beforeClose(async () => {})',
    ...explained,
  },
]
