import { describe, expect, test } from 'bun:test'
import type { KeepPolicy } from './input.ts'
import type { Manifest, StoredBackup } from './manifest.ts'
import { locate } from './places/locate.ts'
import { decide, requirePolicy } from './policy.ts'

const location = locate({}, '/backups')
const hash = '0'.repeat(64)

function stored(at: string, more: Partial<Manifest> = {}): StoredBackup {
  const createdAt = new Date(at.length === 10 ? `${at}T03:00:00Z` : at)
  return {
    location,
    manifest: {
      format: 'latchkey-backup',
      formatVersion: 2,
      auditHead: null,
      erased: [],
      id: `bak_${at}`,
      file: `${at}.db`,
      createdAt,
      database: null,
      reason: 'manual',
      sizeBytes: 1,
      rawSizeBytes: 1,
      sha256: hash,
      rawSha256: hash,
      compression: 'none',
      encrypted: false,
      schemaVersion: 1,
      schemaHash: hash,
      migrationHead: null,
      pageSize: 4096,
      programVersion: '0.1.0',
      rows: {},
      verifiedAt: null,
      failure: null,
      ...more,
    },
  }
}

const newestFirst = (backups: readonly StoredBackup[]) =>
  backups.toSorted((a, b) => b.manifest.createdAt.getTime() - a.manifest.createdAt.getTime())
const now = new Date('2026-11-21T12:00:00Z')
const kept = (policy: KeepPolicy, backups: readonly StoredBackup[], zone = 'UTC') =>
  decide(policy, newestFirst(backups), now, zone)
    .filter(({ keep }) => keep)
    .map(({ stored }) => stored.manifest.id.slice(4))
const because = (policy: KeepPolicy, backups: readonly StoredBackup[]) =>
  Object.fromEntries(
    decide(policy, newestFirst(backups), now, 'UTC').map(({ stored, because }) => [
      stored.manifest.id.slice(4),
      because,
    ]),
  )

/** One at 03:00 for each of so many days back from 20 November. */
const daily = (days: number) =>
  Array.from({ length: days }, (_, n) =>
    stored(new Date(Date.UTC(2026, 10, 20 - n)).toISOString().slice(0, 10)),
  )

describe("restic's rules", () => {
  test.each<[string, KeepPolicy, readonly string[]]>([
    ['the last ones', { last: 2 }, ['2026-11-20', '2026-11-19']],
    ['all of them', { last: Number.POSITIVE_INFINITY }, daily(12).map(each => each.manifest.id.slice(4))],
    ['days', { daily: 3 }, ['2026-11-20', '2026-11-19', '2026-11-18']],
    // 20 November 2026 is a Friday: the newest of a whole week is its Sunday.
    ['weeks, from Monday', { weekly: 2 }, ['2026-11-20', '2026-11-15']],
    ['months, and the oldest while some are left', { monthly: 3 }, ['2026-11-20', '2026-11-09']],
    ['years, and the oldest', { yearly: 5 }, ['2026-11-20', '2026-11-09']],
    ['a rule and another', { last: 1, weekly: 2 }, ['2026-11-20', '2026-11-15']],
    ['within, seen from the newest', { withinMs: 2 * 86_400_000 }, ['2026-11-20', '2026-11-19']],
  ])('keep %s', (_, policy, expected) => {
    expect(kept(policy, daily(12))).toEqual([...expected])
  })

  test('of one day the newest is kept, and an hour counts as its zone has it', () => {
    const backups = [
      stored('2026-11-19T22:30:00Z'),
      stored('2026-11-19T23:30:00Z'),
      stored('2026-11-20T00:30:00Z'),
      stored('2026-11-18T12:00:00Z'),
    ]
    expect(kept({ daily: 2 }, backups)).toEqual(['2026-11-20T00:30:00Z', '2026-11-19T23:30:00Z'])
    expect(kept({ daily: 2 }, backups, 'Europe/Berlin')).toEqual([
      '2026-11-20T00:30:00Z',
      '2026-11-19T22:30:00Z',
    ])
    expect(kept({ hourly: 2 }, backups)).toEqual(['2026-11-20T00:30:00Z', '2026-11-19T23:30:00Z'])
  })

  test('the week of the year end is one week', () => {
    expect(kept({ weekly: 1 }, [stored('2026-01-01'), stored('2025-12-31'), stored('2025-12-28')])).toEqual([
      '2026-01-01',
    ])
    expect(kept({ weekly: 2 }, [stored('2026-01-01'), stored('2025-12-31'), stored('2025-12-28')])).toEqual([
      '2026-01-01',
      '2025-12-28',
    ])
  })

  test('one from the future makes nothing old', () => {
    const future = stored('2031-01-01')
    expect(kept({ withinMs: 86_400_000 * 1.5 }, [future, ...daily(3)])).toEqual([
      '2031-01-01',
      '2026-11-20',
      '2026-11-19',
    ])
  })

  test('a gap of months is no reason to forget what is before it', () => {
    expect(kept({ daily: 2 }, [stored('2026-11-20'), stored('2026-02-01'), stored('2026-01-31')])).toEqual([
      '2026-11-20',
      '2026-02-01',
    ])
  })
})

