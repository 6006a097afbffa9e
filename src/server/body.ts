/** Reads request bodies, with limits on size and time. Messages never quote them, because they contain secrets. */
import { LatchkeyError } from '../contract/errors.ts'
import { Refusal } from './answer.ts'
import { allHeard } from './turn.ts'

export const mostBytes = 1_048_576
/** The longest time for a body to arrive, in milliseconds. */
const bodyTimeoutMs = 10_000

/** One JSON value. @throws Refusal, LatchkeyError */
export async function readJson(request: Request): Promise<unknown> {
  requireType(request, ['application/json'])
  return parse(await readText(request), 'the body')
}

/**
 * As `readJson`, for a body of names and numbers alone. Those have no U+FFFD, which stands for bytes that were not UTF-8. So Bun may
 * make the text, which takes less time than to decode the bytes.
 *
 * @throws Refusal, LatchkeyError
 */
export async function readNames(request: Request): Promise<unknown> {
  requireType(request, ['application/json'])
  return parse(await readText(request, 'names'), 'the body')
}

/** One event, a list of events, or one a line (NDJSON). @throws Refusal, LatchkeyError */
export async function readEvents(request: Request): Promise<readonly unknown[]> {
  const type = requireType(request, ['application/json', ...lineTypes])
  const text = await readText(request)
  if (!lineTypes.includes(type)) return [parse(text, 'the body')].flat()
  return text
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parse(line, `line ${index + 1}`)]))
}

const lineTypes = ['application/x-ndjson', 'application/ndjson', 'application/jsonl']

function requireType(request: Request, accepted: readonly string[]): string {
  const given = request.headers.get('content-type') ?? ''
  // What nearly all send needs no reading.
  const [type = ''] = given === accepted[0] ? [given] : given.toLowerCase().split(';')
  const encoding = (request.headers.get('content-encoding') ?? 'identity').toLowerCase()
  if (accepted.includes(type.trim()) && encoding === 'identity') return type.trim()
  throw new Refusal(
    415,
    'invalid',
    encoding === 'identity' ? `the content type must be ${accepted.join(' or ')}` : 'the body is compressed',
    `send it uncompressed, with the header content-type: ${accepted[0]}`,
  )
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new LatchkeyError('invalid', `${what} is not JSON`, 'send one JSON value in UTF-8')
  }
}

// Fatal, because two ids that differ only in invalid bytes would be read as the same.
const decoder = new TextDecoder('utf-8', { fatal: true })

type Content = 'names' | 'anything'

async function readText(request: Request, content: Content = 'anything'): Promise<string> {
  const declared = request.headers.get('content-length')
  if (Number(declared ?? 0) > mostBytes) throw tooLarge()
  try {
    const text = await receivedText(request, declared !== null, content)
    if (content === 'names' && text.includes('\uFFFD')) throw notNames()
    return text
  } catch (error) {
    if (error instanceof LatchkeyError) throw error
    if (error instanceof TypeError) throw notUtf8()
    throw new Refusal(400, 'invalid', 'the body ended early', 'send all of it')
  }
}

/** A body that says how long it is needs no stream, which takes longer than a verdict. */
async function receivedText(request: Request, isDeclared: boolean, content: Content): Promise<string> {
  if (isDeclared && content === 'names') return inTime(request.text())
  return decoder.decode(await inTime(isDeclared ? request.bytes() : gathered(request)))
}

const notUtf8 = (): LatchkeyError => new LatchkeyError('invalid', 'the body is not UTF-8', 'send it in UTF-8')

const notNames = (): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    'the body is not UTF-8, or has U+FFFD, which stands for what was not',
    'send it in UTF-8, and U+FFFD as \\ufffd',
  )

interface Awaited {
  readonly until: number
  readonly giveUp: (error: Refusal) => void
}

/** Bodies that have not arrived, the oldest first. They share a timer: to set one for each takes as long as reading a body. */
const awaited = new Set<Awaited>()
let isTimed = false

/** @throws Refusal; the rest of the body then ends with its connection */
function inTime<T>(body: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const entry: Awaited = { until: performance.now() + bodyTimeoutMs, giveUp: reject }
    awaited.add(entry)
    if (!isTimed) giveUpIn(bodyTimeoutMs)
    body.then(
      given => {
        awaited.delete(entry)
        resolve(given)
      },
      error => {
        awaited.delete(entry)
        reject(error)
      },
    )
  })
}

function giveUpIn(ms: number): void {
  isTimed = true
  setTimeout(() => {
    isTimed = false
    const now = performance.now()
    for (const entry of awaited) {
      if (entry.until > now) return giveUpIn(entry.until - now)
      awaited.delete(entry)
      entry.giveUp(tooSlow())
    }
  }, ms).unref()
}

async function gathered(request: Request): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array()
  const reader = request.body.getReader()
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      size += value.byteLength
      if (size > mostBytes) throw tooLarge()
      parts.push(value)
    }
  } catch (error) {
    reader.cancel().catch(() => {})
    throw error
  }
  if (inChunks(request)) {
    await allHeard()
    requireEnd(request)
  }
  return Buffer.concat(parts)
}

/**
 * Whether the body is chunked. Bun takes the last chunk for the end of the request, so trailer fields (RFC 9112, 7.1.2)
 * would be read and answered as another request. Such a request is therefore the last of its connection.
 */
export const inChunks = (request: Request): boolean => request.headers.has('transfer-encoding')

/**
 * For a request whose turn was heard. Bun reads what follows a request, such as a trailer or a stray line break, after handing it
 * over, and answers 400 if it cannot be a request. Then nothing must be done. A client that has hung up is not noticed so soon.
 *
 * @throws Refusal, which nobody is told
 */
export function requireEnd(request: Request): void {
  if (!request.signal.aborted) return
  throw new Refusal(400, 'invalid', 'something follows the request', 'send nothing behind it')
}

const closing = { connection: 'close' }

const tooLarge = (): Refusal =>
  new Refusal(413, 'invalid', 'the body is larger than 1 MiB', 'send the events in several requests', closing)

const tooSlow = (): Refusal =>
  new Refusal(
    408,
    'invalid',
    `the body did not arrive within ${bodyTimeoutMs / 1_000} s`,
    'send it again',
    closing,
  )
