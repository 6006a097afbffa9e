/**
 * Checks the events of a log. The rules are those of `input.ts`, with a fast path for plain lines, because a log has
 * millions. Never quotes a line, which may contain a secret.
 */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { toldNames, type Usage, type UsageCounts } from '../../db/facts.ts'
import { readInstant } from '../../text/instant.ts'
import { didYouMean, nearestField } from '../../text/nearest.ts'
import * as rules from '../rules/input.ts'
import { countsOf, partProblem } from './counts.ts'
import { usageInput } from './input.ts'
import { withReturnedUsage } from './returned.ts'

/** What one request used, from a log. */
export interface UsageEvent extends Usage {
  /** Events with the same id count once. */
  readonly id: string | null
  /** Id, name or start of a key. */
  readonly key: string
}

const id = v.pipe(
  v.string('must be text'),
  v.minLength(1, 'must not be empty'),
  rules.noSecret,
  v.maxLength(200, 'must be at most 200 characters'),
  v.regex(/^[^\p{Cc}\p{Zl}\p{Zp}\p{Cs}]*$/u, 'must not contain control characters'),
)

/** `usage` is replaced by counts before. */
const { at: _, usage: __, ...usageFields } = usageInput.entries

const event = v.object({
  id: v.nullish(id, null),
  key: v.pipe(v.string('must be text'), v.minLength(1, 'must not be empty')),
  ...usageFields,
  at: v.string('must be text such as 2026-11-20T10:00:00Z'),
})

const knownFields = new Set(Object.keys(event.entries))
const fields = [...knownFields, 'usage']

const numericFields = [...toldNames, 'costUsd'] as const

/** Models that are known to be valid, across files and requests. */
const models = new Set<string>()

/** Reads the lines of one file. */
export class EventReader {
  readonly #now: number

  /** @param now UTC milliseconds; slightly later times, from clocks that are ahead, count as now */
  constructor(now: number) {
    this.#now = now
  }

  /** The event, or what is wrong with it, to continue a sentence about the line. */
  read(row: Readonly<Record<string, unknown>>): UsageEvent | string {
    const plain = this.#plain(row)
    if (plain) return plain
    const counted = withReturnedUsage(row)
    if (typeof counted === 'string') return counted
    const typed = withNumbers(counted)
    return this.#plain(typed) ?? this.#checked(typed)
  }

