// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Limit, LimitState, LimitSubject, Verdict } from '../../contract/views.ts'
import { chances, histories } from '../../testing/chance.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { nameOf } from './input.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Whose a request was when it was made, and what it used; dollars in millionths. */
interface Request {
  readonly key: string
  readonly user: string
  readonly project: string
  /** That owned the project; empty for none. */
  readonly org: string
  /** Those of the organization that the user was in. */
  readonly teams: readonly string[]
  readonly endUser: string
  readonly model: string
  readonly tokens: number
  readonly requests: number
  readonly usd: number
}

/** `n` counts what was recorded before it. */
type Past = Request & { readonly at: number; readonly n: number }
interface Reset {
  readonly at: number
  /** How much was recorded before it. */
  readonly n: number
  readonly held: ReadonlyMap<Width, number>
}
type Held = Request & { readonly from: number; readonly until: number }
type Width = typeof minute | typeof hour | typeof day
type Step = { readonly when: number; readonly run: () => Promise<void> }

const windows = [minute, 5 * minute, hour, 5 * hour, day, 30 * day, 366 * day, minute + 1, 90_001]
// Leap days, ends of years, and changes of the clock in Berlin, New York, Santiago (at midnight) and Lord Howe (by half an hour).
const bases = [
  '2024-02-28T22:10:00Z',
  '2025-12-31T20:00:00Z',
  '2026-03-29T00:30:00Z',
  '2026-04-04T14:40:00Z',
  '2026-04-05T02:30:00Z',
  '2026-09-06T03:30:00Z',
  '2026-10-25T00:00:30Z',
  '2026-11-01T05:30:00Z',
]
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
]
const modelNames = ['', 'gpt-4', 'gpt-4o', 'g[p]t-4', 'mini']
const patterns = ['*', 'gpt-*', 'gpt-4', 'g[p]t-*', 'gpt-?', '*4*', 'none']
const people = ['', 'ann', 'Ann', 'bob']

const floor = (at: number, width: number) => Math.floor(at / width) * width
const ceil = (at: number, width: number) => Math.ceil(at / width) * width

const formats = new Map<string, Intl.DateTimeFormat>()

/** The same for all moments of a calendar period, as clocks on walls show it, and no other. */
function calendarName(period: string, timeZone: string, at: number): string {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
    formats.set(timeZone, format)
  }
  const date = format.format(at)
  if (period === 'day') return date
  return period === 'month' ? date.slice(0, 7) : String(Math.floor((Date.parse(date) / day + 3) / 7))
}

/** Where a window begins that nobody reset. */
function windowStart({ period, windowMs, timeZone }: Limit, at: number): number {
  if (period === 'total') return -Infinity
  if (period === 'rolling') return at - windowMs!
  const name = calendarName(period, timeZone!, at)
  let [before, within] = [floor(at, minute) - 32 * day, floor(at, minute)]
  while (within - before > minute) {
    const middle = floor((before + within) / 2, minute)
    if (calendarName(period, timeZone!, middle) === name) within = middle
    else before = middle
  }
  return within
}

/** What `*` stands for, spelled out. */
const isOf = (pattern: string | null, model: string) =>
  pattern === null || new RegExp(`^${pattern.replace(/[[\]?.]/g, '\\$&').replaceAll('*', '.*')}$`).test(model)

