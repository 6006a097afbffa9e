/** What a decision about a request takes and returns. Types only. */
import type { Key, Verdict } from '../../contract/views.ts'

/** A `Request`, or anything else with its headers. Only the key in them is read. */
export interface Carrier {
  /** The key is in `Authorization: Bearer`, or else in `X-Api-Key`. */
  readonly headers: Headers
}

export interface GuardOptions {
  /** The scope that the request needs. */
  readonly scope?: string | undefined
  /** The model that the request asks for. */
  readonly model?: string | undefined
  /**
   * The end user whom the request is for: limits for each of them bind only requests that name one. Never take it from the
   * client, who could name another each time.
   */
  readonly endUser?: string | undefined
  /** Record one request if it is allowed. Limits on requests then hold for concurrent requests too. */
  readonly count?: boolean | undefined
}

/** A verdict that allows the request. With `count`, its limits include the request. */
export type Admitted = Verdict & {
  /** Always true. */
  readonly valid: true
  /** The key in the request. */
  readonly key: Key
}

/** The answer to a request that is not allowed. */
export interface Refused {
  /** HTTP status. 401: no key, or one that does not work. 403: the key lacks the scope or the model. 429: a limit was hit. */
  readonly status: 401 | 403 | 429
  /** WWW-Authenticate, Retry-After and the RateLimit fields, where they apply. */
  readonly headers: Readonly<Record<string, string>>
  /** The error object, as JSON. */
  readonly body: string
  /** Null if the request has no key. */
  readonly verdict: Verdict | null
}

export interface Authorized {
  /** Always 204. */
  readonly status: 204
  /** The ids of key, user and project, and what is left of limits. */
  readonly headers: Readonly<Record<string, string>>
  /** Always null. */
  readonly body: null
  /** The verdict. */
  readonly verdict: Admitted
}
