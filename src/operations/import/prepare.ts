/** Turns the data of a source into what can be stored. Checks all rules before anything is written. */

import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { importedNouns, importedRows } from '../../contract/nouns.ts'
import {
  type ForeignData,
  type ForeignKey,
  type ForeignProject,
  type ForeignUser,
  type MoreOfKey,
  type Problem,
  wholeEntry,
} from '../../formats/foreign-data.ts'
import { knownPasswordHash } from '../../formats/passwords.ts'
import { many } from '../../text/quantity.ts'
import { limit } from '../limits/input.ts'
import * as rules from '../rules/input.ts'
import { printable } from '../rules/quotes.ts'
import { hashSecret, isMalformed, startOf } from '../rules/secrets.ts'
import { fold, slugFrom, usernameFrom } from './names.ts'
import { limitWindowMs } from './nouns.ts'
import { SourceSecrets } from './texts.ts'

/** Everything from a source that can be stored, in its order. Contains no secrets. */
export interface Incoming {
  readonly users: readonly (IncomingUser | Refused)[]
  readonly projects: readonly (IncomingProject | Refused)[]
  readonly keys: readonly (IncomingKey | Refused)[]
  /** SHA-256 of every secret in the source, refused keys included; null if it does not list its keys. */
  readonly hashes: ReadonlySet<string> | null
  /** Finds those of the source, and ours, in texts. */
  readonly secrets: SourceSecrets
}

/** Its username is a valid one, made from that in the source. */
export interface IncomingUser extends ForeignUser {
  readonly username: string
  /** The username in the source; null if that is the email address. */
  readonly sourceName: string | null
  /** How it differs from the source, for the report. */
  readonly reasons: readonly string[]
}

export type IncomingProject = ForeignProject

export interface IncomingKey extends Omit<ForeignKey, 'credential'> {
  /** SHA-256 of the secret. */
  readonly hash: string
  /** First characters of the secret. */
  readonly start: string
}

/** Something valid that cannot be stored here. */
export interface Refused {
  /** Safe to show. */
  readonly name: string
  readonly refusal: string
}

/**
 * Checks a whole source.
 *
 * @throws invalid, naming the first problem and how many more there are
 */
export function prepare(file: string, source: ForeignData, now: Date): Incoming {
  const secrets = new SourceSecrets(source.keys)
  const told = new Set(source.problems.map(({ type, index, field }) => `${type} ${index} ${field}`))
  const found = findings(source, now).filter(
    ({ type, index, field }) =>
      !told.has(`${type} ${index} ${field}`) && !told.has(`${type} ${index} ${wholeEntry}`),
  )
  const problems = [...source.problems, ...found].toSorted(
    (a, b) => order.indexOf(a.type) - order.indexOf(b.type) || a.index - b.index,
  )
  const [first] = problems
  if (first) throw broken(file, source, secrets, first, problems.length - 1)
  const users = source.users.map((user, index) => prepareUser(user, index, secrets))
  const owners = new Set(users.flatMap(user => ('id' in user ? [user.id] : [])))
  return {
    users,
    projects: source.projects.map((project, index) => prepareProject(project, index, owners, secrets)),
    keys: source.keys.map((key, index) => prepareKey(key, index, owners, secrets)),
    hashes: source.listsKeys ? secrets.hashes : null,
    secrets,
  }
}

const order: readonly Problem['type'][] = [...importedNouns, ...importedRows]

