/** The key list, with the columns for its order and filters. No other format has them. */

import type { Key, KeySort } from '../../../contract/views.ts'
import type { KeyStanding } from '../../../index.ts'
import type { Column } from '../../declare/column.ts'
import { sparkline } from '../../draw/chart.ts'
import { limitNameText } from '../../draw/columns.ts'
import { percentUsed } from '../../draw/limits.ts'
import { keyColumns } from './filters.ts'

export type Listed = Key & {
  /** Tokens per day. */
  readonly activity?: readonly number[] | undefined
  readonly standing?: KeyStanding | undefined
}

/** @param over whether keys were filtered by how full their limits are */
export function listedColumns(sort: KeySort | undefined, over: boolean): readonly Column<Listed>[] {
  const added = [...(over ? [fullest] : []), ...(sort === 'tokens' || sort === 'cost' ? [used[sort]] : [])]
  const [name, start, status, ...others] = keyColumns
  return [
    ...[name, start, status].filter(column => column !== undefined),
    ...added,
    ...others.map((column): Column<Listed> => {
      if (!('title' in column)) return column
      if (column.title === sort) return { ...column, wide: false }
      const isSpare = added.length > 0 && ['project', 'expires'].includes(column.title)
      return isSpare ? { ...column, spare: true } : column
    }),
    {
      title: '14 days',
      cell: ({ activity }, brush) =>
        activity === undefined || !brush.pictures ? '' : sparkline(activity, brush.unicode),
      wide: true,
      hideEmpty: true,
    },
  ]
}

const used: Readonly<Record<'tokens' | 'cost', Column<Listed>>> = {
  tokens: {
    title: 'tokens',
    cell: ({ standing }, brush) => brush.count(standing?.tokens ?? 0),
    align: 'right',
  },
  cost: {
    title: 'cost',
    cell: ({ standing }, brush) => brush.dollars(standing?.costUsd ?? 0),
    align: 'point',
  },
}

/** `92% tokens/5h` */
const fullest: Column<Listed> = {
  title: 'fullest',
  cell: ({ standing }, brush) =>
    standing?.fullest ? `${percentUsed(standing.fullest)} ${limitNameText(standing.fullest, brush)}` : '-',
  whole: true,
}
