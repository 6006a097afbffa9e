import { expect, test } from 'bun:test'
import { is } from 'drizzle-orm/entity'
import type { SQL } from 'drizzle-orm/sql/sql'
import { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core/db'
import { SQLiteTable } from 'drizzle-orm/sqlite-core/table'
import { getTableConfig } from 'drizzle-orm/sqlite-core/utils'
import { PostgresDialect } from './postgres/dialect.ts'
import * as query from './query.ts'
import * as audit from './schema/audit.ts'
import * as identity from './schema/identity.ts'
import * as imports from './schema/imports.ts'
import * as keys from './schema/keys.ts'
import * as limits from './schema/limits.ts'
import * as people from './schema/people.ts'
import * as usage from './schema/usage.ts'

const asText = (part: SQL): string => new PostgresDialect().sqlToQuery(part).sql
const onlySqlites =
  /GLOB|json_each|json_valid|json_quote|(?<!latchkey_)json_type\b|instr|(?<!latchkey_)\btotal\(|word:/

test('PostgreSQL spells every check of the schema in its own words', () => {
  const tables = [audit, identity, imports, keys, limits, people, usage]
    .flatMap(part => Object.values(part))
    .filter(each => is(each, SQLiteTable))
  expect(tables.length).toBeGreaterThan(15)
  const checks = new Map(
    tables.flatMap(table => getTableConfig(table).checks.map(each => [each.name, asText(each.value)])),
  )
  expect([...checks].filter(([, text]) => onlySqlites.test(text))).toEqual([])
  expect(checks.get('users_id')).toBe(`"id" SIMILAR TO 'usr\\_%' AND length("id") = 30`)
  expect(checks.get('users_email_form')).toContain(`"users"."email" SIMILAR TO '_%@_%'`)
  expect(checks.get('secrets_hash_form')).toContain(`NOT SIMILAR TO '%[^0-9a-f]%'`)
  expect(checks.get('limits_subject')).toMatch(/^\(.* IS NOT NULL\)::int \+ .* = 1$/)
})

test('PostgreSQL spells every condition of queries in its own words', () => {
  const { name, scopes } = keys.keys
  const many = Array.from({ length: 200 }, (_, n) => `${n}`)
  const parts = [
    query.holdsPattern(scopes, 'chat'),
    query.holdsText(name, 'ci'),
    query.oneOf(name, many),
    query.oneOfNames(name, many),
    query.totalOf(name),
    query.asNumber(query.eq(name, 'ci')),
  ]
  expect(parts.map(asText).filter(text => onlySqlites.test(text))).toEqual([])
  expect(asText(query.holdsText(name, 'ci'))).toBe('strpos(lower("keys"."name"), $1) > 0')
})

test('PostgreSQL gets defaults for what is not told, and conflicts without a table', () => {
  const database = new BaseSQLiteDatabase('async', new PostgresDialect(), {} as never, undefined)
  const insert = database
    .insert(usage.models)
    .values({ name: 'a' })
    .onConflictDoUpdate({
      target: usage.models.name,
      set: { name: query.sql`excluded.name || ${usage.models.name}` },
    })
  expect(insert.toSQL().sql).toBe(
    'insert into "models" ("id", "name") values (default, $1) on conflict ("name") do update set "name" = excluded.name || "models"."name"',
  )
})