describe('never removed', () => {
  const failure = { at: now, problem: 'rot' }
  const verifiedAt = now

  test('is the newest good one and the newest verified one', () => {
    const backups = [
      stored('2026-11-20', { failure }),
      stored('2026-11-19'),
      stored('2026-11-18', { verifiedAt }),
      stored('2026-11-17', { verifiedAt }),
    ]
    expect(because({ withinMs: 1 }, backups)).toEqual({
      '2026-11-20': ['failed its verification'],
      '2026-11-19': ['within', 'newest good one'],
      '2026-11-18': ['newest verified one'],
      '2026-11-17': ['no rule keeps it'],
    })
  })

  test('is anything while none is known to be good', () => {
    const backups = daily(3).map(({ manifest }) => stored(manifest.id.slice(4), { failure }))
    expect(kept({ last: 1 }, backups)).toHaveLength(3)
  })

  test('is a safety copy younger than 7 days, which takes no place from the others', () => {
    const backups = [
      stored('2026-11-20T10:00:00Z', { reason: 'pre-restore' }),
      stored('2026-11-20T03:00:00Z'),
      stored('2026-11-14T12:00:01Z', { reason: 'pre-migrate' }),
      stored('2026-11-14T12:00:00Z', { reason: 'pre-restore' }),
    ]
    expect(because({ last: 1, daily: 1 }, backups)).toEqual({
      '2026-11-20T10:00:00Z': ['safety copy younger than 7 days'],
      '2026-11-20T03:00:00Z': ['last', 'daily', 'newest good one'],
      '2026-11-14T12:00:01Z': ['safety copy younger than 7 days'],
      '2026-11-14T12:00:00Z': ['no rule keeps it'],
    })
  })

  test('a failed one fills no place', () => {
    const backups = [stored('2026-11-20', { failure }), stored('2026-11-19'), stored('2026-11-18')]
    expect(kept({ daily: 2 }, backups)).toEqual(['2026-11-19', '2026-11-18'])
  })
})

test.each<[KeepPolicy | undefined, KeepPolicy | undefined]>([
  [undefined, undefined],
  [{}, {}],
  [{ last: undefined }, undefined],
])('a policy that keeps nothing is refused: %p', (given, configured) => {
  expect(() => requirePolicy(given, configured)).toThrow(
    expect.objectContaining({ code: 'usage', hint: expect.stringContaining('--keep-daily') }),
  )
})

test.each<KeepPolicy>([{ last: 0 }, { daily: -1 }, { weekly: 1.5 }, { withinMs: 0 }])(
  'a policy of %p is invalid',
  policy => {
    expect(() => requirePolicy(policy, { last: 1 })).toThrow(expect.objectContaining({ code: 'invalid' }))
  },
)

test('rules that are given take the place of all that are configured', () => {
  expect(requirePolicy({ last: 1 }, { daily: 7 })).toEqual({ last: 1 })
  expect(requirePolicy({}, { daily: 7 })).toEqual({ daily: 7 })
})
