/** Answers to clients: JSON as in the contract, or the error object with a status. */
import { type ErrorCode, LatchkeyError } from '../contract/errors.ts'
import { errorObject, failureOf } from '../contract/failure.ts'
import { jsonWriter } from '../contract/json.ts'
import type { ObjectShape } from '../contract/shape.ts'
import type { Verdict } from '../contract/views.ts'
import type { Refused } from '../index.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string | null
  /** The error or verdict code, for the log. */
  readonly code?: string | undefined
  /** The verdict, for the log. */
  readonly verdict?: Verdict | undefined
}

/** Nothing may be kept by a cache: the next answer to the same request may be another. */
export const headersOf = (own: Readonly<Record<string, string>>): Headers =>
  new Headers({ ...own, 'cache-control': 'no-store' })

const jsonType = { 'content-type': 'application/json' }
/** Made once, because most answers have no others. */
const json = headersOf(jsonType)

/** An error with its own HTTP status. */
export class Refusal extends LatchkeyError {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    hint: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message, hint)
    this.status = status
    this.headers = headers
  }
}

/** Writes a view as `--json` does, on one line. @param verdict in it, if any, for the log */
export function answering<T>(shape: ObjectShape<T>): (value: T, verdict?: Verdict) => Answer {
  const write = jsonWriter(shape.schema)
  return (value, verdict) => ({
    status: 200,
    headers: json,
    body: `${write(value)}\n`,
    code: verdict?.code,
    verdict,
  })
}

export const textAnswer = (contentType: string, body: string): Answer => ({
  status: 200,
  headers: headersOf({ 'content-type': contentType }),
  body,
})

export const statusAnswer = (status: string): Answer => ({
  status: 200,
  headers: json,
  body: `${JSON.stringify({ status })}\n`,
})

export const noContent: Answer = { status: 204, headers: headersOf({}), body: null }

/** For a caller whose own key is refused. */
export const refusedAnswer = ({
  status,
  headers,
  body,
}: Pick<Refused, 'headers' | 'body'> & Pick<Answer, 'status'>): Answer => ({
  status,
  headers: headersOf(headers),
  body,
  code: 'denied',
})

/** Never shows data from the request: `failureOf` shortens messages of unknown errors. */
export function errorAnswer(error: unknown): Answer & { readonly message: string } {
  const failure = failureOf(error)
  const status = error instanceof Refusal ? error.status : statusOf[failure.code]
  const later: Readonly<Record<string, string>> = status === 503 ? { 'retry-after': '1' } : {}
  const own = error instanceof Refusal ? error.headers : {}
  return {
    status,
    headers: headersOf({ ...jsonType, ...later, ...own }),
    body: `${errorObject(failure)}\n`,
    code: failure.code,
    message: failure.message,
  }
}

/** 503 if the database cannot do it for now: another server, or the same one later, may. */
const statusOf: Readonly<Record<ErrorCode, number>> = {
  unexpected: 500,
  stale: 503,
  usage: 400,
  invalid: 400,
  not_found: 404,
  denied: 403,
  conflict: 409,
  ambiguous: 409,
  not_confirmed: 400,
  corrupt: 503,
  checksum: 503,
  drift: 503,
  partial: 500,
  busy: 503,
  config: 503,
  database_missing: 503,
  database_foreign: 503,
  database_readonly: 503,
  disk_full: 503,
  permission: 503,
  schema_older: 503,
  schema_newer: 503,
  interrupted: 503,
  terminated: 503,
}
