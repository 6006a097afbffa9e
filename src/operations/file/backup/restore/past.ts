/**
 * Who belonged where when something was deleted, as the audit log tells since the backup. What comes back has no more members,
 * accounts and open invitations than it had then.
 */
import { type Noun, nouns } from '../../../../contract/nouns.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { isRecord } from '../../../../formats/fields.ts'
import { stored } from '../../../nouns.ts'
import { memberTables } from '../../../people/held.ts'
import { isDeletion, narrowedRole, type View, viewIn } from './narrow.ts'

/** Something went, left every place, or was there again. */
interface Turn {
  readonly id: string
  readonly is: 'gone' | 'leaving' | 'back'
  readonly had: Had
}

/** What it had when it went. Of what is not told, there was nothing. */
interface Had {
  /** Roles by place and user; null in what has no roles. */
  readonly roles: ReadonlyMap<string, string | null>
  /** When each last changed, by issuer and id there. */
  readonly accounts: ReadonlyMap<string, number>
  readonly invitations: ReadonlySet<string>
}

export class Past {
  readonly #client: Client
  readonly #turns: readonly Turn[]
  readonly #turnsOf: ReadonlyMap<string, readonly number[]>

  /** @param client with the backup attached as `backup` */
  constructor(client: Client) {
    this.#client = client
    const told = client
      .query(
        `SELECT action, target_type AS noun, target_id AS id, before, after FROM main.audit
         WHERE (action LIKE '%.restore' OR action = 'user.offboard' OR
           target_type IN (SELECT value FROM json_each(?)) AND (action LIKE '%.delete' OR action LIKE '%.undo-import'))
         AND id NOT IN (SELECT id FROM backup.audit) ORDER BY seq`,
      )
      .all(JSON.stringify(['user', ...memberTables.map(({ noun }) => noun)])) as Told[]
    this.#turns = told.flatMap(turnsIn)
    const turnsOf = new Map<string, number[]>()
    for (const [n, { id }] of this.#turns.entries()) {
      const some = turnsOf.get(id)
      if (some) some.push(n)
      else turnsOf.set(id, [n])
    }
    this.#turnsOf = turnsOf
  }

  /**
   * Takes from a thing that was brought back what had been lost when it, or who belongs to it, was deleted.
   *
   * @returns what was taken, as in `wordFor`
   */
  narrow(noun: Noun, id: string): readonly string[] {
    const had = this.#of(id).findLast(({ is }) => is === 'gone')?.had
    return [
      ...(this.#narrowMembers(noun, id) ? [noun === 'user' ? 'memberships' : 'members'] : []),
      ...(noun === 'user' && had ? this.#narrowAccounts(id, had) : []),
      ...(noun === 'org' && had && this.#narrowInvitations(id, had) ? ['invitations'] : []),
    ]
  }

  #narrowMembers(noun: Noun, thing: string): boolean {
    let fewer = false
    for (const { table, column, noun: place, of, hasRole } of memberTables) {
      if (noun !== 'user' && noun !== place) continue
      const { goesWith } = stored[place]
      const members = this.#client
        .query(
          `SELECT "${of}" AS place, "${column}" AS user, ${hasRole ? 'role' : 'NULL'} AS role,
             (SELECT ${goesWith === null ? 'NULL' : `"${goesWith}"`} FROM main."${nouns[place].plural}" t WHERE t.id = m."${of}") AS owner
           FROM main."${table}" m WHERE "${noun === 'user' ? column : of}" = ?`,
        )
        .all(thing) as Member[]
      for (const member of members) {
        const { place, user, role } = member
        const known = this.#roleOf(member)
        const now = role === null || known == null ? known : narrowedRole(role, known)
        if (now === role) continue
        fewer = true
        const where = `WHERE "${of}" = ?1 AND "${column}" = ?2`
        if (now == null) this.#client.query(`DELETE FROM main."${table}" ${where}`).run(place, user)
        else this.#client.query(`UPDATE main."${table}" SET role = ?3 ${where}`).run(place, user, now)
      }
    }
    return fewer
  }

  /** The last role that somebody had in a place, while both were there; undefined if none. */
  #roleOf({ place, user, owner, role: then }: Member): string | null | undefined {
    let role: string | null | undefined = then
    if (owner !== null && !this.#isIn(owner, user)) return undefined
    const chain = [place, user, ...(owner === null ? [] : [owner])]
    const turns = chain.flatMap(id => this.#turnsOf.get(id) ?? []).sort((a, b) => a - b)
    const gone = new Set<string>()
    for (const n of turns) {
      const turn = this.#turns[n]
      if (turn === undefined) continue
      // What is deleted was there.
      gone.delete(turn.id)
      if (turn.is === 'leaving' || (turn.is === 'gone' && gone.size === 0))
        role = turn.had.roles.get(keyOf(place, user))
      if (turn.is !== 'gone') continue
      gone.add(turn.id)
      if (turn.id === owner) gone.add(place)
    }
    return role
  }

  /** Whether a user is a member of the organization of a team. */
  #isIn(organization: string, user: string): boolean {
    const sql = 'SELECT 1 FROM main.organization_members WHERE organization_id = ? AND user_id = ?'
    return this.#client.query(sql).get(organization, user) !== null
  }

  #narrowAccounts(user: string, { accounts }: Had): readonly string[] {
    const taken = new Set<string>()
    const ways = this.#client
      .query(
        'SELECT id, issuer, account_id AS accountId, password IS NOT NULL AS isPassword, updated_at AS updatedAt FROM main.accounts WHERE user_id = ?',
      )
      .all(user) as { id: string; issuer: string; accountId: string; isPassword: number; updatedAt: number }[]
    for (const { id, issuer, accountId, isPassword, updatedAt } of ways) {
      const changed = accounts.get(keyOf(issuer, accountId))
      // Other accounts change with every token.
      if (changed !== undefined && (isPassword === 0 || changed === updatedAt)) continue
      taken.add(isPassword === 1 ? 'password' : 'accounts')
      this.#client.query('DELETE FROM main.accounts WHERE id = ?').run(id)
    }
    return [...taken]
  }

  #narrowInvitations(organization: string, { invitations }: Had): boolean {
    const { changes } = this.#client
      .query(
        `UPDATE main.invitations SET status = 'canceled'
         WHERE organization_id = ?1 AND status = 'pending' AND id NOT IN (SELECT value FROM json_each(?2))`,
      )
      .run(organization, JSON.stringify([...invitations]))
    return changes > 0
  }

