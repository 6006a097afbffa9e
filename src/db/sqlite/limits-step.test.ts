/** The step that gives usage to organizations and teams, and its way back. */
import { expect, test } from 'bun:test'
import { Client } from './client.ts'
import { migrateTo } from './migrate.ts'
import { migrations } from './migrations.ts'

const stamp = { now: 0, programVersion: 'test' }
const version = 1 + migrations.findIndex(({ name }) => name.endsWith('_limits'))
const id = (prefix: string, n: number) => `${prefix}_${String(n).padStart(26, '0')}`
const [user, org, project, key] = [id('usr', 1), id('org', 1), id('prj', 1), id('key', 1)]
const [first, second] = [id('tea', 1), id('tea', 2)]

/** Usage of a key in a project of an organization, whose user is in two teams, as the step before keeps it. */
function before(): Client {
  const client = new Client(':memory:')
  migrateTo(client, ':memory:', version - 1, stamp)
  for (const sql of [
    `INSERT INTO users (id, username, role, service, created_at, updated_at) VALUES ('${user}', 'alice', 'member', 0, 0, 0)`,
    `INSERT INTO organizations (id, slug, name, created_at, updated_at) VALUES ('${org}', 'acme', 'Acme', 0, 0)`,
    `INSERT INTO projects (id, slug, name, organization_id, created_at, updated_at) VALUES ('${project}', 'shop', 'Shop', '${org}', 0, 0)`,
    ...[second, first].flatMap((team, n) => [
      `INSERT INTO teams (id, organization_id, name, created_at, updated_at) VALUES ('${team}', '${org}', 't${n}', 0, 0)`,
      `INSERT INTO team_members (id, team_id, user_id, created_at) VALUES ('${id('tmm', n)}', '${team}', '${user}', 0)`,
    ]),
    `INSERT INTO series (id, key_id, user_id, project_id) VALUES (1, '${key}', '${user}', '${project}'), (2, '${key}', '${user}', '')`,
    `INSERT INTO limits (id, project_id, metric, amount, window_ms) VALUES ('${id('lim', 1)}', '${project}', 'tokens', 5, 60000)`,
  ])
    client.run(sql)
  return client
}

test('what was used before belongs to the organization and the teams of now', () => {
  using client = before()
  migrateTo(client, ':memory:', version, stamp)
  expect(client.query('SELECT id, organization_id, team_ids FROM series ORDER BY id').all()).toEqual([
    { id: 1, organization_id: org, team_ids: `${first} ${second}` },
    { id: 2, organization_id: '', team_ids: '' },
  ])
  expect(client.query('SELECT amount, organization_id, team_id, member_id FROM limits').all()).toEqual([
    { amount: 5, organization_id: null, team_id: null, member_id: null },
  ])
})

test('on the way back, series that differ in nothing else become one, with all that was used', () => {
  using client = before()
  migrateTo(client, ':memory:', version, stamp)
  const add = (series: number, tokens: number) => {
    for (const table of ['minutes', 'hours'])
      client.run(
        `INSERT INTO ${table} (series, start, model, requests, input_tokens) VALUES (${series}, 1, 1, 1, ${tokens})`,
      )
    client.run(
      `INSERT INTO days (series, start, model, requests, input_tokens, last_at) VALUES (${series}, 1, 1, 1, ${tokens}, ${tokens})`,
    )
  }
  client.run(
    `INSERT INTO series (id, key_id, user_id, project_id) VALUES (3, '${key}', '${user}', '${project}'), (4, '${key}', '', '')`,
  )
  for (const series of [1, 2, 3, 4]) add(series, 10 ** series)
  client.run(
    `INSERT INTO reservations (id, series, model, created_at, expires_at, requests, tokens, cost_micros) VALUES ('${id('res', 1)}', 3, 1, 0, 1, 0, 0, 0)`,
  )
  client.run(
    `INSERT INTO limits (id, organization_id, metric, amount, window_ms) VALUES ('${id('lim', 2)}', '${org}', 'tokens', 5, 60000)`,
  )
  client.run(
    `INSERT INTO limits (id, project_id, member_id, metric, amount, window_ms) VALUES ('${id('lim', 3)}', '${project}', '${user}', 'tokens', 5, 60000)`,
  )
  migrateTo(client, ':memory:', version - 1, stamp)
  expect(client.query('SELECT id FROM series ORDER BY id').all()).toEqual([{ id: 1 }, { id: 2 }, { id: 4 }])
  for (const table of ['minutes', 'hours', 'days']) {
    expect(client.query(`SELECT series, requests, input_tokens FROM ${table} ORDER BY series`).all()).toEqual(
      [
        { series: 1, requests: 2, input_tokens: 1_010 },
        { series: 2, requests: 1, input_tokens: 100 },
        { series: 4, requests: 1, input_tokens: 10_000 },
      ],
    )
  }
  expect(client.query('SELECT last_at FROM days WHERE series = 1').get()).toEqual({ last_at: 1_000 })
  expect(client.query('SELECT series FROM reservations').all()).toEqual([{ series: 1 }])
  expect(client.query('SELECT id FROM limits').all()).toEqual([{ id: id('lim', 1) }])
})
