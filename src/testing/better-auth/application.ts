/** A real application on Better Auth, whose database is imported: in the layouts of its adapters. For tests only. */
import { Database } from 'bun:sqlite'
import { apiKey } from '@better-auth/api-key'
import { betterAuth } from 'better-auth'
import { drizzleAdapter } from 'better-auth/adapters/drizzle'
import { getAuthTables } from 'better-auth/db'
import { getMigrations } from 'better-auth/db/migration'
import { admin, organization } from 'better-auth/plugins'
import { SQL } from 'bun'
import { drizzle as drizzleServer } from 'drizzle-orm/bun-sql'
import { drizzle as drizzleFile } from 'drizzle-orm/bun-sqlite'
import * as my from 'drizzle-orm/mysql-core'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql-proxy'
import * as pg from 'drizzle-orm/pg-core'
import * as lite from 'drizzle-orm/sqlite-core'

const settings = {
  secret: 'jv3Zk1Qm8sYb5TgXw9LrPc2NdHf7Ea4U',
  baseURL: 'http://127.0.0.1',
  logger: { disabled: true },
  telemetry: { enabled: false },
  emailAndPassword: { enabled: true },
  plugins: [admin(), organization({ teams: { enabled: true } }), apiKey({ enableMetadata: true })],
} as const

/** Kysely's camelCase and ISO text; Drizzle's snake_case with milliseconds, or with seconds as it was before; servers. */
export type Layout = 'kysely' | 'drizzle' | 'drizzle in seconds' | 'postgres' | 'mysql'

/** What it needs of Better Auth, whatever the layout. */
export interface Application extends AsyncDisposable {
  readonly auth: ReturnType<typeof authOn>
  /** Runs a statement on its tables. */
  readonly run: (statement: string) => Promise<void>
  /** The name of a table or column there. */
  readonly named: (name: string) => string
}

/** @param at the path of a file that does not exist yet, or the URL of an empty database */
export async function application(layout: Layout, at: string): Promise<Application> {
  if (layout === 'kysely') {
    const database = new Database(at)
    const auth = authOn(database)
    await (await getMigrations(auth.options)).runMigrations()
    return {
      auth,
      named: name => name,
      run: async statement => void database.run(statement),
      [Symbol.asyncDispose]: async () => database.close(),
    }
  }
  const tables = Object.values(getAuthTables({ ...settings, plugins: [...settings.plugins] }))
  const columns = (fields: (typeof tables)[number]['fields']) =>
    Object.entries(fields).map(([name, { type }]) => [name, snake(name), kindOf(type)] as const)
  const schema = Object.fromEntries(
    tables.map(({ modelName, fields }) => {
      const all = columns(fields)
      const table =
        layout === 'mysql'
          ? my.mysqlTable(plural(modelName), {
              id: my.varchar('id', { length: 64 }).primaryKey(),
              ...Object.fromEntries(
                all.map(([name, column, kind]) => [
                  name,
                  {
                    time: my.timestamp(column, { fsp: 3 }),
                    flag: my.boolean(column),
                    number: my.bigint(column, { mode: 'number' }),
                    text: my.text(column),
                  }[kind],
                ]),
              ),
            })
          : layout === 'postgres'
            ? pg.pgTable(plural(modelName), {
                id: pg.text('id').primaryKey(),
                ...Object.fromEntries(
                  all.map(([name, column, kind]) => [
                    name,
                    {
                      time: pg.timestamp(column),
                      flag: pg.boolean(column),
                      number: pg.bigint(column, { mode: 'number' }),
                      text: pg.text(column),
                    }[kind],
                  ]),
                ),
              })
            : lite.sqliteTable(plural(modelName), {
                id: lite.text('id').primaryKey(),
                ...Object.fromEntries(
                  all.map(([name, column, kind]) => [
                    name,
                    {
                      time: lite.integer(column, {
                        mode: layout === 'drizzle' ? 'timestamp_ms' : 'timestamp',
                      }),
                      flag: lite.integer(column, { mode: 'boolean' }),
                      number: lite.integer(column),
                      text: lite.text(column),
                    }[kind],
                  ]),
                ),
              })
      return [modelName, table] as const
    }),
  )
  const inFile = { id: 'text', time: 'integer', flag: 'integer', number: 'integer', text: 'text' }
  const sqlTypes = {
    postgres: { id: 'text', time: 'timestamp', flag: 'boolean', number: 'bigint', text: 'text' },
    mysql: { id: 'varchar(64)', time: 'timestamp(3) NULL', flag: 'boolean', number: 'bigint', text: 'text' },
    drizzle: inFile,
    'drizzle in seconds': inFile,
  }[layout]
  const statements = tables.map(
    ({ modelName, fields }) =>
      `CREATE TABLE ${plural(modelName)} (id ${sqlTypes.id} PRIMARY KEY, ${columns(fields)
        .map(([, column, kind]) => `"${column}" ${sqlTypes[kind]}`)
        .join(', ')})`,
  )
  if (layout === 'mysql') {
    const sql = new SQL(at, { max: 1 })
    await sql.unsafe("SET SESSION sql_mode = 'ANSI_QUOTES', time_zone = '+00:00'")
    for (const statement of statements) await sql.unsafe(statement)
    const database = drizzleMysql(async (text, parameters, method) => {
      const found = await sql.unsafe(text, parameters)
      if (method === 'execute') return { rows: [{ insertId: 0, affectedRows: found.count }] }
      return { rows: Array.from(found, row => Object.values(Object(row)).map(asMysqlText)) }
    })
    // The proxy has none, and there is nobody else.
    const whole = Object.assign(database, {
      transaction: (work: (inside: typeof database) => unknown) => work(database),
    })
    return {
      auth: authOn(drizzleAdapter(whole, { provider: 'mysql', schema })),
      named: snake,
      run: async statement => void (await sql.unsafe(statement)),
      [Symbol.asyncDispose]: () => sql.close(),
    }
  }
  if (layout === 'postgres') {
    const sql = new SQL(at, { max: 1, tls: false })
    for (const statement of statements) await sql.unsafe(statement)
    const auth = authOn(drizzleAdapter(drizzleServer(sql), { provider: 'pg', schema }))
    return {
      auth,
      named: snake,
      run: async statement => void (await sql.unsafe(statement)),
      [Symbol.asyncDispose]: () => sql.close(),
    }
  }
  const database = new Database(at)
  for (const statement of statements) database.run(statement)
  const auth = authOn(drizzleAdapter(drizzleFile(database), { provider: 'sqlite', schema }))
  return {
    auth,
    named: snake,
    run: async statement => void database.run(statement),
    [Symbol.asyncDispose]: async () => database.close(),
  }
}

