/** Keys, their secrets, what is said of a secret, and whose it is. */
import {
  anything,
  as,
  choice,
  extend,
  flag,
  integer,
  list,
  nullable,
  type Of,
  object,
  text,
  time,
} from '../shape.ts'
import { changed, createdFlag } from './changes.ts'
import { type LimitState, limit, limitForecast, limitState } from './limits.ts'
import { keyRef, projectRef, userRef } from './refs.ts'
import { deniedCodes, keyStatuses, verdictCodes } from './words.ts'

export const key = object('Key', {
  id: text('key_ and a time-sorted id'),
  name: text('Unique name'),
  start: text('First characters of the current secret, for recognising it'),
  status: choice(
    keyStatuses,
    'Derived: revoked wins over expired, over disabled, over user_disabled, over project_archived, over active',
  ),
  user: nullable(as(userRef, 'Who the key belongs to')),
  project: nullable(as(projectRef, 'What the key is for')),
  model: nullable(text('Model that replaces whatever a request asks for')),
  allowedModels: nullable(list(text('A name or a pattern with *'), 'Models the key may use; null is any')),
  scopes: list(text('A scope'), 'What the key may do'),
  limits: list(limit, 'Rolling limits'),
  createdAt: time('When it was created'),
  updatedAt: time('When it was last changed'),
  expiresAt: nullable(time('When it stops working')),
  disabledAt: nullable(time('Since when it is disabled')),
  revokedAt: nullable(time('Since when it is revoked, for good')),
  revokedReason: nullable(text('Why it was revoked')),
  lastUsedAt: nullable(time('Latest recorded use')),
  metadata: nullable(anything('JSON that belongs to the operator')),
})

const issued = {
  secret: nullable(text('The secret, shown this once; null in a dry run, or when it went to a file')),
  secretFile: nullable(text('The new file that holds the secret, when one was asked for')),
}

export const createdKey = extend('CreatedKey', key, { ...issued, created: createdFlag })

export const changedKey = changed('ChangedKey', key)

export const rotatedKey = extend('RotatedKey', key, {
  ...issued,
  previousSecretEndsAt: time('When the previous secret stops working'),
  repeated: flag('Whether this only tells of a rotation that an earlier try had done'),
})

export const verdict = object('Verdict', {
  valid: flag('Whether the request may go ahead'),
  code: choice(verdictCodes, 'Why'),
  key: nullable(as(key, 'The key that the secret belongs to')),
  limits: list(limitState, 'Every limit that was looked at'),
  retryAt: nullable(time('When to try again, if a limit was hit and time alone helps')),
})

export const denial = object('Denial', {
  code: choice(deniedCodes, 'Why'),
  count: integer('How often'),
  lastAt: time('When it was denied last'),
})

export const explanation = object('Explanation', {
  valid: flag('Whether the request may go ahead'),
  code: choice(verdictCodes, 'Why'),
  key: as(key, 'The key'),
  model: nullable(text('The model that the request would get; null when none was named')),
  limits: list(limitForecast, 'Every limit that binds the key, whatever the verdict, and when it frees'),
  retryAt: nullable(time('When to try again, if a limit was hit and time alone helps')),
  denials: list(denial, 'How often the key was denied in the 14 days before, the latest first'),
})

/** What POST /v1/reservations answers. */
export const reserved = object('Reserved', {
  reservation: nullable(
    as(
      object('Reservation', {
        id: text('res_ and a time-sorted id, for settling or releasing it'),
        expiresAt: time('When it no longer counts if it is neither settled nor released'),
      }),
      'What is held back; null when the verdict denies',
    ),
  ),
  verdict: as(verdict, 'Its limits are as they stood before the reservation'),
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

export type Key = Of<typeof key>
export type CreatedKey = Of<typeof createdKey>
/** A key with the secret that was just made for it. */
export type IssuedKey = Pick<CreatedKey, 'id' | 'name' | 'secret' | 'secretFile'>
export type ChangedKey = Of<typeof changedKey>
export type RotatedKey = Of<typeof rotatedKey>
export type Denial = Of<typeof denial>
export type Explanation = Of<typeof explanation>
export type Verdict = Of<typeof verdict>
export type Reserved = Of<typeof reserved>
export type FoundSecret = Of<typeof foundSecret>

/** What a key has used in all. */
export interface KeyStanding {
  /** All tokens ever, those of an import without a split included. */
  readonly tokens: number
  /** What it has cost, in dollars. */
  readonly costUsd: number
  /** Of its own limits the one of which most is used; null without any. A limit of 0 is used up. */
  readonly fullest: LimitState | null
}
