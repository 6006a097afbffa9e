/** Options with other names in operations: a repeatable option is singular, its field plural. */

const names = {
  limit: 'limits',
  noLimit: 'removeLimits',
  allowModel: 'allowedModels',
  scope: 'scopes',
  expires: 'expiresAt',
  addMember: 'addMembers',
  removeMember: 'removeMembers',
} as const

const known: ReadonlyMap<string, string> = new Map(Object.entries(names))

type Fields<T> = { readonly [K in keyof T as K extends keyof typeof names ? (typeof names)[K] : K]: T[K] }

/** The input of an operation, from options. */
export const fields = <T extends object>(typed: T): Fields<T> =>
  Object.fromEntries(
    Object.entries(typed).map(([option, value]) => [known.get(option) ?? option, value]),
  ) as Fields<T>