/** Times as Drizzle expects them of a driver. */
const asMysqlText = (value: unknown): unknown =>
  value instanceof Date ? value.toISOString().replace('T', ' ').slice(0, -1) : value

const authOn = (database: Parameters<typeof betterAuth>[0]['database']) =>
  betterAuth({ ...settings, plugins: [...settings.plugins], database })

const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
const plural = (model: string): string => `${snake(model)}s`

function kindOf(type: unknown): 'time' | 'flag' | 'number' | 'text' {
  if (type === 'date') return 'time'
  if (type === 'boolean') return 'flag'
  return type === 'number' ? 'number' : 'text'
}

/** Everything that an import takes: people, an organization, a key, an outside account. */
export async function populate({ auth, run, named }: Application, layout: Layout) {
  const { adapter } = await auth.$context
  const signUp = (name: string) =>
    auth.api.signUpEmail({
      body: { name, email: `${name.toLowerCase()}@example.org`, password: passwordOf(name) },
    })
  const [ada, bob, eve] = [await signUp('Ada'), await signUp('Bob'), await signUp('Eve')]
  const [users, user] = layout === 'kysely' ? ['"user"', 'user'] : ['users', 'user']
  const flag = layout === 'postgres' ? 'true' : '1'
  await run(`UPDATE ${users} SET "${named('emailVerified')}" = ${flag} WHERE email = 'ada@example.org'`)
  await run(
    `UPDATE ${users} SET banned = ${flag}, "${named('banReason')}" = 'spam' WHERE email = 'eve@example.org'`,
  )
  const org = await auth.api.createOrganization({ body: { name: 'Acme', slug: 'acme', userId: ada.user.id } })
  if (!org) throw new Error(`no organization was made for a ${user}`)
  await auth.api.addMember({ body: { userId: bob.user.id, organizationId: org.id, role: 'member' } })
  const at = new Date()
  const team = await adapter.create<Record<string, unknown>, { id: string }>({
    model: 'team',
    data: { name: 'Backend', organizationId: org.id, createdAt: at, updatedAt: at },
  })
  await adapter.create({ model: 'teamMember', data: { teamId: team.id, userId: bob.user.id, createdAt: at } })
  const invited = { email: 'dan@example.org', role: 'member', status: 'pending', organizationId: org.id }
  const invitation = await adapter.create<Record<string, unknown>, { id: string }>({
    model: 'invitation',
    data: { ...invited, inviterId: ada.user.id, expiresAt: new Date(Date.now() + 86_400_000), createdAt: at },
  })
  await adapter.create({
    model: 'account',
    data: {
      userId: ada.user.id,
      providerId: 'github',
      accountId: '4711',
      issuer: 'https://github.com',
      accessToken: 'gho_token_of_ada',
      createdAt: at,
      updatedAt: at,
    },
  })
  const expiresIn = 30 * 86_400
  const key = await auth.api.createApiKey({
    body: {
      userId: ada.user.id,
      name: 'ci',
      prefix: 'app_',
      expiresIn,
      permissions: { files: ['read', 'write'] },
      metadata: { plan: 'pro' },
      remaining: 50,
      rateLimitMax: 7,
      rateLimitTimeWindow: 3_600_000,
    },
  })
  const evil = await auth.api.createApiKey({ body: { userId: eve.user.id, name: 'evil' } })
  return { ada, bob, eve, org, team, invitation, key, evil }
}

export const passwordOf = (name: string): string => `${name} has a long password`
