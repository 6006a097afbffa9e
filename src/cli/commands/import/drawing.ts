/** What an import did, and what taking it back did, a line each. Draws; decides nothing. */
import type { ImportItem, ImportReport, ImportUndo, ImportUndoItem } from '../../../contract/views.ts'
import type { Brush } from '../../declare/brush.ts'
import { many } from '../../draw/quantity.ts'
import { printableLine } from '../../terminal/printable.ts'

export function importLines(report: ImportReport, brush: Brush): string {
  const paint = { created: brush.good, updated: brush.warn, unchanged: brush.dim, refused: brush.bad }
  return [
    ...report.items.map(item => `${paint[item.outcome](item.outcome.padEnd(9))} ${importedThing(item)}`),
    ...aboutSource(report),
    `${report.source}: ${report.created} created, ${report.updated} updated, ${report.unchanged} unchanged, ${report.refused} refused (${report.id})`,
  ].join('\n')
}

/** The same of a dry run, as it goes on behind "Would". */
export function importPlanLines(report: ImportReport, brush: Brush): string {
  const paint = { created: brush.good, updated: brush.warn, unchanged: brush.dim, refused: brush.bad }
  const words = { created: 'create', updated: 'update', unchanged: 'leave', refused: 'refuse' }
  return [
    `create ${report.created}, update ${report.updated}, leave ${report.unchanged} as they are and refuse ${report.refused} of ${report.source}`,
    ...report.items.map(
      item => `  ${paint[item.outcome](words[item.outcome].padEnd(6))} ${importedThing(item)}`,
    ),
    ...aboutSource(report),
  ].join('\n')
}

/** What is to be known of the source, whatever came of it. */
const aboutSource = (report: ImportReport): readonly string[] => [
  ...report.notes.map(note => `Note: ${note}`),
  ...(report.ignoredFields.length === 0 ? [] : [`Has no home here: ${report.ignoredFields.join(', ')}`]),
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
    `remove ${undo.removed}, revert ${undo.reverted} and keep ${undo.kept} of ${undo.source}; ${undo.gone} are gone already`,
    ...undo.items.map(
      item => `  ${paint[item.outcome](words[item.outcome].padEnd(7))} ${importedThing(item)}`,
    ),
  ].join('\n')
}

export function importUndoLines(undo: ImportUndo, brush: Brush): string {
  const paint = { removed: brush.bad, reverted: brush.warn, kept: brush.good, gone: brush.dim }
  return [
    ...undo.items.map(item => `${paint[item.outcome](item.outcome.padEnd(8))} ${importedThing(item)}`),
    `${undo.source}: ${undo.removed} removed, ${undo.reverted} reverted, ${undo.kept} kept, ${undo.gone} gone`,
  ].join('\n')
}

/** `key ci: why` */
const importedThing = ({ type, name, reason }: ImportItem | ImportUndoItem): string =>
  `${type} ${printableLine(name)}${reason === null ? '' : `: ${printableLine(reason)}`}`