test(`${histories} random histories, of gateways whose clocks differ: every window says what a list of all requests says, and retryAt is exact`, async () => {
  await using home = await temporaryLatchkey()
  const { latchkey, clock } = home
  await using recorder = await latchkey.usage.createRecorder({ flushEvery: 1 })
  for (let seed = 1; seed <= histories; seed++) {
    const draw = chances(seed)
    const base = Date.parse(draw.pick(bases))
    const windowMs = draw.pick(windows)
    const span = draw.pick([minute, windowMs, 3 * windowMs])
    clock.now = new Date(base)
    const chance = (oneIn: number) => draw.whole(1, oneIn) === 1

    const anyLimit = (canBeEach: boolean): Limit => {
      const metric = draw.pick(['tokens', 'tokens', 'tokens', 'requests', 'usd', 'parallel'] as const)
      const period =
        metric === 'parallel'
          ? 'total'
          : draw.pick(['rolling', 'rolling', 'day', 'week', 'month', 'total'] as const)
      const most = { tokens: 600, requests: 12, usd: 600, parallel: 2 }[metric]
      const amount = draw.whole(0, most)
      return {
        metric,
        amount: metric === 'usd' ? amount / 1_000_000 : amount,
        period,
        windowMs: period === 'rolling' ? (chance(3) ? draw.pick(windows) : windowMs) : null,
        timeZone: period === 'rolling' || period === 'total' ? null : draw.pick(zones),
        models: chance(3) ? draw.pick(patterns) : null,
        each: canBeEach && chance(3),
      }
    }
    const someLimits = (least: number, canBeEach: boolean) => {
      const named = new Map<string, Limit>()
      for (let n = draw.whole(least, 3); n > 0; n--) {
        const limit = anyLimit(canBeEach)
        named.set(nameOf(limit), limit)
      }
      return [...named.values()]
    }

    const users: string[] = []
    const projects: string[] = []
    for (const letter of ['a', 'b']) {
      const user = await latchkey.users.create({ username: `${letter}${seed}`, limits: someLimits(0, false) })
      users.push(user.id)
      const project = await latchkey.projects.create({
        name: `${letter}${seed}`,
        owner: user.id,
        limits: someLimits(0, true),
      })
      projects.push(project.id)
    }
    const mine = await latchkey.keys.create({
      name: `mine ${seed}`,
      user: users[0]!,
      project: projects[0]!,
      limits: someLimits(1, true),
    })
    const sibling = await latchkey.keys.create({
      name: `sibling ${seed}`,
      user: users[0]!,
      project: projects[1]!,
    })
    const owners = new Map([
      [mine.id, { key: mine.id, user: users[0]!, project: projects[0]! }],
      [sibling.id, { key: sibling.id, user: users[0]!, project: projects[1]! }],
    ])
    const orgs: string[] = []
    const teams: { readonly id: string; readonly org: string; readonly users: Set<string> }[] = []
    for (const letter of ['a', 'b']) {
      const { id } = await latchkey.organizations.create({ name: `${letter}${seed}`, owner: users[0]! })
      await latchkey.organizations.members.add(id, users[1]!)
      orgs.push(id)
    }
    for (const [letter, org] of [
      ['a', orgs[0]!],
      ['b', orgs[0]!],
      ['c', orgs[1]!],
    ] as const) {
      const { id } = await latchkey.teams.create({ name: letter, org })
      teams.push({ id, org, users: new Set() })
    }
    const shared = [
      ...orgs.map(org => ({ org })),
      ...teams.map(({ id }) => ({ team: id })),
      ...orgs.map(org => ({ org, member: users[0]! })),
      ...projects.map(project => ({ project, member: draw.pick(users) })),
    ]
    for (const subject of shared) {
      const limits = someLimits(0, !('member' in subject))
      if (limits.length > 0) await latchkey.limits.set(subject, limits)
    }
    const ownedBy = new Map(projects.map(project => [project, '']))
    const ownersOf = (keyId: string) => {
      const owner = owners.get(keyId)
      if (owner === undefined) return undefined
      const org = ownedBy.get(owner.project)!
      const isIn = (team: (typeof teams)[number]) => team.org === org && team.users.has(owner.user)
      return { ...owner, org, teams: teams.filter(isIn).map(({ id }) => id) }
    }
    const transfer = async () => {
      const [project, org] = [draw.pick(projects), draw.pick(['', ...orgs])]
      await latchkey.projects.transfer(project, org === '' ? { user: users[0]! } : { org })
      ownedBy.set(project, org)
    }
    const joinOrLeave = async () => {
      const [team, user] = [draw.pick(teams), draw.pick(users)]
      if (team.users.delete(user)) await latchkey.teams.members.remove(team.id, user)
      else {
        await latchkey.teams.members.add(team.id, user)
        team.users.add(user)
      }
    }
    if (chance(2)) await transfer()
    if (chance(2)) await joinOrLeave()
    const past: Past[] = []
    const held = new Map<string, Held>()
    const resets = new Map<string, Reset>()
    const kept = { minutesFrom: 0, hoursFrom: 0 }

    const concerns = (limit: Limit & { subject: LimitSubject; endUser: string | null }, request: Request) =>
      (limit.subject.type === 'team'
        ? request.teams.includes(limit.subject.id)
        : request[limit.subject.type] === limit.subject.id) &&
      (limit.subject.member === null || request.user === limit.subject.member.id) &&
      (!limit.each || request.endUser === limit.endUser) &&
      isOf(limit.models, request.model)
    const sum = ({ metric }: Limit, list: readonly Request[]) =>
      list.reduce((n, each) => n + (metric === 'parallel' ? 0 : each[metric]), 0)
    const stored = ({ metric, amount }: Limit) => (metric === 'usd' ? Math.round(amount * 1_000_000) : amount)
    const shown = ({ metric }: Limit, amount: number) => (metric === 'usd' ? amount / 1_000_000 : amount)
    const resetName = (limit: LimitState) =>
      `${limit.subject.id} ${limit.subject.member?.id} ${nameOf(limit)}`

    /** The end of the minute of a time, or of the hour or day where nothing narrower is kept. */
    const endOf = (at: number) => {
      const end = ceil(at + 1, minute)
      return end <= kept.hoursFrom ? ceil(end, day) : end <= kept.minutesFrom ? ceil(end, hour) : end
    }
    const ahead = 5 * minute
    /** Until when usage counts as of now, by the clock of the gateway. */
    const endAhead = ({ period }: Limit, now: number) => (period === 'total' ? Infinity : endOf(now + ahead))

    /**
     * What counts against a limit at a time, of what is known by `knownAt`; and the least that may, whatever widths are kept.
     */
    const usedOf = (limit: LimitState, at: number, knownAt = at) => {
      const open = [...held.values()].filter(
        each => concerns(limit, each) && each.from <= knownAt + ahead && at < each.until,
      )
      const reserved = limit.metric === 'parallel' ? open.length : sum(limit, open)
      const known = past.filter(each => concerns(limit, each))
      const reset = resets.get(resetName(limit))
      const start = windowStart(limit, at)
      const isReset = reset !== undefined && reset.at <= knownAt
      const from = isReset ? Math.max(reset.at, start) : start
      const edge: Width =
        floor(from, minute) >= kept.minutesFrom ? minute : floor(from, hour) >= kept.hoursFrom ? hour : day
      const isPast = knownAt < clock.now.getTime()
      const until = isPast ? endOf(knownAt) : endAhead(limit, knownAt)
      const booked = sum(
        limit,
        known.filter(each => each.at >= floor(from, edge) && each.at < until),
      )
      const forgiven = isReset && floor(reset.at, edge) === floor(from, edge) ? reset.held.get(edge)! : 0
      const least = known.filter(
        each =>
          (isPast ? each.at <= knownAt : limit.period === 'total' || each.at <= knownAt + ahead) &&
          (limit.period === 'rolling' ? each.at > start : each.at >= start) &&
          !(isReset && (each.at <= reset.at || each.n < reset.n)),
      )
      // Of the past, a reset may have taken away what was dated later.
      const isSure = !(isPast && known.some(each => isReset && each.n < reset.n && each.at > reset.at))
      return {
        used: Math.max(0, booked - forgiven) + reserved,
        reserved,
        least: isSure ? sum(limit, least) + reserved : reserved,
      }
    }

    const checkLimits = (limits: readonly LimitState[], at: number) => {
      for (const limit of limits) {
        const say = `history ${seed}, ${JSON.stringify(limit)} at ${new Date(at).toISOString()}`
        const { used, reserved, least } = usedOf(limit, at)
        expect(limit.used, say).toBe(shown(limit, used))
        expect(limit.reserved, say).toBe(shown(limit, reserved))
        expect(used, say).toBeGreaterThanOrEqual(least)
        expect(limit.remaining, say).toBe(shown(limit, Math.max(0, stored(limit) - used)))
      }
    }

    const checkAsked = async (at: number) => {
      const wanted = {
        tokens: draw.whole(0, 30),
        requests: draw.whole(0, 2),
        usd: draw.whole(0, 30) / 1_000_000,
      }
      const model = draw.pick(modelNames) || undefined
      const endUser = draw.pick([...people, 'nobody yet']) || undefined
      const ask = (moment: number): Promise<Verdict> =>
        latchkey.keys.verify(mine.secret!, { at: new Date(moment), wanted, model, endUser })
      const verdict = await ask(at)
      const say = `history ${seed}: ${new Date(at).toISOString()}, ${model} ${endUser} ${JSON.stringify(verdict)}`
      const all = await latchkey.limits.list({ key: mine.id })
      const binds = all.filter(
        ({ each, models }) =>
          (!each || endUser !== undefined) &&
          (models === null || (model !== undefined && isOf(models, model))),
      )
      expect(verdict.limits.map(resetName), say).toEqual(binds.map(resetName))
      expect(
        verdict.limits.map(limit => limit.endUser),
        say,
      ).toEqual(binds.map(({ each }) => (each ? endUser! : null)))
      checkLimits(verdict.limits, at)
      const needed = (limit: Limit) =>
        limit.metric === 'parallel'
          ? 1
          : Math.max(1, limit.metric === 'usd' ? Math.round(wanted.usd * 1e6) : wanted[limit.metric])
      const fits = (limit: LimitState, moment: number) =>
        stored(limit) - usedOf(limit, moment, at).used >= needed(limit)
      expect(verdict.valid, say).toBe(verdict.limits.every(limit => fits(limit, at)))
      for (const limit of verdict.limits) {
        expect(limit.exceeded, say).toBe(!fits(limit, at))
        const then = limit.retryAt?.getTime()
        if (then !== undefined) expect([fits(limit, then - 1), fits(limit, then)], say).toEqual([false, true])
        else if (limit.exceeded) expect(fits(limit, at + 3_000 * day), say).toBe(false)
      }
      const then = verdict.retryAt?.getTime()
      const latest = Math.max(...past.map(each => each.at), ...[...held.values()].map(each => each.from))
      // What another gateway did in the future of this one becomes known only then.
      const isKnown = latest <= at + ahead && [...resets.values()].every(reset => reset.at <= at)
      if (then !== undefined && at === clock.now.getTime() && isKnown) {
        expect([(await ask(then - 1)).valid, (await ask(then)).valid], say).toEqual([false, true])
      } else if (!verdict.valid && then === undefined) {
        expect(
          verdict.limits.some(limit => limit.exceeded && limit.retryAt === null),
          say,
        ).toBe(true)
      }
    }

    const check = async () => {
      const at = clock.now.getTime()
      await checkAsked(at)
      for (const subject of [
        { key: mine.id },
        ...users.map(user => ({ user })),
        ...projects.map(project => ({ project })),
        ...shared,
      ]) {
        const limits = await latchkey.limits.list(subject)
        checkLimits(limits, at)
      }
      for (const limit of (await latchkey.keys.stats(mine.id, { days: 1 })).limits) {
        const left = (moment: number) =>
          shown(limit, Math.max(0, stored(limit) - usedOf(limit, moment, at).used))
        for (const { at: free, remaining } of limit.frees) {
          const say = `history ${seed}, ${JSON.stringify(limit)} frees ${free.toISOString()}`
          expect(left(free.getTime()), say).toBe(remaining)
          expect(left(free.getTime() - 1), say).toBeLessThan(remaining)
        }
        const isAllBack = left(at + 3_000 * day) === limit.amount && limit.remaining < limit.amount
        expect(limit.frees.at(-1)?.remaining === limit.amount, JSON.stringify(limit)).toBe(isAllBack)
      }
      if (chance(3)) await checkAsked(at - draw.whole(0, 2 * windowMs))
    }

    const anyRequest = (owner: Pick<Request, 'key' | 'user' | 'project' | 'org' | 'teams'>) => ({
      ...owner,
      endUser: draw.pick(people),
      model: draw.pick(modelNames),
      tokens: draw.whole(0, 60),
      requests: draw.whole(0, 2),
      usd: draw.whole(0, 60),
    })
    const eventOf = ({ endUser, model, tokens, requests, usd }: Request) => ({
      endUser: endUser === '' ? undefined : endUser,
      model: model === '' ? undefined : model,
      inputTokens: tokens,
      requests,
      costUsd: usd / 1_000_000,
    })

    const record = async (keyId: string, at: number) => {
      const owner = ownersOf(keyId)
      if (owner === undefined) return
      const request = anyRequest(owner)
      const event = eventOf(request)
      if (chance(2)) await latchkey.usage.record(keyId, { ...event, at: new Date(at) })
      else if (chance(4)) {
        const line = JSON.stringify({
          ...event,
          key: keyId,
          at: new Date(at).toISOString(),
          id: `e${seed}-${past.length}`,
        })
        const file = join(home.folder, 'events.ndjson')
        writeFileSync(file, line)
        await latchkey.usage.ingest({ file })
      } else await recorder.ingest([{ ...event, key: keyId, at: new Date(at).toISOString() }])
      past.push({ ...request, at, n: past.length })
    }

    const reserve = async (timeoutMs: number) => {
      const request = anyRequest(ownersOf(mine.id)!)
      const from = clock.now.getTime()
      const { tokens, requests, usd } = request
      const { endUser, model } = eventOf(request)
      const { reservation, verdict } = await latchkey.usage.reserve(mine.id, {
        tokens,
        requests,
        usd: usd / 1_000_000,
        endUser,
        model,
        timeoutMs,
      })
      expect(verdict.valid).toBe(reservation !== null)
      if (reservation === null) return
      held.set(reservation.id, { ...request, from, until: from + timeoutMs })
      if (chance(3)) return
      clock.now = new Date(from + draw.whole(0, 3 * minute))
      if (chance(2)) {
        const used = {
          ...request,
          ...anyRequest({ key: mine.id, user: '', project: '', org: '', teams: [] }),
        }
        const { user, project, org, teams, endUser } = request
        const settled = { ...used, user, project, org, teams, endUser }
        await latchkey.usage.settle(reservation.id, { ...eventOf(settled), endUser: undefined })
        past.push({ ...settled, at: clock.now.getTime(), n: past.length })
      } else await latchkey.usage.release(reservation.id)
      held.delete(reservation.id)
    }

    const move = async () => {
      const [id, owner] = draw.pick([...owners])
      const moved = {
        ...owner,
        ...(chance(2) ? { user: draw.pick(users) } : { project: draw.pick(projects) }),
      }
      await latchkey.keys.update(id, { user: moved.user, project: moved.project })
      owners.set(id, moved)
    }

    const reset = async () => {
      const at = clock.now.getTime()
      const subject = draw.pick([{ key: mine.id }, { user: users[0]! }, { project: projects[0]! }, ...shared])
      const metric = chance(3) ? ('tokens' as const) : undefined
      const list = await latchkey.limits.reset(subject, { metric }).catch(error => {
        // There may be none.
        if (error instanceof LatchkeyError && error.code === 'conflict') return []
        throw error
      })
      for (const limit of list) {
        if (metric !== undefined && limit.metric !== metric) continue
        expect(limit.used).toBe(limit.reserved)
        const within = (width: Width) =>
          sum(
            limit,
            past.filter(
              each => concerns(limit, each) && each.at >= floor(at, width) && each.at < endAhead(limit, at),
            ),
          )
        resets.set(resetName(limit), {
          at,
          n: past.length,
          held: new Map(([minute, hour, day] as const).map(width => [width, within(width)])),
        })
      }
    }

    const compact = async () => {
      const minutesForMs = draw.pick([hour, hour, day])
      const hoursForMs = Math.max(minutesForMs, draw.pick([hour, day, 30 * day]))
      await latchkey.usage.compact({ minutesForMs, hoursForMs })
      const now = clock.now.getTime()
      kept.minutesFrom = Math.max(kept.minutesFrom, floor(now - minutesForMs, hour))
      kept.hoursFrom = Math.max(kept.hoursFrom, floor(now - hoursForMs, day))
      for (const [id, { until }] of held) if (until < now - day) held.delete(id)
    }

    const steps: Step[] = []
    const boundaries: number[] = []
    const plan = (when: number, run: () => Promise<void>) => steps.push({ when, run })
    const sometime = () => base + draw.whole(0, span)
    for (let n = draw.whole(0, 14); n > 0; n--) {
      const when = sometime()
      const late = chance(5) ? draw.whole(0, draw.pick([2 * hour, 2 * windowMs])) : 0
      const at = when - late
      plan(when, () => record(chance(4) ? sibling.id : mine.id, clock.now.getTime() - late))
      boundaries.push(
        when,
        at + windowMs,
        at + windowMs + draw.whole(-minute, minute),
        ceil(at, minute),
        ceil(at, hour),
        ceil(at, day),
      )
    }
    for (let n = draw.whole(0, 4); n > 0; n--) {
      const when = sometime()
      const timeoutMs = draw.whole(1, 2 * minute)
      plan(when, () => reserve(timeoutMs))
      boundaries.push(when, when + timeoutMs, when + timeoutMs - 1)
    }
    for (let n = draw.whole(0, 2); n > 0; n--) plan(sometime(), move)
    for (let n = draw.whole(0, 2); n > 0; n--) plan(sometime(), transfer)
    for (let n = draw.whole(0, 2); n > 0; n--) plan(sometime(), joinOrLeave)
    if (chance(3)) {
      plan(sometime(), async () => {
        await latchkey.keys.delete(sibling.id)
        owners.delete(sibling.id)
      })
    }
    for (let n = draw.whole(0, 2); n > 0; n--) {
      const when = sometime()
      plan(when, reset)
      boundaries.push(
        when,
        when + 1,
        when + windowMs,
        when + windowMs - 1,
        ceil(when + 1, minute) + windowMs,
        ceil(when + 1, hour),
        ceil(when + 1, day),
      )
    }
    for (let n = draw.whole(0, 2); n > 0; n--) plan(base + draw.whole(0, 2 * span), compact)
    for (let n = 0; n < 3; n++) boundaries.push(base + draw.whole(0, 4 * windowMs))
    while (boundaries.length > 8) boundaries.splice(draw.whole(0, boundaries.length - 1), 1)
    for (const when of boundaries) if (when >= base) plan(when, check)
    // Some gateways are ahead or behind, by more than is tolerated too; or the clock was set.
    const skews = chance(2) ? [0] : [0, 0, draw.whole(-ahead, ahead), draw.whole(-2 * ahead, 2 * ahead)]
    let now = base
    for (const { when, run } of steps.toSorted((a, b) => a.when - b.when)) {
      const skew = draw.pick(skews)
      now = Math.max(when, now)
      clock.now = new Date(now + skew)
      await run()
      now = clock.now.getTime() - skew
    }
    // The next history begins earlier, and compaction looks at all there is.
    for (const table of ['minutes', 'hours', 'days', 'reservations']) await home.query(`DELETE FROM ${table}`)
    await home.query('UPDATE retention SET minutes_from = 0, hours_from = 0')
  }
}, 3_600_000)

