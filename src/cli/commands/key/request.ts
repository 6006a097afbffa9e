/** Options that describe a request, for `explain` and `verify`. */

import type { Values } from '../../declare/declaration.ts'
import { opt } from '../../declare/define.ts'
import { amount, dollars } from '../../declare/parse.ts'
import { moment } from '../../declare/times.ts'

export const requestOptions = {
  model: opt.text('model', 'Model that the request asks for'),
  scope: opt.text('scope', 'Scope that the request needs'),
  endUser: opt.text('id', 'End user that the request is for, as limits for each of them count'),
  tokens: opt.as('n', amount, 'Tokens that the request will use'),
  costUsd: opt.as('dollars', dollars, 'Dollars that the request will cost'),
  at: opt.as('date', moment, 'Answer for this time (default: now)'),
}

/** The input of the operations. */
export const request = ({ model, scope, endUser, at, tokens, costUsd }: Values<typeof requestOptions>) => ({
  model,
  scope,
  endUser,
  at,
  wanted: { tokens, usd: costUsd },
})
