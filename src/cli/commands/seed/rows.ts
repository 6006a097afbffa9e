/** The rows that `seed` writes, by what was typed. */
import type { SeedPart } from '../../../index.ts'
import { type Population, population } from '../../../seed/population.ts'

const sizes = {
  small: { users: 50, orgs: 5, projects: 20, keys: 200, chats: 500, days: 30 },
  large: {
    users: 100_000,
    orgs: 1_000,
    projects: 2_000,
    keys: 5_000,
    chats: 100_000,
    messages: 10,
    days: 30,
  },
} as const satisfies Readonly<Record<string, Omit<Population, 'randomSeed'>>>

type Typed = { readonly [F in keyof Population]?: number | undefined }

/** What was not typed is that of the size. */
export function seedRows(size: keyof typeof sizes, typed: Typed, randomSeed: number): Iterable<SeedPart> {
  const given = Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== undefined))
  return population({ ...sizes[size], ...given, randomSeed })
}
