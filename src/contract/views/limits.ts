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
  type Of,
  object,
  text,
  time,
} from '../shape.ts'
import { metrics } from './words.ts'

export const limit = object('Limit', {
  metric: choice(metrics, 'What is counted'),
  amount: number('Most that may be used within the window; dollars when the metric is usd'),
  windowMs: integer('Length of the rolling window in milliseconds'),
})

export const limitSubject = object('LimitSubject', {
  type: choice(limitedNouns, 'Whom the limit binds: one key, or all keys of a user or project'),
  id: text('Id of the key, user or project'),
  name: text('Name of the key, username or slug'),
})

export const limitState = extend('LimitState', limit, {
  subject: as(limitSubject, 'Whose limit it is'),
  used: number('Used within the window that ends now, what is reserved included'),
  reserved: number('Held by requests under way: part of what is used'),
  remaining: number('What is left: never below 0'),
  exceeded: flag('Whether this limit denies the request'),
  retryAt: nullable(
    time('First moment at which enough has aged out; null when nothing has to, or nothing can'),
  ),
})

export const limitForecast = extend('LimitForecast', limitState, {
  frees: list(
    object('Freed', { at: time('When'), remaining: number('What is left then, if nothing is used until') }),
    'When something is free again, half of what is used up, and all of it',
  ),
})

export const putLimit = extend('PutLimit', limitState, {
  changed: flag('Whether this call added it, or gave it another amount'),
})

export type Limit = Of<typeof limit>
export type LimitSubject = Of<typeof limitSubject>
export type PutLimit = Of<typeof putLimit>
export type LimitState = Of<typeof limitState>
export type LimitForecast = Of<typeof limitForecast>
