/** Inputs of the operations on a whole database file. */
import * as v from 'valibot'
import type { SettingsCheck } from '../../contract/views.ts'
import { type Input, type Rule, username } from '../rules/input.ts'

export const newDatabase = v.object({
  /** Username of a first user, who gets the role admin. */
  admin: v.optional(username),
})
export type NewDatabase = Input<typeof newDatabase>

const wholeNumber = (least: number): Rule<number> =>
  v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(least, `must be at least ${least}`),
  )

const directions = ['up', 'down'] as const
const direction: Rule<(typeof directions)[number]> = v.picklist(directions, 'must be up or down')

export const migrateInput = v.object({
  /** To newer versions, or back to older ones. */
  direction,
  /** The target schema version. Default: the newest for up, one less than now for down. */
  to: v.optional(wholeNumber(0)),
  /** How many steps to run, instead of `to`. */
  steps: v.optional(wholeNumber(1)),
})
export type Migrate = Input<typeof migrateInput>

/** As for `migrate`. The default direction is up, or down if `to` is older than the current version. */
export type PlanMigration = Partial<Migrate>

export const copying = v.object({
  /** A file that does not exist yet. */
  to: v.string(),
})
export type CopyDatabase = Input<typeof copying>

export const transfer = v.object({
  /** A file, or the URL of a database on PostgreSQL. */
  from: v.string(),
  /** A database without tables on PostgreSQL, or a file that does not exist yet. */
  to: v.string(),
  /** Bring over what has changed since an earlier copy to it, which nobody has used meanwhile. */
  rest: v.optional(v.boolean(), false),
})
export type TransferDatabase = Input<typeof transfer>

type Params = Readonly<Record<string, string | number | bigint>>
const params: Rule<Params> = v.record(
  v.string(),
  v.union([v.string(), v.number(), v.bigint()], 'must be text or a number'),
)

export const query = v.object({
  /** One read-only statement. */
  sql: v.string(),
  /** Values for `:name` in the statement. */
  params: v.optional(params, {}),
})
export type Query = Input<typeof query>

export interface Diagnosis {
  /** The settings files, as the caller has read them. */
  readonly settings?: readonly SettingsCheck[] | undefined
}