test('a limit counts input and output tokens, requests, and dollars to the millionth', async () => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  const { secret } = await latchkey.keys.create({
    name: 'ci',
    limits: [
      { metric: 'usd', amount: 0.000003, windowMs: hour },
      { metric: 'tokens', amount: 100, windowMs: hour },
      { metric: 'requests', amount: 5, windowMs: hour },
      { metric: 'tokens', amount: 50, windowMs: minute },
    ],
  })
  await latchkey.usage.record('ci', { inputTokens: 10, outputTokens: 5, requests: 2, costUsd: 0.000001 })
  const { limits } = await latchkey.keys.verify(secret!)
  expect(limits.map(limit => [limit.metric, limit.windowMs, limit.used, limit.remaining])).toEqual([
    ['tokens', minute, 15, 35],
    ['tokens', hour, 15, 85],
    ['requests', hour, 2, 3],
    ['usd', hour, 0.000001, 0.000002],
  ])
})

test('tokens that came with an import, without a split, count as all others', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const key = 'pk_of_an_old_gateway'
  const usage_windows = [{ window_start: '2026-11-20T11:50:00Z', tokens_used: 60 }]
  const entry = { key, name: 'Old', token_limit_per_5h: 100, total_lifetime_tokens: 60, usage_windows }
  const bytes = new TextEncoder().encode(JSON.stringify({ keys: [entry] }))
  await home.latchkey.imports.glmProxy({ file: 'apikeys.json', bytes })
  await home.latchkey.usage.record('Old', { inputTokens: 10, outputTokens: 5 })
  const verdict = await home.latchkey.keys.verify(key, { wanted: { tokens: 26 } })
  expect(verdict).toMatchObject({ valid: false, limits: [{ used: 75, remaining: 25 }] })
})

