/** Making keys. */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { CreatedKey, Limit } from '../../contract/views.ts'
import { keys, limits, secrets } from '../../db/schema.ts'
import type { Database } from '../../db/transaction.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { newId } from '../ids.ts'
import * as rules from '../input.ts'
import { limitRows } from '../limits.ts'
import { defaultPrefix, hashSecret, mintSecret, startOf } from '../secrets.ts'
import { findProject, findUser, sameText } from '../select.ts'
import { keyView } from './view.ts'

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
  name: rules.keyName,
  user: v.optional(v.string()),
  project: v.optional(v.string()),
  model: v.optional(rules.modelName),
  allowedModels: v.optional(v.array(rules.modelName)),
  scopes: v.optional(v.array(rules.scopeName), []),
  limits: v.optional(rules.limits, []),
  expiresAt: v.optional(rules.instant),
  metadata: v.optional(rules.metadata),
})

/**
 * Creates a key. The secret in the result exists nowhere else.
 *
 * @throws invalid, not_found for the user or project, conflict when the name is taken
 */
export async function createKey(context: OperationContext, input: NewKey): Promise<CreatedKey> {
  const [key] = await createKeys(context, input, 1)
  if (!key) throw new Error('a key was created, but not returned')
  return key
}

/** Most keys that are made in one go. */
const most = 10_000

/**
 * Creates `count` keys alike in one transaction: `name` for one, `name-1`, `name-2`, … for more.
 *
 * @throws as `createKey`
 */
export async function createKeys(
  context: OperationContext,
  input: NewKey,
  count: number,
): Promise<readonly CreatedKey[]> {
  const fields = rules.parse(newKey, input)
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw new LatchkeyError('invalid', `count must be from 1 to ${most}`, 'create them in several goes')
  }
  const expiresAt = fields.expiresAt ?? null
  requireFuture(expiresAt, context.now())
  return context.store.write(async db => {
    const user = fields.user === undefined ? null : await findUser(db, fields.user)
    const project = fields.project === undefined ? null : await findProject(db, fields.project)
    const created: CreatedKey[] = []
    for (let n = 1; n <= count; n++) {
      const name = count === 1 ? fields.name : `${fields.name}-${n}`
      await requireFreeName(db, name)
      const now = context.now()
      const id = newId('key', now)
      await db.insert(keys).values({
        id,
        name,
        userId: user?.id ?? null,
        projectId: project?.id ?? null,
        model: fields.model ?? null,
        allowedModels: fields.allowedModels ?? null,
        scopes: fields.scopes,
        metadata: fields.metadata ?? null,
        expiresAt: expiresAt?.getTime() ?? null,
        createdAt: now.getTime(),
        updatedAt: now.getTime(),
      })
      const secret = await addSecret(db, id, project?.keyPrefix ?? defaultPrefix, now)
      if (fields.limits.length > 0) await db.insert(limits).values(limitRows(id, fields.limits, now))
      const key = await keyView(db, now, id)
      await record(context, db, { action: 'key.create', target: { type: 'key', id, name }, after: key })
      created.push({ ...key, secret: context.store.dryRun ? null : secret })
    }
    return created
  })
}

/** Mints the current secret of a key and stores its hash. */
export async function addSecret(db: Database, keyId: string, prefix: string, now: Date): Promise<string> {
  const secret = mintSecret(prefix)
  await db.insert(secrets).values({
    hash: hashSecret(secret),
    keyId,
    start: startOf(secret),
    createdAt: now.getTime(),
    endsAt: null,
  })
  return secret
}

/** @throws conflict */
export async function requireFreeName(db: Database, name: string, except?: string): Promise<void> {
  const [taken] = await db.select().from(keys).where(sameText(keys.name, name)).limit(1)
  if (!taken || taken.id === except) return
  throw new LatchkeyError(
    'conflict',
    `the name "${name}" is taken by ${taken.id}${taken.revokedAt === null ? '' : ', which is revoked'}`,
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
