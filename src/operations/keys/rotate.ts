/** Gives keys new secrets. */

import { LatchkeyError } from '../../contract/errors.ts'
import type { Key, RotatedKey } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, desc, eq, gt, isNull, lt, or } from '../../db/query.ts'
import { keys, secrets } from '../../db/schema/keys.ts'
import { projects } from '../../db/schema/people.ts'
import { lineOf } from '../../text/shell-word.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import type { KeySelector } from '../input.ts'
import { type Row, targetOf } from '../nouns.ts'
import { parse } from '../rules/input.ts'
import { defaultPrefix, mintSecret } from '../rules/secrets.ts'
import { find } from '../select.ts'
import { secretRow } from './create.ts'
import { type RotateOptions, rotateOptions } from './input.ts'
import { keyView } from './view.ts'

/**
 * Gives a key a new secret. The old ones keep working for `graceMs` milliseconds, but never beyond the key's expiry.
 * Limits, usage and history stay.
 *
 * @throws not_found, ambiguous, invalid, conflict (the key is revoked or expired)
 */
export async function rotateKey(
  context: OperationContext,
  selector: KeySelector,
  options: RotateOptions = {},
): Promise<RotatedKey> {
  const { deliver } = options
  const { graceMs, requestId } = parse(rotateOptions, options)
  return context.store.write(async db => {
    const row = await find(db, 'key', selector)
    const now = context.now()
    const before = await keyView(db, now, row.id)
    const done = requestId === undefined ? undefined : await rotatedBefore(db, before, requestId)
    if (done) return done
    const { status } = before
    if (status === 'revoked' || status === 'expired') {
      throw new LatchkeyError(
        'conflict',
        `${row.name} (${row.id}) is ${status}: a new secret would not work`,
        status === 'expired'
          ? `set a later expiry first: ${lineOf('key update', row.id)} --expires 90d`
          : 'create another key with: latchkey key create',
      )
    }
    const endsAt = Math.min(now.getTime() + graceMs, row.expiresAt ?? Number.POSITIVE_INFINITY)
    const [previous] = await db
      .select({ createdAt: secrets.createdAt })
      .from(secrets)
      .where(eq(secrets.keyId, row.id))
      .orderBy(desc(secrets.createdAt))
      .limit(1)
    // Secrets still in an earlier grace period end too, because any of them may have leaked.
    await db
      .update(secrets)
      .set({ endsAt })
      .where(and(eq(secrets.keyId, row.id), or(isNull(secrets.endsAt), gt(secrets.endsAt, endsAt))))
    const secret = mintSecret(await prefixOf(db, row))
    // Always later than the previous one, even if the clock jumps: a retry finds its rotation by this order.
    const createdAt = Math.max(now.getTime(), (previous?.createdAt ?? 0) + 1)
    await db.insert(secrets).values({ ...secretRow(row.id, secret, createdAt), requestId })
    await db.update(keys).set({ updatedAt: now.getTime() }).where(eq(keys.id, row.id))
    const after = await keyView(db, now, row.id)
    const previousSecretEndsAt = new Date(endsAt)
    await record(context, db, {
      action: 'key.rotate',
      target: targetOf('key', row),
      before,
      after: { ...after, previousSecretEndsAt },
    })
    const { dryRun } = context.store
    const rotated = {
      ...after,
      secret: dryRun ? null : secret,
      secretFile: null,
      previousSecretEndsAt,
      repeated: false,
    }
    if (!dryRun) await deliver?.([rotated])
    return rotated
  })
}

/** The earlier result of a rotation with this request id; undefined if there is none. */
async function rotatedBefore(db: Database, key: Key, requestId: string): Promise<RotatedKey | undefined> {
  const [made] = await db
    .select({ createdAt: secrets.createdAt })
    .from(secrets)
    .where(and(eq(secrets.keyId, key.id), eq(secrets.requestId, requestId)))
    .limit(1)
  if (!made) return undefined
  const [previous] = await db
    .select({ endsAt: secrets.endsAt })
    .from(secrets)
    .where(and(eq(secrets.keyId, key.id), lt(secrets.createdAt, made.createdAt)))
    .orderBy(desc(secrets.createdAt))
    .limit(1)
  const previousSecretEndsAt = new Date(previous?.endsAt ?? made.createdAt)
  return { ...key, secret: null, secretFile: null, previousSecretEndsAt, repeated: true }
}

async function prefixOf(db: Database, row: Row<'key'>): Promise<string> {
  if (row.projectId === null) return defaultPrefix
  const [project] = await db
    .select({ keyPrefix: projects.keyPrefix })
    .from(projects)
    .where(eq(projects.id, row.projectId))
    .limit(1)
  return project?.keyPrefix ?? defaultPrefix
}
