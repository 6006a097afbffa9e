/** What a request at the door is decided by, and what is decided. Types alone. */
import type { Key, Verdict } from '../../contract/views.ts'

/** A `Request`, or whatever else has the headers of one. Nothing but the key in them is read. */
export interface Carrier {
  /** With the key as `Authorization: Bearer`, or else as `X-Api-Key`. */
  readonly headers: Headers
}

export interface GuardOptions {
  /** What the request needs the key to be allowed to do. */
  readonly scope?: string | undefined
  /** The model that the request asks for. */
  readonly model?: string | undefined
  /** Record one request of the key when it is let in; limits on requests then hold however many come at once. */
  readonly count?: boolean | undefined
}

/** A verdict that lets in. With `count` its limits include the request itself. */
export type Admitted = Verdict & {
  /** Always true. */
  readonly valid: true
  /** The key in the request. */
  readonly key: Key
}

/** What to answer a request that is not let in. */
export interface Refused {
  /** Why, in a number. 401: no key, or one that does not work. 403: not with this scope or model. 429: a limit was hit. */
  readonly status: 401 | 403 | 429
  /** Why, when to come back, and what limits leave. */
  readonly headers: Readonly<Record<string, string>>
  /** The error object, as JSON. */
  readonly body: string
  /** Null when there was no key in the request. */
  readonly verdict: Verdict | null
}

export interface Authorized {
  /** Always 204. */
  readonly status: 204
  /** Whose request it is and what limits leave. */
  readonly headers: Readonly<Record<string, string>>
  /** Always null. */
  readonly body: null
  /** Why it is let in. */
  readonly verdict: Admitted
}
