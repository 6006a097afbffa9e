/** Imports keys from a file of rows with their hashes or secrets, in one transaction. */

import { LatchkeyError } from '../../contract/errors.ts'
import type { ImportItem, ImportReport } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { noCounts, type UsageCounts } from '../../db/facts.ts'
import { lowerAscii, oneOf, oneOfNames } from '../../db/query.ts'
import { imports } from '../../db/schema/imports.ts'
import { keys } from '../../db/schema/keys.ts'
import { type ByteCounter, type RowSource, readRows } from '../../formats/rows.ts'
import { unpacked } from '../../formats/unpack.ts'
import { record } from '../audit.ts'
import { collecting } from '../collecting.ts'
import type { OperationContext } from '../context.ts'
import { limitRows } from '../limits/rows.ts'
import { findRecipient } from '../people/recipient.ts'
import { readingProgress, rowProgress } from '../progress.ts'
import { newId } from '../rules/ids.ts'
import { parse } from '../rules/input.ts'
import { toMicros } from '../rules/money.ts'
import { find } from '../select.ts'
import { totalsOf } from '../usage/sum.ts'
import { type IncomingKey, RowReader } from './import-row.ts'
import { type KeyImportOptions, keyImportOptions } from './input.ts'
import { type Draft, insertKeys, keysOfSecrets } from './insert.ts'

/**
 * Imports keys from CSV or NDJSON with the fields that `export` writes. A key whose secret is already stored is not
 * changed, so the same file can be imported again.
 *
 * @throws invalid, naming the bad rows, unless they are skipped; not_found, permission for the file
 */
export async function importKeyFile(
  context: OperationContext,
  source: RowSource,
  options: KeyImportOptions = {},
): Promise<ImportReport> {
  const { skipBad } = parse(keyImportOptions, options)
  const file = await readFile(source, readingProgress(context, source))
  return context.store.write(async db => {
    const now = context.now()
    const checked = await rowProgress(context, 'checking', file.keys.length)
    const found = await judge(db, now, file.keys)
    await checked(file.keys.length)
    const outcomes = [...file.problems, ...found.outcomes].toSorted((a, b) => a.line - b.line)
    const bad = outcomes.filter(({ item }) => item.outcome === 'refused')
    if (bad.length > 0 && !skipBad) throw refused(source.file, bad)
    const id = newId('imp', now)
    const number = (outcome: ImportItem['outcome']): number =>
      outcomes.filter(({ item }) => item.outcome === outcome).length
    const report: ImportReport = {
      id,
      source: source.file,
      created: found.accepted.length,
      updated: 0,
      unchanged: number('unchanged'),
      refused: bad.length,
      gone: 0,
      revoked: 0,
      items: outcomes.map(({ item }) => item),
      ignoredFields: file.ignoredFields,
      leftBehind: [],
      notes: [],
    }
    if (found.accepted.length === 0) return { ...report, id: null }
    const tell = await rowProgress(context, 'importing', found.accepted.length)
    const collect = collecting()
    for (const part of inChunks(found.accepted, keysAtOnce)) {
      await insertKeys(context, db, 'key.import', part.map(found.draft))
      await tell(part.length)
      collect(part.length)
    }
    const { created, unchanged, refused: left } = report
    await db.insert(imports).values({
      id,
      source: 'keys',
      at: now.getTime(),
      report: { ...report, items: bad.map(({ item }) => item) },
    })
    await record(context, db, {
      action: 'import.keys',
      target: { type: 'import', id, name: null },
      after: { created, unchanged, refused: left },
    })
    return report
  })
}

/** Their rows, views and audit rows are in memory at the same time. */
const keysAtOnce = 2_000

/** The outcome of one row. */
interface Outcome {
  readonly line: number
  readonly item: ImportItem
}

const refusal = (line: number, name: string | null, problem: string): Outcome => ({
  line,
  item: { type: 'key', name: name ?? `line ${line}`, outcome: 'refused', reason: `line ${line} ${problem}` },
})

