/** From what a source says to what may be stored: every rule is checked here, before anything is written. */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { type ForeignKey, type ForeignKeys, type Problem, wholeEntry } from '../../formats/foreign-key.ts'
import * as rules from '../input.ts'
import { hashSecret, isMalformed, startOf } from '../secrets.ts'

/** A key of a source that may be stored. Holds no secret. */
export interface IncomingKey extends Omit<ForeignKey, 'secret'> {
  /** SHA-256 of the secret. */
  readonly hash: string
  /** First characters of the secret. */
  readonly start: string
}

/** A key of a source that is sound, but has no place here. */
export interface RefusedKey {
  /** Safe to show. */
  readonly name: string
  readonly refusal: string
}

/** glm-proxy's only window: five hours. */
export const limitWindowMs = 5 * 3_600_000

/**
 * Checks all keys of a source together.
 *
 * @throws invalid, naming the first problem and how many more there are
 */
export function prepare(file: string, source: ForeignKeys): readonly (IncomingKey | RefusedKey)[] {
  const secrets = new Set(source.keys.map(key => key.secret).filter(secret => secret !== ''))
  const told = new Set(source.problems.map(({ key, field }) => `${key} ${field}`))
  const found = findings(source.keys).filter(
    ({ key, field }) => !told.has(`${key} ${field}`) && !told.has(`${key} ${wholeEntry}`),
  )
  const problems = [...source.problems, ...found].toSorted((a, b) => a.key - b.key)
  if (problems.length > 0) throw refused(file, source.keys, secrets, problems)
  return source.keys.map((key, index) => {
    const refusal = refusalOf(key, secrets)
    if (refusal !== null) return { name: shownName(key, index, secrets), refusal }
    const { secret, ...rest } = key
    return {
      ...rest,
      name: v.parse(rules.keyName, key.name),
      hash: hashSecret(secret),
      start: startOf(secret),
    }
  })
}

/** Broken for any source: what `input.ts` would not let an operator type, and secrets that occur twice. */
function findings(keys: readonly ForeignKey[]): readonly Problem[] {
  const first = new Map<string, number>()
  return keys.flatMap((key, index) => {
    const limit = { metric: 'tokens', amount: key.tokenLimit, windowMs: limitWindowMs }
    const twin = first.get(key.secret)
    if (key.secret !== '' && twin === undefined) first.set(key.secret, index)
    return [
      issue(rules.keyName, key.name, index, 'name'),
      key.model === null ? undefined : issue(rules.modelName, key.model, index, 'model'),
      issue(rules.limit, limit, index, 'token_limit_per_5h'),
      twin === undefined
        ? undefined
        : { key: index, field: 'key', problem: `is the same as that of key ${twin + 1}` },
    ].filter(problem => problem !== undefined)
  })
}

function issue(schema: v.GenericSchema, value: unknown, key: number, field: string): Problem | undefined {
  const result = v.safeParse(schema, value)
  return result.success ? undefined : { key, field, problem: result.issues[0].message }
}

function refusalOf(key: ForeignKey, secrets: ReadonlySet<string>): string | null {
  if (holdsSecret(key.name, key, secrets))
    return 'its name holds a secret, and secrets are never stored: rename it first'
  if (key.model !== null && holdsSecret(key.model, key, secrets)) {
    return 'its model holds a secret, and secrets are never stored'
  }
  if (!isMalformed(key.secret)) return null
  return key.secret.startsWith('lk_')
    ? 'its secret begins with lk_ but its checksum is wrong: it could never be verified'
    : 'its secret is longer than 512 characters or not made of printable ASCII without spaces: it could never be verified'
}

/** Shorter ones are in words by chance. */
const shortestTold = 8

const holdsSecret = (text: string, key: ForeignKey, secrets: ReadonlySet<string>): boolean =>
  secrets.has(text.trim()) || (key.secret.length >= shortestTold && text.includes(key.secret))

const shownName = (key: ForeignKey, index: number, secrets: ReadonlySet<string>): string =>
  key.name.trim() === '' || holdsSecret(key.name, key, secrets) ? `key ${index + 1}` : key.name.trim()

function refused(
  file: string,
  keys: readonly ForeignKey[],
  secrets: ReadonlySet<string>,
  problems: readonly Problem[],
): LatchkeyError {
  const [first] = problems
  const key = first && keys[first.key]
  if (!first || !key) throw new Error('a problem without a key')
  const name = shownName(key, first.key, secrets)
  const label = name === `key ${first.key + 1}` ? name : `key ${first.key + 1} ("${shortened(name)}")`
  const more = problems.length - 1
  const others =
    more === 0 ? '' : `, and there ${more === 1 ? 'is 1 more problem' : `are ${more} more problems`}`
  return new LatchkeyError(
    'invalid',
    `${label} in ${file}: ${first.field} ${first.problem}${others}; nothing was imported`,
    'correct the source and run the same command again; --dry-run shows what would happen',
  )
}

function shortened(name: string): string {
  const text = name.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?')
  return text.length > 64 ? `${text.slice(0, 60)}…` : text
}
