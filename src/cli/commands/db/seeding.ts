/** The rows that `db seed` writes, by what was typed. */
import type { SeedPart } from '../../../index.ts'
import { type Population, population } from '../../../seed/population.ts'

export const sizeNames = ['small', 'large'] as const

const sizes: Readonly<Record<(typeof sizeNames)[number], Omit<Population, 'randomSeed'>>> = {
  small: { users: 50, projects: 20, keys: 200, chats: 500, days: 30 },
  large: { users: 100_000, projects: 2_000, keys: 5_000, chats: 100_000, messages: 10, days: 30 },
}

type Typed = { readonly [F in keyof Population]?: number | undefined }

/** What was not typed is that of the size. */
export function seedRows(
  size: (typeof sizeNames)[number],
  typed: Typed,
  randomSeed: number,
): Iterable<SeedPart> {
  const told = Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== undefined))
  return population({ ...sizes[size], ...told, randomSeed })
}