  /** The event, if it is obviously valid. */
  #plain(row: Readonly<Record<string, unknown>>): UsageEvent | undefined {
    const { key, at } = row
    for (const name in row) if (!knownFields.has(name)) return undefined
    const eventId = row['id'] ?? null
    const model = row['model'] ?? null
    const endUser = row['endUser'] ?? null
    const costUsd = row['costUsd'] ?? null
    if (typeof key !== 'string' || key === '' || typeof at !== 'string') return undefined
    if (eventId !== null && !(typeof eventId === 'string' && plainId.test(eventId))) return undefined
    if (endUser !== null && !(typeof endUser === 'string' && plainId.test(endUser))) return undefined
    if (model !== null && !(typeof model === 'string' && models.has(model))) return undefined
    if (costUsd !== null && !(typeof costUsd === 'number' && costUsd >= 0 && costUsd < 1_000_000)) {
      return undefined
    }
    const counts = plainCounts(row, costUsd)
    if (counts === undefined || partProblem(counts) !== undefined) return undefined
    const time = times.read(at)
    if (time === undefined || time < rules.earliestUse || time > this.#now + rules.clockToleranceMs)
      return undefined
    return {
      id: eventId,
      key,
      model: model ?? '',
      endUser: endUser ?? '',
      counts,
      isPriced: costUsd !== null,
      at: Math.min(time, this.#now),
    }
  }

  #checked(row: Readonly<Record<string, unknown>>): UsageEvent | string {
    if (row['key'] === undefined || row['key'] === null) return 'names no key'
    if (row['at'] === undefined || row['at'] === null) return 'does not say when: at is missing'
    const unknown = Object.keys(row).find(name => !knownFields.has(name) && (row[name] ?? null) !== null)
    if (unknown !== undefined) return `has an unknown field: ${shown(unknown)}`
    let input: v.InferOutput<typeof event>
    try {
      input = rules.parse(event, row)
    } catch (error) {
      if (error instanceof LatchkeyError) return `has a bad value: ${error.message}`
      throw error
    }
    const { id: eventId, key, model, endUser, costUsd, at } = input
    const counts = countsOf(input, costUsd)
    const problem = partProblem(counts)
    if (problem !== undefined) return `has a bad value: ${problem}`
    const time = times.read(at) ?? readInstant(at)
    if (time === undefined) {
      return 'has a bad value: at must be a date and time with its zone, such as 2026-11-20T10:00:00Z'
    }
    if (time < rules.earliestUse) return 'has a bad value: at is before the year 2000'
    if (time > this.#now + rules.clockToleranceMs) return 'has a bad value: at is in the future'
    if (models.size >= mostModels) models.clear()
    if (model) models.add(model)
    return {
      id: eventId,
      key,
      model: model ?? '',
      endUser: endUser ?? '',
      counts,
      isPriced: (costUsd ?? null) !== null,
      at: Math.min(time, this.#now),
    }
  }
}

/** A long name may be a value. */
const shown = (name: string): string =>
  /^[\w .-]{1,24}$/.test(name) ? `${name}${didYouMean(nearestField(name, fields))}` : 'one with an odd name'

const mostModels = 10_000

/** Too short for a secret. */
const plainId = /^[\w.:-]{1,38}$/

/** Numbers may be text, as in CSV. */
function withNumbers(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const typed: Record<string, unknown> = { ...row }
  for (const field of numericFields) {
    const text = typed[field]
    if (typeof text === 'string' && /^\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) typed[field] = Number(text)
  }
  return typed
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** Undefined if one is not obviously valid. */
function plainCounts(
  row: Readonly<Record<string, unknown>>,
  costUsd: number | null,
): UsageCounts | undefined {
  const requests = row['requests'] ?? 1
  const inputTokens = row['inputTokens'] ?? 0
  const cachedInputTokens = row['cachedInputTokens'] ?? 0
  const cacheWriteTokens = row['cacheWriteTokens'] ?? 0
  const outputTokens = row['outputTokens'] ?? 0
  const reasoningTokens = row['reasoningTokens'] ?? 0
  const otherTokens = row['otherTokens'] ?? 0
  if (!isCount(requests) || !isCount(inputTokens) || !isCount(cachedInputTokens)) return undefined
  if (!isCount(cacheWriteTokens) || !isCount(outputTokens) || !isCount(reasoningTokens)) return undefined
  if (!isCount(otherTokens)) return undefined
  const told = {
    requests,
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens,
    outputTokens,
    reasoningTokens,
    otherTokens,
  }
  return countsOf(told, costUsd)
}

/** Parses `2026-11-20T10:00:00Z`, with or without milliseconds, with a cache: most times in a log share a few minutes. */
class Times {
  readonly #minutes = new Map<string, number>()

  /** Undefined for other forms and invalid times. */
  read(text: string): number | undefined {
    const { length } = text
    if ((length !== 20 && length !== 24) || text.charCodeAt(16) !== colon) return undefined
    if (text.charCodeAt(length - 1) !== zulu) return undefined
    const seconds = digits(text, 17, 19)
    const milliseconds = length === 20 ? 0 : text.charCodeAt(19) === dot ? digits(text, 20, 23) : Number.NaN
    const minute = this.#minute(text.slice(0, 16))
    if (minute === undefined || !(seconds < 60) || Number.isNaN(milliseconds)) return undefined
    return minute + seconds * 1000 + milliseconds
  }

  #minute(text: string): number | undefined {
    const known = this.#minutes.get(text)
    if (known !== undefined) return known
    const minute = readInstant(`${text}:00Z`)
    if (minute === undefined) return undefined
    if (this.#minutes.size >= mostMinutes) this.#minutes.clear()
    this.#minutes.set(text, minute)
    return minute
  }
}

const times = new Times()
const mostMinutes = 5_000
const colon = 58
const dot = 46
const zulu = 90

function digits(text: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}
