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
import { type LimitState, limit, limitForecast, limitState, withUse } from './limits.ts'
import { keyRef, projectRef, userRef } from './refs.ts'
import { deniedCodes, keyStatuses, verdictCodes } from './words.ts'

export const key = object('Key', {
  id: text('key_ and a time-sorted id'),
  name: text('Unique name'),
  start: text('First characters of the current secret, to recognize it'),
  status: choice(
    keyStatuses,
    'Derived. The first that applies: revoked, expired, disabled, user_disabled, project_archived, active',
  ),
  user: nullable(as(userRef, 'Owner of the key')),
  project: nullable(as(projectRef, 'Project of the key')),
  model: nullable(text('Model to use instead of the one a request asks for')),
  allowedModels: nullable(list(text('A name or a pattern with *'), 'Models the key may use; null is any')),
  scopes: list(text('A scope'), 'What the key may do'),
  limits: list(limit, 'Its own limits'),
  createdAt: time('When it was created'),
  updatedAt: time('When it was last changed'),
  expiresAt: nullable(time('When the key stops working')),
  disabledAt: nullable(time('Since when it is disabled')),
  revokedAt: nullable(time('Since when it is revoked')),
  revokedReason: nullable(text('Why it was revoked')),
  lastUsedAt: nullable(time('Time of the latest recorded use')),
  metadata: nullable(anything('Your own JSON')),
})

const issued = {
  secret: nullable(text('The secret, shown only once; null in a dry run, or when it was written to a file')),
  secretFile: nullable(text('The new file with the secret, when --out was given')),
}

export const createdKey = extend('CreatedKey', key, { ...issued, created: createdFlag })

export const keyDetails = withUse('KeyDetails', key)
export const changedKey = changed('ChangedKey', key)

export const rotatedKey = extend('RotatedKey', key, {
  ...issued,
  previousSecretEndsAt: time('When the previous secret stops working'),
  repeated: flag('Whether an earlier call with the same --request-id had already rotated the key'),
})

export const verdict = object('Verdict', {
  valid: flag('Whether the request is allowed'),
  code: choice(verdictCodes, 'Why'),
  key: nullable(as(key, 'The key that the secret belongs to')),
  limits: list(limitState, 'Every limit that was checked'),
  retryAt: nullable(time('When to retry; null when no limit was hit, or waiting does not help')),
})

export const denial = object('Denial', {
  code: choice(deniedCodes, 'Why'),
  count: integer('How often'),
  lastAt: time('When it was denied last'),
})

export const explanation = object('Explanation', {
  valid: flag('Whether the request is allowed'),
  code: choice(verdictCodes, 'Why'),
  key: as(key, 'The key'),
  model: nullable(text('The model that the request would get; null when none was given')),
  limits: list(
    limitForecast,
    'Every limit that applies to the key, whatever the verdict, and when it frees up',
  ),
  retryAt: nullable(time('When to retry; null when no limit was hit, or waiting does not help')),
  denials: list(denial, 'How often the key was denied in the last 14 days, the latest first'),
})

/** What POST /v1/reservations answers. */
export const reserved = object('Reserved', {
  reservation: nullable(
    as(
      object('Reservation', {
        id: text('res_ and a time-sorted id, to settle or release it'),
        expiresAt: time('When it stops counting, unless it is settled or released before'),
      }),
      'The reservation; null when the request is denied',
    ),
  ),
  verdict: as(verdict, 'The verdict; its limits show the state before the reservation'),
})

export const foundSecret = object('FoundSecret', {
  line: integer('Line of the text where it first appears'),
  count: integer('How often it appears in the text'),
  start: text('Its first characters, never the whole secret'),
  checksum: flag(
    'Whether the checksum of a Latchkey secret is right; false for a secret from another system',
  ),
  key: nullable(as(keyRef, 'The key it belongs to; null when it is unknown here')),
  user: nullable(as(userRef, 'Owner of the key')),
  project: nullable(as(projectRef, 'Project of the key')),
  status: nullable(choice(keyStatuses, 'Status of the key')),
  lastUsedAt: nullable(time('Latest recorded use of the key')),
  secret: nullable(choice(['current', 'grace', 'rotated'], 'Which secret of the key it is')),
  live: flag('Whether a request with it would be allowed now, limits aside'),
  revoke: nullable(text('The command that revokes it; null when it no longer works')),
})

export type Key = Of<typeof key>
export type CreatedKey = Of<typeof createdKey>
/** A key with the secret that was just made for it. */
export type IssuedKey = Pick<CreatedKey, 'id' | 'name' | 'secret' | 'secretFile'>
export type KeyDetails = Of<typeof keyDetails>
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