/** Problems that any source can have: values that `input.ts` refuses, impossible times, and duplicates. */
function findings(
  { users, projects, keys, others = [], problems }: ForeignData,
  now: Date,
): readonly Problem[] {
  const found: Problem[] = []
  const check = (
    type: Problem['type'],
    index: number,
    field: string,
    schema: v.GenericSchema,
    value: unknown,
  ) => {
    const result = rules.check(schema, value)
    if (!result.success) found.push({ type, index, field, problem: result.issues[0].message })
  }
  const seen = new Map<string, number>()
  const requireOnce = (type: Problem['type'], index: number, field: string, value: string) => {
    const text = `${type} ${field} ${value}`
    const twin = seen.get(text)
    if (value === '') return
    if (twin === undefined) seen.set(text, index)
    else found.push({ type, index, field, problem: `is the same as that of ${type} ${twin + 1}` })
  }
  for (const [index, { id, email, name }] of users.entries()) {
    requireOnce('user', index, 'id', id)
    if (email !== null) {
      check('user', index, 'email', rules.email, email)
      requireOnce('user', index, 'email', fold(email.trim()))
    }
    if (name !== null) check('user', index, 'name', rules.displayName, name)
  }
  for (const [index, { id, name }] of projects.entries()) {
    requireOnce('project', index, 'id', id)
    check('project', index, 'name', rules.displayName, name)
  }
  for (const [type, rows] of Map.groupBy(others, row => row.type)) {
    for (const [index, { id }] of rows.entries()) requireOnce(type, index, 'id', id)
  }
  const latestUse = now.getTime() + rules.clockToleranceMs
  // What cannot be read has a placeholder.
  const misread = new Set(problems.flatMap(({ type, index }) => (type === 'key' ? [index] : [])))
  for (const [index, { name, model, tokenLimit, credential, windows }] of keys.entries()) {
    if (name !== null) check('key', index, 'name', rules.keyName, name)
    if (model !== null) check('key', index, 'model', rules.modelName, model)
    if (tokenLimit !== null) {
      const wanted = { metric: 'tokens', amount: tokenLimit, windowMs: limitWindowMs }
      check('key', index, 'token_limit_per_5h', limit, wanted)
    }
    if (!misread.has(index)) {
      for (const { start } of windows) {
        const field = 'the time of its usage'
        check('key', index, field, rules.useTime, new Date(start))
        if (start > latestUse) found.push({ type: 'key', index, field, problem: 'is in the future' })
      }
    }
    requireOnce('key', index, 'key', 'secret' in credential ? credential.secret : credential.hash)
  }
  return found
}

function prepareUser(user: ForeignUser, index: number, secrets: SourceSecrets): IncomingUser | Refused {
  const { id, more } = user
  const { refusal, fields, remarks } = secrets.sift(
    {
      id,
      username: user.username,
      email: user.email,
      name: user.name,
      image: more?.image ?? null,
      banReason: more?.disabledReason ?? null,
    },
    ['image', 'banReason'],
  )
  if (refusal !== null) return { name: `user ${index + 1}`, refusal }
  // A username that is an email address counts as the email address.
  const asEmail = v.safeParse(rules.email, user.username ?? user.email)
  const email = asEmail.success
    ? asEmail.output
    : user.email === null
      ? null
      : v.parse(rules.email, user.email)
  const sourceName = asEmail.success ? null : user.username
  const username = usernameFrom(sourceName ?? localPart(email ?? ''), 'user')
  const passwordHash = user.passwordHash === null ? null : knownPasswordHash(user.passwordHash)
  const isRenamed = user.username !== null && user.username !== username
  return {
    ...user,
    username,
    sourceName,
    email,
    passwordHash,
    ...(more && {
      more: {
        ...more,
        image: v.safeParse(rules.imageUrl, fields.image).success ? fields.image : null,
        disabledReason: v.safeParse(rules.reason, fields.banReason).success ? fields.banReason : null,
      },
    }),
    reasons: [
      ...(isRenamed ? [`"${shortened(user.username)}" in the source`] : []),
      ...(user.passwordHash === null
        ? ['no password in the source']
        : passwordHash === null
          ? ['its password cannot be verified here: set a new one']
          : []),
      ...remarks,
    ],
  }
}

const localPart = (email: string): string => email.slice(0, email.lastIndexOf('@'))

