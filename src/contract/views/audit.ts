/** What was changed, when and by whom. */
import {
  anything,
  as,
  choice,
  extend,
  flag,
  integer,
  list,
  nullable,
  type Of,
  object,
  text,
  time,
} from '../shape.ts'
import { capacities, origins } from './words.ts'

export const auditEntry = object('AuditEntry', {
  id: text('aud_ and a time-sorted id'),
  at: time('When'),
  actor: text('Who: LATCHKEY_ACTOR, or the user name of the operating system'),
  as: choice(
    capacities,
    'As what: operator on the command line, who is above all; backend, a program that embeds Latchkey; user, for whom a program did it, who needs the permission, and whose id is the actor',
  ),
  origin: choice(origins, 'From where'),
  action: text('What was done, as noun.verb'),
  target: as(
    object('AuditTarget', {
      type: text('Kind of thing it was done to'),
      id: text('Its id'),
      name: nullable(text('Its name at the time')),
    }),
    'What it was done to',
  ),
  before: nullable(anything('The fields that changed, before')),
  after: nullable(anything('The fields that changed, after')),
  seq: integer('Its number in the log, from 1'),
  hash: text('SHA-256 that chains it to the row before, in hex'),
})

export const exportedAuditEntry = extend('ExportedAuditEntry', auditEntry, {
  previous: text('The hash of the row before'),
  salt: text('The salts of the actor and of the details; = and a hash where one is erased'),
})

const head = {
  seq: integer('Number of the row'),
  hash: text('Its hash'),
}

export const auditHead = object('AuditHead', head)

export const auditProblem = object('AuditProblem', {
  kind: choice(
    ['edited', 'removed', 'inserted', 'swapped', 'cut', 'replaced'],
    'What was done; cut and replaced are only found by comparing with a backup',
  ),
  seq: integer('Number of the row, or of the first of several'),
  id: nullable(text('Id of the row; null for rows that are missing')),
  detail: text('The problem, as a sentence'),
})

export const auditAgainst = object('AuditAgainst', {
  backup: text('Id of the backup'),
  takenAt: time('When it was taken'),
  seq: integer('Number of the last row in the backup'),
  state: choice(
    ['present', 'pruned', 'restored', 'missing'],
    'Whether that row is still there, was pruned since, was replaced by a restore, or is missing for no known reason',
  ),
  restore: nullable(
    as(
      object('AuditRestore', {
        seq: integer('Number of the row'),
        id: text('Id of the row'),
        at: time('When'),
        actor: text('Who'),
      }),
      'The row of the restore that put an older log in place; null for none',
    ),
  ),
})

export const auditCheck = object('AuditCheck', {
  ok: flag('Whether nothing was found'),
  rows: integer('How many rows there are'),
  erased: integer('How many of them are erased in part, because they named an erased user'),
  head: as(auditHead, 'The last row'),
  pruned: nullable(as(auditHead, 'The last row that was pruned; null if none was')),
  problems: list(auditProblem, 'What was found, in the order of the rows'),
  moreProblems: integer('How many more problems there are, of which only the first thousand are told'),
  against: nullable(as(auditAgainst, 'What the backup says; null without one')),
})

export const prunedAudit = object('PrunedAudit', {
  rows: integer('How many rows were removed'),
  before: time('All rows until the first from then on were removed'),
  through: nullable(as(auditHead, 'The last row that was removed; null if none was')),
  backup: nullable(text('Id of the newest backup that still has these rows; null if none is known')),
})

export type AuditEntry = Of<typeof auditEntry>
export type ExportedAuditEntry = Of<typeof exportedAuditEntry>
export type AuditHead = Of<typeof auditHead>
export type AuditProblem = Of<typeof auditProblem>
export type AuditAgainst = Of<typeof auditAgainst>
export type AuditCheck = Of<typeof auditCheck>
export type PrunedAudit = Of<typeof prunedAudit>