test('a request is denied when nothing is left, or less than it asks for, and told when to come back', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { latchkey } = home
  const { secret } = await latchkey.keys.create({
    name: 'ci',
    limits: [{ metric: 'tokens', amount: 100, windowMs: hour }],
  })
  await latchkey.usage.record('ci', { inputTokens: 40, at: new Date('2026-11-20T11:20:59Z') })
  await latchkey.usage.record('ci', { inputTokens: 50, at: new Date('2026-11-20T11:50:00Z') })
  const ask = (tokens: number) => latchkey.keys.verify(secret!, { wanted: { tokens } })
  expect(await ask(10)).toMatchObject({ valid: true, code: 'valid', retryAt: null })
  expect(await ask(11)).toMatchObject({ code: 'limit_exceeded', retryAt: new Date('2026-11-20T12:21:00Z') })
  expect(await ask(51)).toMatchObject({ code: 'limit_exceeded', retryAt: new Date('2026-11-20T12:51:00Z') })
  expect(await ask(101)).toMatchObject({ code: 'limit_exceeded', retryAt: null })
})

test('who hit two limits is told to come back when both let the request through', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { keys, usage } = home.latchkey
  const { secret } = await keys.create({
    name: 'ci',
    limits: [
      { metric: 'tokens', amount: 100, windowMs: hour },
      { metric: 'requests', amount: 1, windowMs: 5 * hour },
    ],
  })
  await usage.record('ci', { requests: 1, inputTokens: 100 })
  const verdict = await keys.verify(secret!, { wanted: { tokens: 1, requests: 1 } })
  expect(verdict.limits.map(({ exceeded }) => exceeded)).toEqual([true, true])
  expect(verdict.retryAt).toEqual(new Date('2026-11-20T17:01:00Z'))
})

