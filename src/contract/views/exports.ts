/** Keys on their way to another Latchkey. */
import { as, extend, list, type Of, object, text, time } from '../shape.ts'
import { key } from './keys.ts'
import { totals } from './usage.ts'

/** The only view with hashes: what another Latchkey needs to let a key go on working. */
export const exportedKey = extend('ExportedKey', key, {
  hash: text('SHA-256 of the current secret, in hex; the secret cannot be recovered from it'),
  previousSecrets: list(
    object('PreviousSecret', {
      hash: text('SHA-256 of a secret that a rotation replaced'),
      start: text('Its first characters'),
      createdAt: time('When it was made'),
      endsAt: time('When it stops or stopped working'),
    }),
    'Secrets that rotations replaced, oldest first',
  ),
  totals: as(totals, 'Total usage of all time'),
})

export type ExportedKey = Of<typeof exportedKey>
