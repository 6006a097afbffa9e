/** Shows what an import did, and what undoing it did, one line each. */
import { exitCodes } from '../../../contract/errors.ts'
import { importReport } from '../../../contract/views/imports.ts'
import type { ImportItem, ImportReport, ImportUndo, ImportUndoItem } from '../../../contract/views.ts'
import { isForeignUrl, isServerUrl, withPassword } from '../../../text/address.ts'
import { many } from '../../../text/quantity.ts'
import type { Brush } from '../../declare/brush.ts'
import type { Context } from '../../declare/declaration.ts'
import { one, opt } from '../../declare/define.ts'
import { printableLine } from '../../terminal/printable.ts'

function importLines(report: ImportReport, brush: Brush): string {
  const paint = {
    created: brush.good,
    updated: brush.warn,
    unchanged: brush.dim,
    refused: brush.bad,
    gone: brush.bad,
    revoked: brush.warn,
  }
  return [
    ...report.items.map(item => `${paint[item.outcome](item.outcome.padEnd(9))} ${importedThing(item)}`),
    ...aboutSource(report),
    `${report.source}: ${counts(report)}${report.id === null ? '' : ` (${report.id})`}`,
    ...(report.gone === 0
      ? []
      : ['To end the keys that are gone from the source, run it again with --revoke-gone.']),
  ].join('\n')
}

/** The text of a dry run, after "Would". */
function importPlanLines(report: ImportReport, brush: Brush): string {
  const { created, updated, unchanged, refused, gone, revoked, source } = report
  const words = {
    created: brush.good('create   '),
    updated: brush.warn('update   '),
    unchanged: brush.dim('leave    '),
    refused: brush.bad('refuse   '),
    gone: brush.bad('find gone'),
    revoked: brush.warn('revoke   '),
  }
  return [
    `${[
      `create ${created}, update ${updated}, leave ${unchanged} as they are, refuse ${refused}`,
      ...(gone === 0 ? [] : [`find ${gone} gone`]),
      ...(revoked === 0 ? [] : [`revoke ${revoked}`]),
    ].join(', ')}: ${source}`,
    ...report.items.map(item => `  ${words[item.outcome]} ${importedThing(item)}`),
    ...aboutSource(report),
  ].join('\n')
}

/** Notes on the source, whatever the outcome. */
const aboutSource = (report: ImportReport): readonly string[] => [
  ...report.notes.map(note => `Note: ${note}`),
  ...(report.ignoredFields.length === 0
    ? []
    : [`Not imported, no such field here: ${report.ignoredFields.join(', ')}`]),
  ...(report.leftBehind.length === 0
    ? []
    : [
        `Left behind: ${report.leftBehind.map(({ name, rows }) => `${name} (${many(rows, 'row')})`).join(', ')}`,
      ]),
]

export function importUndoPlanLines(undo: ImportUndo, brush: Brush): string {
  const paint = { removed: brush.bad, reverted: brush.warn, kept: brush.good, gone: brush.dim }
  const words = { removed: 'remove', reverted: 'revert', kept: 'keep', gone: 'is gone' }
  return [
    `remove ${undo.removed}, revert ${undo.reverted} and keep ${undo.kept} of ${undo.source}; ${undo.gone} already gone`,
    ...undo.items.map(
      item => `  ${paint[item.outcome](words[item.outcome].padEnd(7))} ${importedThing(item)}`,
    ),
  ].join('\n')
}

function counts(report: ImportReport): string {
  const { refused, gone, revoked } = report
  return [
    `${report.created} created, ${report.updated} updated, ${report.unchanged} unchanged, ${refused} refused`,
    ...(gone === 0 ? [] : [`${gone} gone`]),
    ...(revoked === 0 ? [] : [`${revoked} revoked`]),
  ].join(', ')
}

/** A result that needs further work is not a success. */
const importExit = ({ refused, gone }: ImportReport): number =>
  refused > 0 || gone > 0 ? exitCodes.partial : 0

/** How every import prints its result. */
export const reporting = {
  prints: one(importReport, { done: importLines }),
  would: importPlanLines,
  exit: importExit,
}

/** The common parts of imports from other systems. */
export const importing = {
  ...reporting,
  options: { revokeGone: opt.flag('Revoke keys that came from this source and are no longer in it') },
}

export function importUndoLines(undo: ImportUndo, brush: Brush): string {
  const paint = { removed: brush.bad, reverted: brush.warn, kept: brush.good, gone: brush.dim }
  return [
    ...undo.items.map(item => `${paint[item.outcome](item.outcome.padEnd(8))} ${importedThing(item)}`),
    `${undo.source}: ${undo.removed} removed, ${undo.reverted} reverted, ${undo.kept} kept, ${undo.gone} gone`,
  ].join('\n')
}

/** The path of a file, made absolute, or the URL of a server with the password that the environment has for it. */
export const sourceAt = ({ path, env }: Pick<Context, 'path' | 'env'>, typed: string): string =>
  isForeignUrl(typed)
    ? withPassword(typed, env[isServerUrl(typed) ? 'PGPASSWORD' : 'MYSQL_PWD'])
    : path(typed)

/** `key ci: why` */
const importedThing = ({ type, name, reason }: ImportItem | ImportUndoItem): string =>
  `${type.replace('_', ' ')} ${printableLine(name)}${reason === null ? '' : `: ${printableLine(reason)}`}`
