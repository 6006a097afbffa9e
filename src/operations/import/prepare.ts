/** From what a source says to what may be stored: every rule is checked here, before anything is written. */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import {
  type ForeignData,
  type ForeignKey,
  type ForeignProject,
  type ForeignUser,
  type Problem,
  wholeEntry,
} from '../../formats/foreign-data.ts'
import { knownPasswordHash } from '../../formats/passwords.ts'
import { limit } from '../limits/input.ts'
import * as rules from '../rules/input.ts'
import { holdsSecret as holdsOurs } from '../rules/scan.ts'
import { hashSecret, isMalformed, startOf } from '../rules/secrets.ts'
import { fold, slugFrom, usernameFrom } from './names.ts'

/** Everything of a source that may be stored, in its order. Holds no secret. */
export interface Incoming {
  readonly users: readonly (IncomingUser | Refused)[]
  readonly projects: readonly (IncomingProject | Refused)[]
  readonly keys: readonly (IncomingKey | Refused)[]
  /** SHA-256 of every secret in the source, refused keys included; null when it does not say which keys there are. */
  readonly hashes: ReadonlySet<string> | null
}

export interface IncomingUser {
  /** Id in the source. */
  readonly foreignId: string
  /** One that may stand here, made from what the source has. */
  readonly username: string
  /** What the source knows the user by; null where that is the email address. */
  readonly sourceName: string | null
  readonly email: string | null
  readonly name: string | null
  readonly passwordHash: string | null
  readonly createdAt: number | null
  /** What was made of the source, for the report. */
  readonly reasons: readonly string[]
}

export interface IncomingProject extends Omit<ForeignProject, 'id'> {
  readonly foreignId: string
}

/** A key of a source that may be stored. Holds no secret. */
export interface IncomingKey extends Omit<ForeignKey, 'credential'> {
  /** SHA-256 of the secret. */
  readonly hash: string
  /** First characters of the secret. */
  readonly start: string
}

/** Something of a source that is sound, but has no place here. */
export interface Refused {
  /** Safe to show. */
  readonly name: string
  readonly refusal: string
}

/** glm-proxy's only window: five hours. */
export const limitWindowMs = 5 * 3_600_000

/**
 * Checks all of a source together.
 *
 * @throws invalid, naming the first problem and how many more there are
 */
export function prepare(file: string, source: ForeignData): Incoming {
  const secrets = secretsOf(source.keys)
  const told = new Set(source.problems.map(({ type, index, field }) => `${type} ${index} ${field}`))
  const found = findings(source).filter(
    ({ type, index, field }) =>
      !told.has(`${type} ${index} ${field}`) && !told.has(`${type} ${index} ${wholeEntry}`),
  )
  const problems = [...source.problems, ...found].toSorted(
    (a, b) => order.indexOf(a.type) - order.indexOf(b.type) || a.index - b.index,
  )
  if (problems.length > 0) throw refused(file, source, secrets, problems)
  const users = source.users.map((user, index) => prepareUser(user, index, secrets))
  const owners = new Set(users.flatMap(user => ('foreignId' in user ? [user.foreignId] : [])))
  return {
    users,
    projects: source.projects.map((project, index) => prepareProject(project, index, owners, secrets)),
    keys: source.keys.map((key, index) => prepareKey(source, key, index, owners, secrets)),
    hashes: source.listsKeys ? secrets.hashes : null,
  }
}

const order: readonly Problem['type'][] = ['user', 'project', 'key']