test('what was used a moment ago counts when a reservation ends, if its minute is still in the window', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:10Z')
  const { keys, usage } = home.latchkey
  const limits = [{ metric: 'tokens' as const, amount: 100, windowMs: minute }]
  const { secret } = await keys.create({ name: 'ci', limits })
  await usage.record('ci', { inputTokens: 50 })
  await usage.reserve('ci', { tokens: 50, timeoutMs: 80_000 })
  const { retryAt } = await keys.verify(secret!, { wanted: { tokens: 60 } })
  expect(retryAt).toEqual(new Date('2026-11-20T12:02:00Z'))
  expect((await keys.verify(secret!, { at: retryAt!, wanted: { tokens: 60 } })).valid).toBe(true)
})

test('a limit of 0 allows nothing, ever', async () => {
  await using home = await temporaryLatchkey()
  const { secret } = await home.latchkey.keys.create({
    name: 'ci',
    limits: [{ metric: 'requests', amount: 0, windowMs: hour }],
  })
  expect(await home.latchkey.keys.verify(secret!)).toMatchObject({ code: 'limit_exceeded', retryAt: null })
})

test('a bucket that starts exactly at a reset is forgiven what came before, and only as long as it counts', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { keys, limits, usage } = home.latchkey
  const { secret } = await keys.create({
    name: 'ci',
    limits: [{ metric: 'tokens', amount: 100, windowMs: 5 * hour }],
  })
  const at = home.clock.now.getTime()
  await usage.record('ci', { inputTokens: 60 })
  await limits.reset({ key: 'ci' })
  home.clock.now = new Date(at + 30_000)
  await usage.record('ci', { inputTokens: 50 })
  home.clock.now = new Date(at + 5 * minute)
  await usage.record('ci', { inputTokens: 30 })
  const wanting = async (tokens: number) => keys.verify(secret!, { wanted: { tokens } })
  expect((await wanting(20)).valid).toBe(true)
  expect((await wanting(21)).retryAt).toEqual(new Date(at + minute + 5 * hour))
  // With what was forgiven gone, the second bucket counts in full.
  expect((await wanting(80)).retryAt).toEqual(new Date(at + 6 * minute + 5 * hour))
})

