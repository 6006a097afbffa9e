/** Organizations: groups of users that own projects together. Who belongs to them is in `members.ts`. */
import { check, fits, id, index, integer, isJson, lower, sql, table, text, uniqueIndex } from './columns.ts'

const organizationId = id('org', 'organizations')
export const organizations = table(
  'organizations',
  {
    id: organizationId.column,
    slug: text('slug').notNull(),
    name: text('name').notNull(),
    /** A URL. */
    logo: text('logo'),
    metadata: text('metadata', { mode: 'json' }).$type<unknown>(),
    createdAt: integer('created_at').notNull(),
    updatedAt: integer('updated_at').notNull(),
  },
  t => [
    organizationId.check,
    uniqueIndex('organizations_slug').on(lower(t.slug)),
    index('organizations_name').on(lower(t.name)),
    // Other programs write here too, with slugs of their own form.
    check(
      'organizations_slug_form',
      sql`length(${t.slug}) BETWEEN 1 AND 200 AND ${t.slug} NOT ${fits('org_*')}`,
    ),
    check('organizations_name_form', sql`length(${t.name}) > 0`),
    check('organizations_metadata_json', sql`${t.metadata} IS NULL OR ${isJson(t.metadata)}`),
  ],
)
