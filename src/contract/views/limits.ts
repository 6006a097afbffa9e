/** Limits, and how much of them is used. */
import { limitedNouns } from '../nouns.ts'
import {
  as,
  choice,
  extend,
  flag,
  integer,
  list,
  nullable,
  number,
  type ObjectShape,
  type Of,
  object,
  text,
  time,
} from '../shape.ts'
import { userRef } from './refs.ts'
import { limitPeriods, metrics } from './words.ts'

export const limit = object('Limit', {
  metric: choice(metrics, 'Unit of done and total'),
  amount: number('The most that may be used within the window; dollars when the metric is usd'),
  period: choice(
    limitPeriods,
    'What the window is: rolling ends now; day, week and month begin with the calendar; total is all time',
  ),
  windowMs: nullable(integer('Length of a rolling window in milliseconds; null for the others')),
  timeZone: nullable(text('Time zone in which a day, week or month begins; null for the others')),
  models: nullable(text('Pattern of the models that it binds; null is all')),
  each: flag('Whether it binds each end user for themselves'),
})

export const limitSubject = object('LimitSubject', {
  type: choice(
    limitedNouns,
    'What the limit applies to: one key, or all keys of a user, a project, the projects of an organization, or the members of a team in them',
  ),
  id: text('Its id'),
  name: text('Name of the key or team, username or slug'),
  member: nullable(as(userRef, 'The one user that it binds in the project or organization; null for all')),
})

export const limitState = extend('LimitState', limit, {
  subject: as(limitSubject, 'What the limit belongs to'),
  endUser: nullable(
    text(
      'Whose use of a limit for each end user it is; null for other limits, and if none was named: used is 0 then',
    ),
  ),
  used: number('Used within the window that ends now, including reservations'),
  reserved: number('Held by reservations; part of used'),
  remaining: number('What is left; never below 0'),
  exceeded: flag('Whether this limit denies the request'),
  retryAt: nullable(time('When enough has left the window; null when nothing needs to, or nothing can')),
})

/** How much of a limit is used: 0.5 for half. One of 0 is used up. */
export const fractionUsed = ({ used, amount }: Of<typeof limitState>): number =>
  amount === 0 ? 1 : used / amount

/** What `show` prints of a thing with limits: besides, what is used of them. */
export const withUse = <T>(name: string, thing: ObjectShape<T>): ObjectShape<WithUse<T>> =>
  extend(name, thing, {
    limits: list(limitState, 'Its own limits, with what is used and left of each'),
  }) as never

export type WithUse<T> = Omit<T, 'limits'> & { readonly limits: readonly LimitState[] }

export const limitForecast = extend('LimitForecast', limitState, {
  frees: list(
    object('Freed', {
      at: time('When'),
      remaining: number('What is left then, if nothing is used until then'),
    }),
    'When the first part, half and all of what is used is free again',
  ),
})

export const putLimit = extend('PutLimit', limitState, {
  changed: flag('Whether this call added it or changed its amount'),
})

export type Limit = Of<typeof limit>
export type LimitSubject = Of<typeof limitSubject>
export type PutLimit = Of<typeof putLimit>
export type LimitState = Of<typeof limitState>
export type LimitForecast = Of<typeof limitForecast>