function prepareProject(
  project: ForeignProject,
  index: number,
  owners: ReadonlySet<string>,
  secrets: SourceSecrets,
): IncomingProject | Refused {
  const { id, name, slug } = project
  const { refusal } = secrets.sift({ id, name, slug }, [])
  if (refusal !== null) return { name: `project ${index + 1}`, refusal }
  if (!owners.has(project.ownerId)) return { name, refusal: ownerless }
  return { ...project, slug: slugFrom(slug, 'project') }
}

const ownerless = 'its owner is not in the source, or was left out'

function prepareKey(
  key: ForeignKey,
  index: number,
  owners: ReadonlySet<string>,
  secrets: SourceSecrets,
): IncomingKey | Refused {
  const { credential, more, ...rest } = key
  const { name, model } = key
  const sifted = secrets.sift(
    { name, model, permission: more?.scopes ?? [], metadata: more?.metadata ?? null },
    ['metadata'],
    key,
  )
  const refusal = sifted.refusal ?? refusalOf(key, owners)
  if (refusal !== null) return { name: shownName(key.name, `key ${index + 1}`, secrets, key), refusal }
  return {
    ...rest,
    ...(more && {
      more: storable({
        ...more,
        metadata: sifted.fields.metadata,
        remarks: [...more.remarks, ...sifted.remarks],
      }),
    }),
    name: key.name === null ? null : v.parse(rules.keyName, key.name),
    ...('secret' in credential
      ? { hash: hashSecret(credential.secret), start: startOf(credential.secret) }
      : credential),
  }
}

function storable(more: MoreOfKey): MoreOfKey {
  if (more.metadata === null || v.safeParse(rules.metadata, more.metadata).success) return more
  return {
    ...more,
    metadata: null,
    remarks: [...more.remarks, 'its metadata cannot be stored, and is left out'],
  }
}

function refusalOf(key: ForeignKey, owners: ReadonlySet<string>): string | null {
  const { userId, credential } = key
  if (userId !== null && !owners.has(userId)) return ownerless
  if (key.more && key.more.refusal !== null) return key.more.refusal
  if (!('secret' in credential) || !isMalformed(credential.secret)) return null
  return credential.secret.startsWith('lk_')
    ? 'its secret begins with lk_ but its checksum is wrong: it could never be verified'
    : 'its secret is longer than 512 characters or not made of printable ASCII without spaces: it could never be verified'
}

/** The name if it is safe to show, otherwise the position. */
const shownName = (
  name: string | null,
  position: string,
  secrets: SourceSecrets,
  key: ForeignKey | undefined,
): string => (name === null || name.trim() === '' || secrets.areIn(name, key) ? position : name.trim())

function broken(
  file: string,
  source: ForeignData,
  secrets: SourceSecrets,
  { type, index, field, problem }: Problem,
  more: number,
): LatchkeyError {
  const position = `${type} ${index + 1}`
  const { users, projects, keys, others: rows = [] } = source
  const key = type === 'key' ? keys[index] : undefined
  const { slug, name, email } = rows.filter(row => row.type === type)[index]?.fields ?? {}
  const called =
    type === 'user'
      ? (users[index]?.username ?? users[index]?.email)
      : type === 'project'
        ? projects[index]?.name
        : (key?.name ?? slug ?? name ?? email)
  const shown = shownName(typeof called === 'string' ? called : null, position, secrets, key)
  const label = shown === position ? position : `${position} ("${shortened(shown)}")`
  const others = more === 0 ? '' : `, and there ${more === 1 ? 'is' : 'are'} ${many(more, 'more problem')}`
  return new LatchkeyError(
    'invalid',
    `${label} in ${file}: ${field} ${problem}${others}; nothing was imported`,
    'correct the source and run the same command again; --dry-run shows what would happen',
  )
}

function shortened(name: string): string {
  const text = printable(name)
  return text.length > 64 ? `${text.slice(0, 60)}…` : text
}
