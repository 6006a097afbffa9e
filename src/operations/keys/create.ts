/** Making keys. */

import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { CreatedKey, Limit } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, ne, oneOfNames } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import type { OperationContext } from '../context.ts'
import { limitRows } from '../limits/rows.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { defaultPrefix, hashSecret, mintSecret, startOf } from '../rules/secrets.ts'
import { findProject, findUser } from '../select.ts'
import { insertKeys } from './insert.ts'

export interface NewKey {
  readonly name: string
  /** A user. */
  readonly user?: string | undefined
  /** A project; its key prefix is used. */
  readonly project?: string | undefined
  /** Replaces whatever model a request asks for. */
  readonly model?: string | undefined
  /** Names, or patterns with `*`; left out: any. */
  readonly allowedModels?: readonly string[] | undefined
  readonly scopes?: readonly string[] | undefined
  readonly limits?: readonly Limit[] | undefined
  readonly expiresAt?: Date | undefined
  /** Any JSON. */
  readonly metadata?: unknown
}

const newKey = v.object({
  name: rules.newKeyName,
  user: v.optional(v.string()),
  project: v.optional(v.string()),
  model: v.optional(rules.modelName),
  allowedModels: v.optional(v.array(rules.modelName)),
  scopes: v.optional(v.array(rules.scopeName), []),
  limits: v.optional(rules.limits, []),
  expiresAt: v.optional(rules.instant),
  metadata: v.optional(rules.metadata),
})

/** What else is to happen while keys are made. */
export interface Delivery {
  /**
   * Is given the new secrets before anything is kept: if it throws, nothing is. For a file that holds them, say. Not
   * called in a dry run.
   */
  readonly deliver?: ((created: readonly CreatedKey[]) => Promise<void>) | undefined
}

/**
 * Creates a key. The secret in the result exists nowhere else.
 *
 * @throws invalid, not_found for the user or project, conflict when the name is taken
 */
export async function createKey(
  context: OperationContext,
  input: NewKey,
  delivery: Delivery = {},
): Promise<CreatedKey> {
  const [key] = await createKeys(context, input, undefined, delivery)
  if (!key) throw new Error('a key was created, but not returned')
  return key
}

/** Most keys that are made in one go. */
const most = 10_000

/**
 * Creates `count` keys alike in one transaction, `name-1`, `name-2` and so on; without a count one, `name`.
 *
 * @throws as `createKey`
 */
export async function createKeys(
  context: OperationContext,
  input: NewKey,
  count: number | undefined,
  { deliver }: Delivery = {},
): Promise<readonly CreatedKey[]> {
  const fields = rules.parse(newKey, input)
  if (count !== undefined && (!Number.isInteger(count) || count < 1 || count > most)) {
    throw new LatchkeyError('invalid', `count must be from 1 to ${most}`, 'create them in several goes')
  }
  const { name, user, project, expiresAt } = fields
  const names = count === undefined ? [name] : Array.from({ length: count }, (_, n) => `${name}-${n + 1}`)
  rules.parse(v.object({ name: rules.keyName }), { name: names.at(-1) })
  requireFuture(expiresAt, context.now())
  return context.store.write(async db => {
    const userId = user === undefined ? null : (await findUser(db, user)).id
    const home = project === undefined ? null : await findProject(db, project)
    await requireFreeNames(db, names)
    const now = context.now()
    const made = names.map(each => {
      const id = newId('key', now)
      const secret = mintSecret(home?.keyPrefix ?? defaultPrefix)
      return {
        secret,
        key: {
          id,
          name: each,
          userId,
          projectId: home?.id ?? null,
          model: fields.model ?? null,
          allowedModels: fields.allowedModels ?? null,
          scopes: fields.scopes,
          metadata: fields.metadata ?? null,
          expiresAt: expiresAt?.getTime() ?? null,
          createdAt: now.getTime(),
          updatedAt: now.getTime(),
        },
        secrets: [secretRow(id, secret, now.getTime())],
        limits: limitRows(id, fields.limits, now),
      }
    })
    const views = await insertKeys(context, db, 'key.create', made)
    const { dryRun } = context.store
    const created = views.map((view, index) => ({
      ...view,
      secret: dryRun ? null : (made[index]?.secret ?? null),
      secretFile: null,
    }))
    if (!dryRun) await deliver?.(created)
    return created
  })
}

/** A new current secret, as it is stored: without its text. */
export const secretRow = (keyId: string, secret: string, createdAt: number) => ({
  hash: hashSecret(secret),
  keyId,
  start: startOf(secret),
  createdAt,
  endsAt: null,
})

/** @throws conflict */
export async function requireFreeName(db: Database, name: string, except?: string): Promise<void> {
  await requireFreeNames(db, [name], except)
}

/** @throws conflict, naming the first that is taken */
async function requireFreeNames(db: Database, names: readonly string[], except?: string): Promise<void> {
  const [taken] = await db
    .select({ id: keys.id, name: keys.name, revokedAt: keys.revokedAt })
    .from(keys)
    .where(and(oneOfNames(keys.name, names), except === undefined ? undefined : ne(keys.id, except)))
    .limit(1)
  if (!taken) return
  throw new LatchkeyError(
    'conflict',
    `the name "${taken.name}" is taken by ${taken.id}${taken.revokedAt === null ? '' : ', which is revoked'}`,
    taken.revokedAt === null
      ? `choose another, or give that key a new secret with: latchkey key rotate ${taken.id}`
      : `choose another, or free the name with: latchkey key update ${taken.id} --name ANOTHER`,
  )
}

/** @throws invalid */
export function requireFuture(expiresAt: Date | null | undefined, now: Date): void {
  if (!expiresAt || expiresAt > now) return
  throw new LatchkeyError(
    'invalid',
    `expires at ${expiresAt.toISOString()} lies in the past`,
    'give a later date or a duration such as 90d; to stop a key now, use: latchkey key revoke',
  )
}
