/**
 * Finds secrets in a text and whose they are. The text is streamed and not kept. Only the first characters of a found
 * secret leave this module.
 */

import { LatchkeyError } from '../../contract/errors.ts'
import type { FoundSecret } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { eq, oneOf, sql } from '../../db/query.ts'
import { keys, secrets } from '../../db/schema/keys.ts'
import { projects, users } from '../../db/schema/people.ts'
import { unpacked } from '../../formats/unpack.ts'
import { OpaqueWatch } from '../../text/plain.ts'
import { lineOf, shellWord } from '../../text/shell-word.ts'
import type { OperationContext } from '../context.ts'
import { dateOrNull } from '../rules/instant.ts'
import { SecretScanner, type Sighted } from '../rules/scan.ts'
import { defaultPrefix, hashSecret } from '../rules/secrets.ts'
import { lastUseOfKey } from '../usage/sum.ts'
import { refusalOf, statusOf } from './status.ts'
import { keyRef } from './view.ts'

/** Candidates looked up at once. */
const lookupSize = 5_000

/**
 * Finds everything with the form and checksum of our secrets, and every stored secret, foreign ones too. Each is reported
 * once, in order of first occurrence. The text may contain any bytes; what is compressed with gzip or zstd is decompressed.
 *
 * @param text the bytes, or the path of a file
 * @throws not_found, permission for the file; invalid if it is damaged, or if nothing was found but part of it is no text
 */
export async function identifySecrets(
  context: OperationContext,
  text: string | AsyncIterable<Uint8Array>,
): Promise<readonly FoundSecret[]> {
  const scanner = new SecretScanner(await context.store.read(known))
  const told = new Map<string, Sighting>()
  let pending = new Map<string, Sighting>()
  const lookUp = async (): Promise<void> => {
    const unknown = [...pending.keys()].filter(hash => !told.has(hash))
    const owners = await context.store.read(db => ownersOf(context, db, unknown))
    for (const [hash, seen] of pending) {
      const before = told.get(hash)
      const owner = owners.get(hash) ?? null
      if (before) for (const side of sides) before.count[side] += seen.count[side]
      else if (owner || seen.ours) told.set(hash, { ...seen, owner })
    }
    pending = new Map()
  }
  const note = ({ text, side, ...candidate }: Sighted): void => {
    const hash = hashSecret(text)
    const seen = pending.get(hash) ?? {
      ...candidate,
      count: { both: 0, plain: 0, decoded: 0 },
      owner: null,
    }
    seen.count[side]++
    pending.set(hash, seen)
  }
  const [file, given] = typeof text === 'string' ? [text, undefined] : ['the input', text]
  const opaque = new OpaqueWatch()
  for await (const chunk of unpacked(file, given, undefined).chunks) {
    opaque.see(chunk)
    for (const candidate of scanner.scan(chunk)) note(candidate)
    if (pending.size >= lookupSize) await lookUp()
  }
  for (const candidate of scanner.end()) note(candidate)
  await lookUp()
  if (told.size === 0 && opaque.found()) throw unsearchable(file, given === undefined)
  return [...told.values()].toSorted((a, b) => a.line - b.line).map(shown)
}

/** No secret was found, which says nothing of data that is packed or encrypted. */
const unsearchable = (file: string, isPath: boolean): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `${file} is not only text, so secrets in it could not be found`,
    `unpack or decrypt it, and pipe that into: latchkey key identify; if it is a program or a dump: strings ${isPath ? shellWord(file) : 'FILE'} | latchkey key identify`,
  )

const sides = ['both', 'plain', 'decoded'] as const

interface Sighting {
  readonly line: number
  readonly count: Record<(typeof sides)[number], number>
  readonly start: string
  readonly checksum: boolean
  /** Whether it has the form of ours. Then it is reported even if no key has it. */
  readonly ours: boolean
  readonly owner: Owner | null
}

type Owner = Omit<FoundSecret, 'line' | 'count' | 'checksum'>

const shown = ({ line, count, start, checksum, owner }: Sighting): FoundSecret => ({
  line,
  count: count.both + Math.max(count.plain, count.decoded),
  ...(owner ?? nobody),
  start: owner?.start || start,
  checksum,
})

const nobody = {
  key: null,
  user: null,
  project: null,
  status: null,
  lastUsedAt: null,
  secret: null,
  live: false,
  revoke: null,
} as const

/** What the scanner needs: the prefixes of our secrets, and the starts of foreign ones. */
async function known(db: Database) {
  const prefixes = await db.selectDistinct({ prefix: projects.keyPrefix }).from(projects)
  const own = `${defaultPrefix}_`
  const starts = await db
    .selectDistinct({ start: secrets.start })
    .from(secrets)
    .where(sql`substr(${secrets.start}, 1, ${own.length}) <> ${own}`)
  return {
    prefixes: [defaultPrefix, ...prefixes.flatMap(row => row.prefix ?? [])],
    starts: starts.map(row => row.start),
  }
}

async function ownersOf(
  context: OperationContext,
  db: Database,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, Owner>> {
  const now = context.now()
  const rows = await db
    .select({
      hash: secrets.hash,
      start: secrets.start,
      endsAt: secrets.endsAt,
      key: {
        id: keys.id,
        name: keys.name,
        revokedAt: keys.revokedAt,
        expiresAt: keys.expiresAt,
        disabledAt: keys.disabledAt,
        lastUsedAt: lastUseOfKey,
      },
      user: { id: users.id, username: users.username },
      userDisabledAt: users.disabledAt,
      userDisabledUntil: users.disabledUntil,
      project: { id: projects.id, slug: projects.slug },
      projectArchivedAt: projects.archivedAt,
    })
    .from(secrets)
    .innerJoin(keys, eq(secrets.keyId, keys.id))
    .leftJoin(users, eq(keys.userId, users.id))
    .leftJoin(projects, eq(keys.projectId, projects.id))
    .where(oneOf(secrets.hash, hashes))
  return new Map(
    rows.map(row => {
      const marks = { ...row.key, ...row }
      const status = statusOf(marks, now)
      const secret =
        row.endsAt === null ? 'current' : row.endsAt > now.getTime() ? ('grace' as const) : 'rotated'
      const hasEnded = status === 'revoked' || secret === 'rotated'
      return [
        row.hash,
        {
          start: row.start,
          key: keyRef(row.key),
          user: row.user,
          project: row.project,
          status,
          lastUsedAt: dateOrNull(row.key.lastUsedAt),
          secret,
          live: refusalOf(marks, now) === null,
          revoke: hasEnded ? null : `${lineOf('key revoke', row.key.id)} --reason leaked`,
        },
      ]
    }),
  )
}
