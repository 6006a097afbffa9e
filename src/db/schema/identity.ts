/** Which database this is: the same in each of its copies, whatever they are called and wherever they lie. */
import { check, fits, integer, sql, table, text } from './columns.ts'

/** One row. The id is that of the oldest audit row, so that every copy of an older database gets the same one. */
export const identity = table(
  'identity',
  {
    single: integer('single').primaryKey(),
    id: text('id').notNull(),
    /** When the database was made. */
    createdAt: integer('created_at').notNull(),
  },
  t => [
    check('identity_single', sql`${t.single} = 1`),
    check('identity_id', sql`${t.id} ${fits('dbs_*')} AND length(${t.id}) = 30`),
  ],
)