const budget = [
  { metric: 'requests', amount: 3, windowMs: hour },
  { metric: 'requests', amount: 3, period: 'day' },
  { metric: 'requests', amount: 3, period: 'total' },
] as const

test.each([
  ['half a minute', -31_000],
  ['five minutes', -5 * minute],
  ['an hour', -hour],
  ['a day', -day],
])('after the clock was set back by %s, what was used still counts', async (_, back) => {
  await using home = await temporaryLatchkey('2026-11-20T12:10:30Z')
  const { clock, latchkey } = home
  const { secret } = await latchkey.keys.create({ name: 'ci', limits: budget })
  await latchkey.usage.record('ci', { requests: 3 })
  clock.now = new Date(clock.now.getTime() + back)
  // Further back, windows are those of another time; a total has only one.
  const isUsed = [back >= -5 * minute, back >= -5 * minute, true]
  const used = isUsed.map(is => (is ? 3 : 0))
  const verdict = await latchkey.keys.verify(secret!)
  expect(verdict.limits.map(limit => limit.used)).toEqual(used)
  expect(verdict.limits.map(limit => limit.exceeded)).toEqual(isUsed)
  const listed = await latchkey.limits.list({ key: 'ci' })
  expect(listed.map(limit => limit.used)).toEqual(used)
  expect((await latchkey.keys.stats('ci')).limits.map(limit => limit.used)).toEqual(used)
  expect((await latchkey.keys.explain('ci')).limits.map(limit => limit.used)).toEqual(used)
  expect((await latchkey.usage.reserve('ci')).reservation).toBe(null)
  expect((await latchkey.keys.list({ overPercent: 100 })).map(({ name }) => name)).toEqual(['ci'])
  // Asked about a moment in the past, it is what was used by then.
  const before = await latchkey.keys.verify(secret!, { at: new Date(clock.now.getTime() - 1) })
  expect(before.limits.map(limit => limit.used)).toEqual([0, 0, 0])
})

