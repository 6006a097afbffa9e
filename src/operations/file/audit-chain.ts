/** Checks the chain of the audit log, alone and by what backups have of it. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { AuditProblem } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { shellWord } from '../../text/shell-word.ts'
import type { Followed } from '../audit/follow.ts'
import { lostSince } from '../audit/verify.ts'
import type { Manifest } from './backup/manifest.ts'
import type { OwnSurvey } from './backup/ownership.ts'
import { type Check, failed, ok } from './check.ts'

/**
 * @param db sees one snapshot, from after the backups were looked for
 * @param follow looks at all rows, or at some
 */
export async function checkAuditChain(
  db: Database,
  follow: (db: Database) => Promise<Followed>,
  manifests: readonly Manifest[],
): Promise<Check> {
  const { rows, head, problems, moreProblems } = await follow(db)
  const found = [...problems, ...(await lostSince(db, head, manifests))]
  const [first] = found
  const value = { rows, head: head.seq, problems: found.length + moreProblems }
  if (first === undefined) return ok('audit', value)
  const others = value.problems > 1 ? `, and ${value.problems - 1} more` : ''
  const newest = manifests.find(({ auditHead }) => auditHead !== null)?.id
  const against = newest === undefined ? '' : ` --against ${shellWord(newest)}`
  return failed(
    'audit',
    value,
    `the audit log was changed with other programs: ${told(first)}${others}`,
    `see everything with: latchkey audit verify${against}, and what to do about it in docs/audit.md`,
  )
}

const told = ({ kind, seq, id, detail }: AuditProblem): string =>
  `${kind}: row ${seq}${id === null ? '' : ` (${id})`}: ${detail}`

/** None where backups cannot be looked at, which is a finding of its own. */
export async function manifestsIn(survey: () => Promise<OwnSurvey>): Promise<readonly Manifest[]> {
  try {
    return (await survey()).backups.map(({ manifest }) => manifest)
  } catch (error) {
    if (error instanceof LatchkeyError) return []
    throw error
  }
}
