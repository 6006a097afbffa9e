/** What a check of people and their ways to sign in finds. */
import { choice, flag, integer, list, nullable, type Of, object, text } from '../shape.ts'

const authKinds = [
  'orphan',
  'ownerless',
  'shut_out_key',
  'duplicate_member',
  'missing_issuer',
  'plain_token',
] as const

export const authFinding = object('AuthFinding', {
  kind: choice(
    authKinds,
    'orphan: what it belongs to is not there; ownerless: an organization without an owner who may sign in; shut_out_key: an active key of a banned user; duplicate_member: a second membership in one organization; missing_issuer: an account that does not say who vouches for it; plain_token: an account here with tokens of its provider that are not encrypted',
  ),
  table: text('The table of the row'),
  id: text('Id of the row'),
  problem: text('What is wrong, in words'),
  mend: text('A command or statement that mends it'),
})

export const authCheck = object('AuthCheck', {
  source: nullable(text('What was checked; null for the database of Latchkey')),
  ok: flag('Whether nothing was found'),
  users: integer('Users that were checked'),
  rows: integer('Rows of other tables that were checked'),
  findings: list(authFinding, 'What was found; the first thousand'),
  moreFindings: integer('How many more there are'),
})

export type AuthFinding = Of<typeof authFinding>
export type AuthCheck = Of<typeof authCheck>
