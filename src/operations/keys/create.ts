/** Creates keys. */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { CreatedKey, Key } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, lowerAscii, ne, oneOfNames } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { OperationContext } from '../context.ts'
import { requireSame, shownLimits } from '../existing.ts'
import { createOptions } from '../input.ts'
import { noteNoPrice } from '../limits/no-price.ts'
import { limitRows } from '../limits/rows.ts'
import { findRecipient } from '../people/recipient.ts'
import { newId } from '../rules/ids.ts'
import * as rules from '../rules/input.ts'
import { defaultPrefix, hashSecret, mintSecret, startOf } from '../rules/secrets.ts'
import { find } from '../select.ts'
import { type NewKey, type NewKeyOptions, newKey } from './input.ts'
import { insertKeys } from './insert.ts'
import { keyViews } from './view.ts'

/**
 * Creates a key. The secret in the result is stored nowhere; an existing key is returned without one.
 *
 * @throws invalid, not_found for the user or project, conflict (the name is taken, the user was erased)
 */
export async function createKey(
  context: OperationContext,
  input: NewKey,
  options: NewKeyOptions = {},
): Promise<CreatedKey> {
  const [key] = await createKeys(context, input, undefined, options)
  if (!key) throw new Error('a key was created, but not returned')
  return key
}

/** The most keys in one call. */
const most = 10_000

/**
 * Creates `count` keys in one transaction that differ only in their names, `name-1`, `name-2` and so on. Without a count,
 * creates one, `name`.
 *
 * @throws as `createKey`
 */
export async function createKeys(
  context: OperationContext,
  input: NewKey,
  count: number | undefined,
  options: NewKeyOptions = {},
): Promise<readonly CreatedKey[]> {
  const fields = rules.parse(newKey, input)
  const { deliver } = options
  const { ifNotExists } = rules.parse(createOptions, options)
  if (count !== undefined && (!Number.isInteger(count) || count < 1 || count > most)) {
    throw new LatchkeyError('invalid', `count must be from 1 to ${most}`, 'create them in several calls')
  }
  const { name, user, project, expiresAt } = fields
  const names = count === undefined ? [name] : Array.from({ length: count }, (_, n) => `${name}-${n + 1}`)
  rules.parse(v.object({ name: rules.keyName }), { name: names.at(-1) })
  requireFuture(expiresAt, context.now())
  return context.store.write(async db => {
    const userId = user === undefined ? null : (await findRecipient(db, user)).id
    const home = project === undefined ? null : await find(db, 'project', project)
    const there = ifNotExists ? await existing(context, db, names, input, fields) : nothingThere
    const wanted = names.filter(each => !there.has(lowerAscii(each)))
    await requireFreeNames(db, wanted)
    await noteNoPrice(context, db, fields.limits)
    const now = context.now()
    const made = wanted.map(each => {
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
        limits: limitRows({ type: 'key', id }, fields.limits, now),
      }
    })
    const views = await insertKeys(context, db, 'key.create', made)
    const { dryRun } = context.store
    const created = views.map((view, index) => ({
      ...view,
      secret: dryRun ? null : (made[index]?.secret ?? null),
      secretFile: null,
      created: true,
    }))
    if (!dryRun && created.length > 0) await deliver?.(created)
    const news = created[Symbol.iterator]()
    return names.flatMap(each => there.get(lowerAscii(each)) ?? news.next().value ?? [])
  })
}

const nothingThere: ReadonlyMap<string, CreatedKey> = new Map()

/** Existing keys with these names, by name in lower case. @throws conflict (one differs from the input) */
async function existing(
  context: OperationContext,
  db: Database,
  names: readonly string[],
  asked: NewKey,
  fields: v.InferOutput<typeof newKey>,
): Promise<ReadonlyMap<string, CreatedKey>> {
  const now = context.now()
  const found = await keyViews(db, now, { where: oneOfNames(keys.name, names) })
  const user = fields.user === undefined ? undefined : (await find(db, 'user', fields.user)).username
  const project = fields.project === undefined ? undefined : (await find(db, 'project', fields.project)).slug
  for (const key of found) {
    const { id, name } = key
    if (key.status === 'revoked' || key.status === 'expired') {
      throw new LatchkeyError('conflict', `key ${name} (${id}) exists, and is ${key.status}`, otherName(id))
    }
    requireSame(
      `key ${name} (${id})`,
      [
        ['user', key.user?.username ?? null, user],
        ['project', key.project?.slug ?? null, project],
        ['model', key.model, fields.model],
        ['allowed models', key.allowedModels, fields.allowedModels],
        ['scopes', key.scopes, asked.scopes && fields.scopes],
        ['limits', shownLimits(key.limits), asked.limits && shownLimits(fields.limits)],
        ['expires', key.expiresAt, isSameExpiry(key, fields.expiresAt, now) ? undefined : fields.expiresAt],
        ['metadata', key.metadata, fields.metadata],
      ],
      `change it with: ${lineOf('key update', id)}`,
    )
  }
  return new Map(
    found.map(key => [lowerAscii(key.name), { ...key, secret: null, secretFile: null, created: false }]),
  )
}

/** Whether it is the same time, or the same time after creation: `--expires 90d` given again. */
function isSameExpiry({ createdAt, expiresAt }: Key, asked: Date | undefined, now: Date): boolean {
  if (asked === undefined || expiresAt === null) return asked === undefined
  const life = expiresAt.getTime() - createdAt.getTime()
  const askedLife = asked.getTime() - now.getTime()
  return expiresAt.getTime() === asked.getTime() || Math.abs(life - askedLife) <= sameLifeMs
}

/** A duration is relative to when the command line was read, a moment earlier. */
const sameLifeMs = 60_000

/** The row of a new current secret, without its text. */
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

/** @throws conflict, naming the first taken name */
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
      ? `choose another name, or accept an identical key with --if-not-exists; see it with: ${lineOf('key show', taken.id)}`
      : otherName(taken.id),
  )
}

const otherName = (id: string): string =>
  `choose another, or free the name with: ${lineOf('key update', id)} --name ANOTHER`

/** @throws invalid */
export function requireFuture(expiresAt: Date | null | undefined, now: Date): void {
  if (!expiresAt || expiresAt > now) return
  throw new LatchkeyError(
    'invalid',
    `expires at ${expiresAt.toISOString()} is in the past`,
    'give a later date or a duration such as 90d; to stop a key now, use: latchkey key revoke',
  )
}
