/** Keys on their way to another Latchkey, and secrets found in other places. */
import { as, choice, extend, flag, integer, list, nullable, type Of, object, text, time } from '../shape.ts'
import { key } from './keys.ts'
import { keyRef, projectRef, userRef } from './refs.ts'
import { totals } from './usage.ts'
import { keyStatuses } from './words.ts'

/** The only view with hashes: what another Latchkey needs to let a key go on working. */
export const exportedKey = extend('ExportedKey', key, {
  hash: text('SHA-256 of the current secret, in hex: it verifies, and cannot be turned back'),
  previousSecrets: list(
    object('PreviousSecret', {
      hash: text('SHA-256 of a secret that a rotation replaced'),
      start: text('Its first characters'),
      createdAt: time('When it was made'),
      endsAt: time('When it stopped, or stops, working'),
    }),
    'Secrets that rotations replaced, oldest first',
  ),
  totals: as(totals, 'All that was ever used'),
})

export const foundSecret = object('FoundSecret', {
  line: integer('Line of the text in which it stands first'),
  count: integer('How many times it stands in the text'),
  start: text('Its first characters, never all of it'),
  checksum: flag('Whether it has the form of a secret of ours and its checksum fits; false of a foreign one'),
  key: nullable(as(keyRef, 'Whose it is; null when it is none that is known here')),
  user: nullable(as(userRef, 'Who the key belongs to')),
  project: nullable(as(projectRef, 'What the key is for')),
  status: nullable(choice(keyStatuses, 'Status of the key')),
  lastUsedAt: nullable(time('Latest recorded use of the key')),
  secret: nullable(choice(['current', 'grace', 'rotated'], 'Which secret of the key it is')),
  live: flag('Whether a request with it would be let through now, limits aside'),
  revoke: nullable(text('The command that ends it; null when it has ended')),
})

export type ExportedKey = Of<typeof exportedKey>
export type FoundSecret = Of<typeof foundSecret>
