import { LatchkeyError } from '../../contract/errors.ts'

/** Options with other names in operations: a repeatable option is singular, its field plural. */

const names = {
  limit: 'limits',
  limitEach: 'limits',
  noLimit: 'removeLimits',
  noLimitEach: 'removeLimits',
  allowModel: 'allowedModels',
  scope: 'scopes',
  expires: 'expiresAt',
  addMember: 'addMembers',
  removeMember: 'removeMembers',
} as const

const known: ReadonlyMap<string, string> = new Map(Object.entries(names))

type Fields<T> = { readonly [K in keyof T as K extends keyof typeof names ? (typeof names)[K] : K]: T[K] }

/** The input of an operation, from options. Lists of the same name are one. */
export function fields<T extends object>(typed: T): Fields<T> {
  const named = new Map<string, unknown>()
  for (const [option, value] of Object.entries(typed)) {
    const name = known.get(option) ?? option
    const other = named.get(name)
    if (other === undefined) named.set(name, value)
    else if (Array.isArray(other) && Array.isArray(value)) named.set(name, [...other, ...value])
  }
  return Object.fromEntries(named) as Fields<T>
}

/** What `--NAME` and `--no-NAME` say together; undefined for neither. @throws usage for both */
export function switched(name: string, on: boolean, off: boolean): boolean | undefined {
  if (on && off) throw new LatchkeyError('usage', `--${name} and --no-${name} exclude each other`, 'give one')
  return on || off ? on : undefined
}
