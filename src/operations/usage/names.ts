/** Names of those who used something, also of those that were deleted since. */
import { type LimitedNoun, labelOf, limitedNouns, nouns } from '../../contract/nouns.ts'
import type { UsageRow } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { type Column, eq, oneOf, type Table } from '../../db/query.ts'
import { departed, models } from '../../db/schema/usage.ts'
import { column, tableOf } from '../nouns.ts'
import { looksLikeId } from '../rules/ids.ts'
import { find, type Selector } from '../select.ts'
import type { PeriodSums } from './buckets.ts'
import type { ReportOptions } from './input.ts'
import { shownCounts } from './sum.ts'

/** Who is meant; those that were deleted are known by their whole id. @throws not_found, ambiguous */
async function findUsing<N extends LimitedNoun>(
  db: Database,
  noun: N,
  selector: Selector<N>,
): Promise<{ readonly id: string; readonly name: string }> {
  const text: unknown = selector
  if (typeof text === 'string' && looksLikeId(text.toLowerCase(), nouns[noun].prefix)) {
    const [gone] = await db.select().from(departed).where(eq(departed.id, text.toLowerCase()))
    if (gone) return gone
  }
  const row = await find(db, noun, selector)
  return { id: row.id, name: labelOf(noun, row) }
}

/** What alone a report is about. A team is one of the organization, if that is given too. @throws not_found, ambiguous */
export async function findOnly(db: Database, { key, user, project, org, team }: ReportOptions) {
  const found = async <N extends LimitedNoun>(noun: N, selector: Selector<N> | undefined) =>
    selector === undefined ? undefined : findUsing(db, noun, selector)
  const isAnywhere = org === undefined || looksLikeId(team?.toLowerCase() ?? '', nouns.team.prefix)
  return {
    key: await found('key', key),
    user: await found('user', user),
    project: await found('project', project),
    org: await found('org', org),
    team: await found('team', team === undefined || isAnywhere ? team : { team, org }),
  }
}

/** Makes rows with names of sums, and looks each name up once. */
export class Names {
  readonly #db: Database
  readonly #names = new Map<string, string>()
  readonly #models = new Map<number, string>()

  constructor(db: Database) {
    this.#db = db
  }

  /** A row for each sum, in the same order. */
  async rows(sums: readonly PeriodSums[], start: Date | null): Promise<readonly UsageRow[]> {
    await this.#lookUp(sums)
    return sums.map(sum => {
      const [user, project, org] = [this.#named(sum.user), this.#named(sum.project), this.#named(sum.org)]
      return {
        key: this.#named(sum.key),
        user: user && { id: user.id, username: user.name },
        project: project && { id: project.id, slug: project.name },
        model: (sum.model !== null && this.#models.get(sum.model)) || null,
        start,
        ...shownCounts(sum),
        organization: org && { id: org.id, slug: org.name },
        team: this.#named(sum.team),
      }
    })
  }

  #named(id: string | null): { readonly id: string; readonly name: string } | null {
    return id === null || id === '' ? null : { id, name: this.#names.get(id) ?? id }
  }

  async #lookUp(sums: readonly PeriodSums[]): Promise<void> {
    if (sums.some(({ model }) => model !== null && !this.#models.has(model))) {
      for (const { id, name } of await this.#db.select().from(models)) this.#models.set(id, name)
    }
    const all = new Set(sums.flatMap(({ key, user, project, org, team }) => [key, user, project, org, team]))
    const unknown = [...all].filter(id => id !== null && id !== '' && !this.#names.has(id))
    if (unknown.length === 0) return
    const ids = unknown as string[]
    const look = async (table: Table, id: Column, name: Column, some: readonly string[]): Promise<void> => {
      if (some.length === 0) return
      for (const row of await this.#db.select({ id, name }).from(table).where(oneOf(id, some)))
        this.#names.set(String(row.id), String(row.name))
    }
    for (const id of ids) this.#names.set(id, id)
    await look(departed, departed.id, departed.name, ids)
    // What lives again has the name that it has now.
    for (const noun of limitedNouns) {
      const mine = ids.filter(id => id.startsWith(`${nouns[noun].prefix}_`))
      await look(tableOf(noun), column(noun, 'id'), column(noun, nouns[noun].label), mine)
    }
  }
}