/** Broken for any source: what `input.ts` would not let an operator type, and what occurs twice. */
function findings({ users, projects, keys }: ForeignData): readonly Problem[] {
  const userIds = new Twins('user', 'id')
  const emails = new Twins('user', 'email')
  const projectIds = new Twins('project', 'id')
  const secrets = new Twins('key', 'key')
  return [
    ...users.flatMap((user, index) => [
      userIds.find(user.id, index),
      ...(user.email === null
        ? []
        : [
            issue('user', rules.email, user.email, index, 'email'),
            emails.find(fold(user.email.trim()), index),
          ]),
      user.name === null ? undefined : issue('user', rules.displayName, user.name, index, 'name'),
    ]),
    ...projects.flatMap((project, index) => [
      projectIds.find(project.id, index),
      issue('project', rules.displayName, project.name, index, 'name'),
    ]),
    ...keys.flatMap((key, index) => {
      const wanted = { metric: 'tokens', amount: key.tokenLimit, windowMs: limitWindowMs }
      const { credential } = key
      return [
        key.name === null ? undefined : issue('key', rules.keyName, key.name, index, 'name'),
        key.model === null ? undefined : issue('key', rules.modelName, key.model, index, 'model'),
        key.tokenLimit === null ? undefined : issue('key', limit, wanted, index, 'token_limit_per_5h'),
        secrets.find('secret' in credential ? credential.secret : credential.hash, index),
      ]
    }),
  ].filter(problem => problem !== undefined)
}

/** Finds what should be there once. */
class Twins {
  readonly #type: Problem['type']
  readonly #field: string
  readonly #first = new Map<string, number>()

  constructor(type: Problem['type'], field: string) {
    this.#type = type
    this.#field = field
  }