test.each([
  ['a day', { period: 'day' }],
  ['all time', { period: 'total' }],
  ['the last hours', { windowMs: 5 * hour }],
] as const)('gateways whose clocks differ share one budget for %s', async (_, window) => {
  await using home = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const { clock, latchkey } = home
  const { secret } = await latchkey.keys.create({
    name: 'ci',
    limits: [{ metric: 'requests', amount: 10, ...window }],
  })
  const begin = clock.now.getTime()
  let allowed = 0
  for (let second = 0; second < 300; second += 20) {
    for (const ahead of [290_000, 40_000, 0]) {
      clock.now = new Date(begin + second * 1_000 + ahead)
      if (!(await latchkey.keys.verify(secret!)).valid) continue
      await latchkey.usage.record('ci', { requests: 1 })
      allowed++
    }
  }
  expect(allowed).toBe(10)
})

test('a reset takes away what a gateway has used whose clock is ahead, and nothing that is used afterwards', async () => {
  await using home = await temporaryLatchkey('2026-11-20T12:10:30Z')
  const { clock, latchkey } = home
  const { secret } = await latchkey.keys.create({ name: 'ci', limits: budget })
  const now = clock.now.getTime()
  const record = async (ahead: number) => {
    clock.now = new Date(now + ahead)
    await latchkey.usage.record('ci', { requests: 1 })
    clock.now = new Date(now)
  }
  for (const ahead of [0, 2 * minute, 400 * day]) await record(ahead)
  const used = async () => (await latchkey.keys.verify(secret!)).limits.map(limit => limit.used)
  expect(await used()).toEqual([2, 2, 3])
  const reset = await latchkey.limits.reset({ key: 'ci' })
  expect(reset.map(limit => limit.used)).toEqual([0, 0, 0])
  expect(await used()).toEqual([0, 0, 0])
  for (const ahead of [0, 2 * minute]) await record(ahead)
  expect(await used()).toEqual([2, 2, 2])
  // Of a moment between them, what was taken away of later minutes is no credit.
  clock.now = new Date(now + minute)
  const between = await latchkey.keys.verify(secret!, { at: new Date(now) })
  for (const { used } of between.limits) expect(used).toBeGreaterThanOrEqual(0)
})
