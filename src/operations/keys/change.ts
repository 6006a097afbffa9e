/** Changing keys: fields, status, secrets. Every change and its audit row commit together. */
import { and, eq, isNull } from 'drizzle-orm'
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { type Key, metrics, type RotatedKey } from '../../contract/views.ts'
import { keys, projects, secrets } from '../../db/schema.ts'
import type { Database } from '../../db/transaction.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import * as rules from '../input.ts'
import { changeLimits, type LimitChanges, requireOneMeaning } from '../limits/change.ts'
import { defaultPrefix } from '../secrets.ts'
import { findKey, findProject, findUser, type KeyRow, type KeySelector } from '../select.ts'
import { addSecret, requireFreeName, requireFuture } from './create.ts'
import { keyView, statusOf } from './view.ts'

/** Left out: unchanged. Null: cleared. */
export interface KeyChanges extends LimitChanges {
  readonly name?: string | undefined
  readonly user?: string | null | undefined
  readonly project?: string | null | undefined
  readonly model?: string | null | undefined
  readonly allowedModels?: readonly string[] | null | undefined
  readonly scopes?: readonly string[] | null | undefined
  readonly expiresAt?: Date | null | undefined
  readonly metadata?: unknown
}

const keyChanges = v.object({
  name: v.optional(rules.keyName),
  user: rules.clearable(v.string()),
  project: rules.clearable(v.string()),
  model: rules.clearable(rules.modelName),
  allowedModels: rules.clearable(v.array(rules.modelName)),
  scopes: rules.clearable(v.array(rules.scopeName)),
  expiresAt: rules.clearable(rules.instant),
  limits: v.optional(rules.limits),
  removeLimits: v.optional(v.array(v.picklist(metrics, `must be one of ${metrics.join(', ')}`))),
  metadata: rules.clearable(rules.metadata),
})

/** @throws not_found, ambiguous, invalid, conflict */
export async function updateKey(
  context: OperationContext,
  selector: KeySelector,
  input: KeyChanges,
): Promise<Key> {
  const {
    user,
    project,
    limits: newLimits,
    removeLimits,
    expiresAt,
    scopes,
    ...fields
  } = rules.parseChanges(keyChanges, input)
  requireFuture(expiresAt, context.now())
  requireOneMeaning({ limits: newLimits, removeLimits })
  return change(context, selector, 'update', async (db, row) => {
    if (fields.name !== undefined) await requireFreeName(db, fields.name, row.id)
    await changeLimits(db, 'key', row.id, { limits: newLimits, removeLimits }, context.now())
    return {
      ...fields,
      ...(scopes === undefined ? {} : { scopes: scopes ?? [] }),
      ...(expiresAt === undefined ? {} : { expiresAt: expiresAt?.getTime() ?? null }),
      ...(user === undefined ? {} : { userId: user === null ? null : (await findUser(db, user)).id }),
      ...(project === undefined
        ? {}
        : { projectId: project === null ? null : (await findProject(db, project)).id }),
    }
  })
}

/**
 * Ends a key for good; its row, history and name stay. Revoking it again changes nothing.
 *
 * @throws not_found, ambiguous, invalid
 */
export async function revokeKey(
  context: OperationContext,
  selector: KeySelector,
  options: { readonly reason?: string | undefined } = {},
): Promise<Key> {
  const reason = rules.parse(v.optional(rules.reason), options.reason)
  return change(context, selector, 'revoke', async (_, row) =>
    row.revokedAt === null
      ? { revokedAt: context.now().getTime(), revokedReason: reason ?? null }
      : 'nothing',
  )
}

/** Turns a key off until it is enabled. @throws not_found, ambiguous, conflict when it is revoked */
export function disableKey(context: OperationContext, selector: KeySelector): Promise<Key> {
  return change(context, selector, 'disable', async (_, row) => {
    requireNotRevoked(row, 'disabled')
    return { disabledAt: row.disabledAt ?? context.now().getTime() }
  })
}

/** @throws not_found, ambiguous, conflict when it is revoked */
export function enableKey(context: OperationContext, selector: KeySelector): Promise<Key> {
  return change(context, selector, 'enable', async (_, row) => {
    requireNotRevoked(row, 'enabled')
    return { disabledAt: null }
  })
}