  #of(id: string): readonly Turn[] {
    return (this.#turnsOf.get(id) ?? []).flatMap(n => this.#turns[n] ?? [])
  }
}

interface Member {
  readonly place: string
  readonly user: string
  readonly role: string | null
  /** What the place goes with. */
  readonly owner: string | null
}

interface Told {
  readonly action: string
  readonly noun: string
  readonly id: string
  readonly before: string | null
  readonly after: string | null
}

function turnsIn({ action, noun, id, ...told }: Told): readonly Turn[] {
  const before = viewIn(told.before)
  const after = viewIn(told.after)
  if (action.endsWith('.restore'))
    return [
      { id, is: 'back', had: nothing },
      ...recordsIn(after['touched']).map((touched): Turn => {
        const { had } = touched
        const it = String(touched['id'])
        return isRecord(had)
          ? { id: it, is: 'gone', had: hadIn(it, had) }
          : { id: it, is: 'back', had: nothing }
      }),
    ]
  // Who is deleted with all that they have tells of it when that happens.
  if (action === 'user.offboard')
    return noun === 'user' && after['action'] !== 'deleted' ? [{ id, is: 'leaving', had: nothing }] : []
  if (isDeletion(noun, action, id, before, told.after)) return [{ id, is: 'gone', had: hadIn(id, before) }]
  // An import tells of a team what it tells of the parts of an organization.
  const { team } = before
  return told.after === null && isRecord(team) && typeof team['id'] === 'string'
    ? [{ id: team['id'], is: 'gone', had: hadIn(team['id'], team) }]
    : []
}

const nothing: Had = { roles: new Map(), accounts: new Map(), invitations: new Set() }

const hadIn = (id: string, view: View): Had => ({
  roles: new Map([
    ...recordsIn(view['memberships']).map(
      each =>
        [keyOf(each['id'], each['user'] ?? id), each['role'] === null ? null : String(each['role'])] as const,
    ),
    // A project shows its members.
    ...recordsIn(view['members']).flatMap(({ user, role }) =>
      isRecord(user) ? [[keyOf(id, user['id']), String(role)] as const] : [],
    ),
  ]),
  accounts: new Map(
    recordsIn(view['accounts']).map(each => [
      keyOf(each['issuer'], each['accountId']),
      Date.parse(String(each['updatedAt'])),
    ]),
  ),
  invitations: new Set(recordsIn(view['invitations']).map(each => String(each['id']))),
})

const recordsIn = (list: unknown): readonly View[] => (Array.isArray(list) ? list.filter(isRecord) : [])

const keyOf = (...parts: readonly unknown[]): string => JSON.stringify(parts)
