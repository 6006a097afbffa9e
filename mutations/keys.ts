import type { Mutation } from './mutation.ts'

const standing = { tests: ['src/operations/keys/status.test.ts', 'src/operations/keys/keys.test.ts'] }

/** Mistakes in who gets access. */
export const keys: readonly Mutation[] = [
  {
    what: 'a key works for one more millisecond than it should',
    file: 'src/operations/keys/status.ts',
    text: 'key.expiresAt <= at.getTime()',
    instead: 'key.expiresAt < at.getTime()',
    ...standing,
  },
  {
    what: 'the keys of a disabled user work',
    file: 'src/operations/keys/status.ts',
    text: "  if (isShut(key.userDisabledAt, at, now) && !isOver(key.userDisabledUntil, at)) return 'user_disabled'\n",
    instead: '',
    ...standing,
  },
  {
    what: 'a user who is disabled for a time is so for a millisecond more',
    file: 'src/operations/people/status.ts',
    text: 'until <= at.getTime()',
    instead: 'until < at.getTime()',
    tests: ['src/operations/keys/status.test.ts', 'src/operations/people/passwords.test.ts'],
  },
  {
    what: 'the keys of an archived project work',
    file: 'src/operations/keys/status.ts',
    text: "return isShut(key.projectArchivedAt, at, now) ? 'project_archived' : 'active'",
    instead: "return 'active'",
    ...standing,
  },
  {
    what: 'what a clock that was ahead has shut is open again',
    file: 'src/operations/keys/status.ts',
    text: ' || since > now.getTime())',
    instead: ')',
    tests: ['src/operations/keys/status.test.ts', 'src/operations/clock.test.ts'],
  },
  {
    what: 'a secret works for one more millisecond than its grace',
    file: 'src/operations/keys/status.ts',
    text: 'secret.endsAt <= at.getTime()',
    instead: 'secret.endsAt < at.getTime()',
    tests: ['src/operations/keys/rotate.test.ts', 'src/operations/keys/keys.test.ts'],
  },
  {
    what: 'a grace period outlives the key',
    file: 'src/operations/keys/rotate.ts',
    text: 'Math.min(now.getTime() + graceMs, row.expiresAt ?? Number.POSITIVE_INFINITY)',
    instead: 'now.getTime() + graceMs',
    tests: ['src/operations/keys/rotate.test.ts', 'src/operations/keys/keys.test.ts'],
  },
  {
    what: 'secrets in an earlier grace period outlive a rotation without one',
    file: 'src/operations/keys/rotate.ts',
    text: 'or(isNull(secrets.endsAt), gt(secrets.endsAt, endsAt))',
    instead: 'isNull(secrets.endsAt)',
    tests: ['src/operations/keys/rotate.test.ts', 'src/operations/keys/keys.test.ts'],
  },
  {
    what: 'an expired key gets a secret that does not work',
    file: 'src/operations/keys/rotate.ts',
    text: "if (status === 'revoked' || status === 'expired') {",
    instead: "if (status === 'revoked') {",
    tests: ['src/operations/keys/rotate.test.ts', 'src/operations/keys/keys.test.ts'],
  },
  {
    what: 'the model that was asked for is judged, and not the one that is used',
    file: 'src/operations/keys/verify.ts',
    text: 'const model = key.model ?? options.model',
    instead: 'const model = options.model ?? key.model',
    tests: ['src/operations/keys/keys.test.ts'],
  },
  {
    what: 'a key without a scope has all of them',
    file: 'src/operations/keys/verify.ts',
    text: 'if (scope !== undefined && !key.scopes.some(',
    instead: 'if (scope !== undefined && key.scopes.length > 0 && !key.scopes.some(',
    tests: ['src/operations/keys/keys.test.ts', 'src/server/app.test.ts'],
  },
  {
    what: 'a typo in a secret is looked up, and told as an unknown key',
    file: 'src/operations/rules/secrets.ts',
    text: 'return checksum(body) === secret.slice(-checksumLength)',
    instead: 'return checksum(body).length === checksumLength',
    tests: ['src/operations/rules/secrets.test.ts'],
  },
  {
    what: 'some characters of a secret are likelier than others',
    file: 'src/operations/rules/secrets.ts',
    text: 'if (byte < 248 && text.length < length)',
    instead: 'if (text.length < length)',
    tests: ['src/operations/rules/secrets.test.ts'],
  },
  {
    what: 'a verdict for an amount that is no number lets everything through',
    file: 'src/operations/keys/verify.ts',
    text: '&& amounts.every(isSound)) {',
    instead: ') {',
    tests: ['src/operations/keys/keys.test.ts'],
  },
  {
    what: 'a key that does not work costs as much as all that it has used',
    file: 'src/operations/keys/verify.ts',
    text: 'moment, refusing(options, now))',
    instead: 'moment)',
    tests: ['src/operations/keys/verify.test.ts'],
  },
  {
    what: 'what a field refuses is said in the words of valibot',
    file: 'src/operations/rules/input.ts',
    text: 'v.safeParse(schema, value, { message: inOurWords })',
    instead: 'v.safeParse(schema, value)',
    tests: ['src/operations/inputs.test.ts'],
  },
]