interface KeyFile {
  readonly keys: readonly IncomingKey[]
  readonly problems: readonly Outcome[]
  readonly ignoredFields: readonly string[]
}

/** Checks the rows without the database. */
async function readFile(source: RowSource, count: ByteCounter | undefined): Promise<KeyFile> {
  const { file, chunks, format, csvVerbatim } = source
  const reader = new RowReader()
  const found: IncomingKey[] = []
  const problems: Outcome[] = []
  const seen = new Map<string, number>()
  const collect = collecting()
  for await (const batch of readRows({ ...unpacked(file, chunks, format, count), csvVerbatim })) {
    for (const { line, row, problem } of batch) {
      const key = row === null ? problem : reader.read(line, row)
      if (typeof key === 'string') {
        problems.push(refusal(line, null, key))
        continue
      }
      const marks = marksOf(key)
      const [twin] = marks.flatMap(mark => seen.get(mark) ?? [])
      if (twin !== undefined) {
        problems.push(refusal(line, key.name, `has the name, the id or a secret of line ${twin}`))
        continue
      }
      for (const mark of marks) seen.set(mark, line)
      found.push(key)
    }
    collect(batch.length)
  }
  return { keys: found, problems, ignoredFields: reader.ignoredFields }
}

/** What must be unique among keys. */
const marksOf = ({ name, id, hash, previousSecrets }: IncomingKey): readonly string[] => [
  `name ${lowerAscii(name)}`,
  ...(id === null ? [] : [`id ${id}`]),
  `secret ${hash}`,
  ...previousSecrets.map(secret => `secret ${secret.hash}`),
]

interface Judgement {
  readonly accepted: readonly IncomingKey[]
  /** The rows to store for one key. */
  readonly draft: (key: IncomingKey) => Draft
  readonly outcomes: readonly Outcome[]
}

/** Checks the keys against the database. */
async function judge(db: Database, now: Date, incoming: readonly IncomingKey[]): Promise<Judgement> {
  const here = await whatIsHere(db, incoming)
  const users = await resolve(db, incoming, 'user')
  const projects = await resolve(db, incoming, 'project')
  const ownerOf = ({ user }: IncomingKey) => (user === null ? null : (users.get(user) ?? null))
  const homeOf = ({ project }: IncomingKey) => (project === null ? null : (projects.get(project) ?? null))
  const accepted: IncomingKey[] = []
  const outcomes = incoming.map((key): Outcome => {
    const { line, name } = key
    const owner = here.byHash.get(key.hash)
    if (owner) {
      const reason =
        owner.name === name ? null : `its secret already belongs to "${owner.name}" (${owner.id})`
      return { line, item: { type: 'key', name, outcome: 'unchanged', reason } }
    }
    const previous = key.previousSecrets.flatMap(secret => here.byHash.get(secret.hash) ?? [])[0]
    if (previous)
      return refusal(line, name, `has an earlier secret that belongs to "${previous.name}" (${previous.id})`)
    const namesake = here.byName.get(lowerAscii(name))
    if (namesake) return refusal(line, name, `has a name that is taken by ${namesake}`)
    if (key.id !== null && here.ids.has(key.id))
      return refusal(line, name, 'has an id that is taken by another key')
    for (const owner of [ownerOf(key), homeOf(key)])
      if (owner && 'problem' in owner) return refusal(line, name, owner.problem)
    accepted.push(key)
    return { line, item: { type: 'key', name, outcome: 'created', reason: null } }
  })
  const used = await totalsOf(
    db,
    accepted.flatMap(key => key.id ?? []),
  )
  const draft = (key: IncomingKey) =>
    draftOf(key, now, idOf(ownerOf(key)), idOf(homeOf(key)), used.get(key.id ?? '') ?? noCounts)
  return { accepted, draft, outcomes }
}

type Resolved = { readonly id: string } | { readonly problem: string }

const idOf = (resolved: Resolved | null): string | null =>
  resolved !== null && 'id' in resolved ? resolved.id : null