/** Longest grace period: a year. */
const longestGraceMs = 366 * 86_400_000

/**
 * Gives a key a new secret; the old ones go on working for `graceMs` milliseconds (default 0), but never beyond the
 * key's own expiry. Limits, usage and history stay.
 *
 * @throws not_found, ambiguous, invalid, conflict when the key is revoked or expired
 */
export async function rotateKey(
  context: OperationContext,
  selector: KeySelector,
  options: { readonly graceMs?: number | undefined } = {},
): Promise<RotatedKey> {
  const { graceMs = 0 } = options
  if (!Number.isInteger(graceMs) || graceMs < 0 || graceMs > longestGraceMs) {
    throw new LatchkeyError('invalid', 'grace must be from 0 to 366 days', 'for example: --grace 24h')
  }
  return context.store.write(async db => {
    const row = await findKey(db, selector)
    const now = context.now()
    const status = statusOf(row, now)
    if (status === 'revoked' || status === 'expired') {
      throw new LatchkeyError(
        'conflict',
        `${row.name} (${row.id}) is ${status}: a new secret would not work`,
        status === 'expired'
          ? `first give it a later expiry: latchkey key update ${row.id} --expires 90d`
          : 'create another key with: latchkey key create',
      )
    }
    const before = await keyView(db, now, row.id)
    const endsAt = Math.min(now.getTime() + graceMs, row.expiresAt ?? Number.POSITIVE_INFINITY)
    // Secrets that an earlier rotation left in their grace keep the end they were promised.
    await db
      .update(secrets)
      .set({ endsAt })
      .where(and(eq(secrets.keyId, row.id), isNull(secrets.endsAt)))
    const secret = await addSecret(db, row.id, await prefixOf(db, row), now)
    await db.update(keys).set({ updatedAt: now.getTime() }).where(eq(keys.id, row.id))
    const after = await keyView(db, now, row.id)
    const previousSecretEndsAt = new Date(endsAt)
    await record(context, db, {
      action: 'key.rotate',
      target: target(row),
      before,
      after: { ...after, previousSecretEndsAt },
    })
    return { ...after, secret: context.store.dryRun ? null : secret, previousSecretEndsAt }
  })
}

/** Erases a key with its secrets, limits and usage. @throws not_found, ambiguous */
export function deleteKey(context: OperationContext, selector: KeySelector): Promise<Key> {
  return context.store.write(async db => {
    const row = await findKey(db, selector)
    const before = await keyView(db, context.now(), row.id)
    await db.delete(keys).where(eq(keys.id, row.id))
    await record(context, db, { action: 'key.delete', target: target(row), before })
    return before
  })
}

type Changes = { [K in keyof KeyRow]?: KeyRow[K] | undefined }

function change(
  context: OperationContext,
  selector: KeySelector,
  verb: string,
  changesTo: (db: Database, row: KeyRow) => Promise<Changes | 'nothing'>,
): Promise<Key> {
  return context.store.write(async db => {
    const row = await findKey(db, selector)
    const now = context.now()
    const before = await keyView(db, now, row.id)
    const changes = await changesTo(db, row)
    if (changes === 'nothing') return before
    await db
      .update(keys)
      .set({ ...changes, updatedAt: now.getTime() })
      .where(eq(keys.id, row.id))
    const after = await keyView(db, now, row.id)
    await record(context, db, { action: `key.${verb}`, target: target(row), before, after })
    return after
  })
}

async function prefixOf(db: Database, row: KeyRow): Promise<string> {
  if (row.projectId === null) return defaultPrefix
  const [project] = await db
    .select({ keyPrefix: projects.keyPrefix })
    .from(projects)
    .where(eq(projects.id, row.projectId))
    .limit(1)
  return project?.keyPrefix ?? defaultPrefix
}

function requireNotRevoked(row: KeyRow, participle: string): void {
  if (row.revokedAt === null) return
  throw new LatchkeyError(
    'conflict',
    `${row.name} (${row.id}) is revoked, which is final: it cannot be ${participle}`,
    'create another key with: latchkey key create',
  )
}

const target = (row: KeyRow) => ({ type: 'key', id: row.id, name: row.name })
