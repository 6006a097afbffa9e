/** What operations on a whole database file take. */
import * as v from 'valibot'
import type { SettingsCheck } from '../../contract/views.ts'
import { type Input, type Rule, username } from '../rules/input.ts'

export const newDatabase = v.object({
  /** Username of a first user, who gets the role of an admin. */
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
  /** The schema version to end at. Default: up, the newest; down, one less than now. */
  to: v.optional(wholeNumber(0)),
  /** How many steps to go, in place of `to`. */
  steps: v.optional(wholeNumber(1)),
})
export type Migrate = Input<typeof migrateInput>

/** As for `migrate`; the default direction is up, or down when `to` is an older version than now. */
export type PlanMigration = Partial<Migrate>

export interface CopyDatabase {
  /** A file that is not there yet. */
  readonly to: string
}

export interface Query {
  /** One statement that only reads. */
  readonly sql: string
  /** Values of `:name` in the statement. */
  readonly params?: Readonly<Record<string, string | number | bigint>> | undefined
}

export interface Diagnosis {
  /** What the files of settings are like, which the caller has read. */
  readonly settings?: readonly SettingsCheck[] | undefined
}