/** Looks up each name once. */
async function resolve(
  db: Database,
  incoming: readonly IncomingKey[],
  noun: 'user' | 'project',
): Promise<ReadonlyMap<string, Resolved>> {
  const found = new Map<string, Resolved>()
  for (const name of new Set(incoming.flatMap(key => key[noun] ?? []))) {
    try {
      const { id } = noun === 'user' ? await findRecipient(db, name) : await find(db, noun, name)
      found.set(name, { id })
    } catch (error) {
      if (!(error instanceof LatchkeyError)) throw error
      const which = error.code === 'conflict' ? `a ${noun} who cannot have it` : `an unknown ${noun}`
      found.set(name, { problem: `has ${which}: ${error.message}` })
    }
  }
  return found
}

async function whatIsHere(db: Database, incoming: readonly IncomingKey[]) {
  const hashes = incoming.flatMap(key => [key.hash, ...key.previousSecrets.map(secret => secret.hash)])
  const names = incoming.map(key => key.name)
  const ids = incoming.flatMap(key => key.id ?? [])
  const namesakes = oneOfNames(keys.name, names)
  const named = await db.select({ id: keys.id, name: keys.name }).from(keys).where(namesakes)
  const taken = await db.select({ id: keys.id }).from(keys).where(oneOf(keys.id, ids))
  return {
    byHash: await keysOfSecrets(db, hashes),
    byName: new Map(named.map(row => [lowerAscii(row.name), row.id])),
    ids: new Set(taken.map(row => row.id)),
  }
}

function draftOf(
  key: IncomingKey,
  now: Date,
  userId: string | null,
  projectId: string | null,
  used: UsageCounts,
): Draft {
  const {
    line: _,
    hash,
    start,
    previousSecrets,
    limits,
    user: __,
    project: ___,
    totals: ____,
    lastUsedAt: _____,
    ...fields
  } = key
  const id = key.id ?? newId('key', now)
  const createdAt = key.createdAt ?? now.getTime()
  const lastRotation = previousSecrets.reduce((most, secret) => Math.max(most, secret.createdAt), 0)
  const current = { hash, keyId: id, start, createdAt: Math.max(createdAt, lastRotation + 1), endsAt: null }
  return {
    key: {
      ...fields,
      id,
      userId,
      projectId,
      createdAt,
      updatedAt: now.getTime(),
    },
    secrets: [...previousSecrets.map(secret => ({ ...secret, keyId: id })), current],
    limits: limitRows({ type: 'key', id }, limits, now),
    carried: carriedOf(id, key, used),
  }
}

/** What the file says that it used, less what is stored of a key with this id that was deleted here. */
function carriedOf(keyId: string, { totals, lastUsedAt }: IncomingKey, used: UsageCounts): Draft['carried'] {
  const { requests = 0, tokens = 0, inputTokens = 0, outputTokens = 0, costUsd = 0 } = totals ?? {}
  const counts = {
    requests: Math.max(0, requests - used.requests),
    inputTokens: Math.max(0, inputTokens - used.inputTokens),
    outputTokens: Math.max(0, outputTokens - used.outputTokens),
    otherTokens: Math.max(0, tokens - inputTokens - outputTokens - used.otherTokens),
    costMicros: Math.max(0, toMicros(costUsd) - used.costMicros),
  }
  const isNothing = lastUsedAt === null && Object.values(counts).every(count => count === 0)
  return isNothing ? undefined : { keyId, ...counts, lastUsedAt }
}

const mostNamed = 20

function refused(file: string, bad: readonly Outcome[]): LatchkeyError {
  const shown = bad.slice(0, mostNamed).map(({ item }) => item.reason)
  const more = bad.length > shown.length ? [`and ${bad.length - shown.length} more`] : []
  const rows = bad.length === 1 ? 'a row' : `${bad.length} rows`
  return new LatchkeyError(
    'invalid',
    [`${rows} of ${file} cannot be imported, so nothing was imported:`, ...shown, ...more].join('\n  '),
    'correct them, or import the other rows with --skip-bad',
  )
}