  find(text: string, index: number): Problem | undefined {
    const twin = this.#first.get(text)
    if (text === '') return undefined
    if (twin === undefined) {
      this.#first.set(text, index)
      return undefined
    }
    const problem = `is the same as that of ${this.#type} ${twin + 1}`
    return { type: this.#type, index, field: this.#field, problem }
  }
}

function issue(
  type: Problem['type'],
  schema: v.GenericSchema,
  value: unknown,
  index: number,
  field: string,
): Problem | undefined {
  const result = v.safeParse(schema, value)
  return result.success ? undefined : { type, index, field, problem: result.issues[0].message }
}

function prepareUser(user: ForeignUser, index: number, secrets: Secrets): IncomingUser | Refused {
  const shown = [user.username, user.email, user.name].filter(text => text !== null)
  if (shown.some(text => holdsSecret(text, secrets))) {
    return { name: `user ${index + 1}`, refusal: `its name ${holds}` }
  }
  const sourceName = user.username
  const asEmail = sourceName === null ? null : v.safeParse(rules.email, sourceName)
  const email = asEmail?.success
    ? asEmail.output
    : user.email === null
      ? null
      : v.parse(rules.email, user.email)
  const wanted =
    email !== null && (sourceName === null || asEmail?.success) ? localPart(email) : (sourceName ?? '')
  const username = usernameFrom(wanted, 'user')
  const passwordHash = user.passwordHash === null ? null : knownPasswordHash(user.passwordHash)
  return {
    foreignId: user.id,
    username,
    sourceName: asEmail?.success ? null : sourceName,
    email,
    name: user.name,
    passwordHash,
    createdAt: user.createdAt,
    reasons: [
      ...(sourceName === null || username === sourceName ? [] : [`"${shortened(sourceName)}" in the source`]),
      ...(passwordHash !== null
        ? []
        : [
            user.passwordHash === null
              ? 'no password in the source'
              : 'its password cannot be verified here: set a new one',
          ]),
    ],
  }
}

const localPart = (email: string): string => email.slice(0, email.lastIndexOf('@'))

function prepareProject(
  project: ForeignProject,
  index: number,
  owners: ReadonlySet<string>,
  secrets: Secrets,
): IncomingProject | Refused {
  const { id, ...rest } = project
  if (holdsSecret(project.name, secrets) || holdsSecret(project.slug, secrets)) {
    return { name: `project ${index + 1}`, refusal: `its name ${holds}` }
  }
  if (!owners.has(project.ownerId)) return { name: project.name, refusal: ownerless }
  return { ...rest, foreignId: id, slug: slugFrom(project.slug, 'project') }
}

const ownerless = 'its owner is not in the source, or was left out'
const holds = 'holds a secret, and secrets are never stored: rename it first'

function prepareKey(
  source: ForeignData,
  key: ForeignKey,
  index: number,
  owners: ReadonlySet<string>,
  secrets: Secrets,
): IncomingKey | Refused {
  const { credential, ...rest } = key
  const refusal = refusalOf(key, owners, secrets)
  if (refusal !== null) return { name: shownName(source, key.name, 'key', index, secrets), refusal }
  return {
    ...rest,
    name: key.name === null ? null : v.parse(rules.keyName, key.name),
    ...('secret' in credential
      ? { hash: hashSecret(credential.secret), start: startOf(credential.secret) }
      : credential),
  }
}

function refusalOf(key: ForeignKey, owners: ReadonlySet<string>, secrets: Secrets): string | null {
  if (key.name !== null && (holdsSecret(key.name, secrets) || holdsOwnSecret(key.name, key))) {
    return `its name ${holds}`
  }
  if (key.model !== null && (holdsSecret(key.model, secrets) || holdsOwnSecret(key.model, key))) {
    return 'its model holds a secret, and secrets are never stored'
  }
  if (key.userId !== null && !owners.has(key.userId)) return ownerless
  if (!('secret' in key.credential) || !isMalformed(key.credential.secret)) return null
  return key.credential.secret.startsWith('lk_')
    ? 'its secret begins with lk_ but its checksum is wrong: it could never be verified'
    : 'its secret is longer than 512 characters or not made of printable ASCII without spaces: it could never be verified'
}

interface Secrets {
  readonly texts: ReadonlySet<string>
  /** SHA-256. */
  readonly hashes: ReadonlySet<string>
}

function secretsOf(keys: readonly ForeignKey[]): Secrets {
  const texts = new Set<string>()
  const hashes = new Set<string>()
  for (const { credential } of keys) {
    if (!('secret' in credential)) hashes.add(credential.hash)
    else if (credential.secret !== '') {
      texts.add(credential.secret)
      hashes.add(hashSecret(credential.secret))
    }
  }
  return { texts, hashes }
}

/** Shorter ones are in words by chance. */
const shortestTold = 8

/** Whether the text is a secret of the source, or a part of it is one that is no word by chance. */
function holdsSecret(text: string, { texts, hashes }: Secrets): boolean {
  if (holdsOurs(text) || texts.has(text.trim()) || hashes.has(hashSecret(text.trim()))) return true
  // As in `old:pk_abcdefgh,new`: what stands between the characters that no secret begins or ends with.
  return text
    .split(/[\s,;:'"()[\]{}<>=|]+/)
    .some(word => word.length >= shortestTold && hashes.has(hashSecret(word)))
}

const holdsOwnSecret = (text: string, { credential }: ForeignKey): boolean =>
  'secret' in credential && credential.secret.length >= shortestTold && text.includes(credential.secret)

/** The name as it is safe to show, or else the position. */
function shownName(
  { keys }: ForeignData,
  name: string | null,
  type: Problem['type'],
  index: number,
  secrets: Secrets,
): string {
  const key = type === 'key' ? keys[index] : undefined
  return name === null ||
    name.trim() === '' ||
    holdsSecret(name, secrets) ||
    (key !== undefined && holdsOwnSecret(name, key))
    ? `${type} ${index + 1}`
    : name.trim()
}

function refused(
  file: string,
  source: ForeignData,
  secrets: Secrets,
  problems: readonly Problem[],
): LatchkeyError {
  const [first] = problems
  if (!first) throw new Error('no problem to tell of')
  const { type, index } = first
  const numbered = `${type} ${index + 1}`
  const name = shownName(source, nameIn(source, first), type, index, secrets)
  const label = name === numbered ? name : `${numbered} ("${shortened(name)}")`
  const more = problems.length - 1
  const others =
    more === 0 ? '' : `, and there ${more === 1 ? 'is 1 more problem' : `are ${more} more problems`}`
  return new LatchkeyError(
    'invalid',
    `${label} in ${file}: ${first.field} ${first.problem}${others}; nothing was imported`,
    'correct the source and run the same command again; --dry-run shows what would happen',
  )
}

function nameIn(source: ForeignData, { type, index }: Problem): string | null {
  if (type === 'key') return source.keys[index]?.name ?? null
  if (type === 'project') return source.projects[index]?.name ?? null
  const user = source.users[index]
  return user?.username ?? user?.email ?? null
}

function shortened(name: string): string {
  const text = name.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?')
  return text.length > 64 ? `${text.slice(0, 60)}…` : text
}
