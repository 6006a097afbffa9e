/** What operations in several parts of the domain take. Types alone. */

/** Text that selects, or the secret of a key. */
export type KeySelector = string | { readonly secret: string }

export interface CreateOptions {
  /** What has that name already is returned, with `created: false`, when all that was named of it is so. */
  readonly ifNotExists?: boolean | undefined
}
