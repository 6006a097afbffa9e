/**
 * Functions that declare commands. The parser, the help, the reference, man pages and completions all come from
 * declarations. Does not know how they are parsed, run or printed.
 */
import { flag, type ObjectShape } from '../../contract/shape.ts'
import type {
  Argument,
  Arguments,
  Declaration,
  Form,
  Layout,
  Option,
  Options,
  Prints,
  Spec,
} from './declaration.ts'
import type { Parse } from './parser.ts'

export const verbatim: Parse<string> = raw => raw

const argument = <T>(
  kind: Argument<T>['kind'],
  summary: string,
  parse: Parse<unknown> = verbatim,
): Argument<T> => ({ kind, summary, parse })

/** Without a parser an argument is text. `NoInfer` prevents that its type comes from the context. */
export const arg = {
  one: <T = string>(summary: string, parse?: Parse<T>): Argument<NoInfer<T>> =>
    argument('one', summary, parse),
  optional: <T = string>(summary: string, parse?: Parse<T>): Argument<NoInfer<T> | undefined> =>
    argument('optional', summary, parse),
  many: <T = string>(summary: string, parse?: Parse<T>): Argument<readonly NoInfer<T>[]> =>
    argument('many', summary, parse),
  /** May name something that does not exist yet. */
  fresh: (summary: string): Argument<string> => ({ ...argument<string>('one', summary), isNew: true }),
  /** Any number, also none. */
  any: (summary: string): Argument<readonly string[]> => argument('any', summary),
  /**
   * Required, unless one of these options replaces it.
   *
   * @param hint what to do if both are missing
   */
  unless: (options: readonly string[], summary: string, hint: string): Argument<string | undefined> => ({
    ...argument<string | undefined>('optional', summary),
    unless: options,
    hint,
  }),
}

const option = <T>(
  kind: Option<T>['kind'],
  placeholder: string,
  parse: Parse<unknown>,
  summary: string,
): Option<T> => ({ kind, placeholder, summary, parse, required: false })

export const opt = {
  /** Present or not; false by default. */
  flag: (summary: string) => option<boolean>('flag', '', verbatim, summary),
  text: (placeholder: string, summary: string) =>
    option<string | undefined>('value', placeholder, verbatim, summary),
  as: <T>(placeholder: string, parse: Parse<T>, summary: string) =>
    option<T | undefined>('value', placeholder, parse, summary),
  choice: <const T extends string>(choices: readonly T[], summary: string): Option<T | undefined> => ({
    ...option<T | undefined>('value', choices.join('|'), verbatim, summary),
    choices,
  }),
  many: <T>(placeholder: string, parse: Parse<T>, summary: string) =>
    option<readonly T[] | undefined>('many', placeholder, parse, summary),
  /** `a,b`. Each use of the option adds its words. */
  list: <T>(placeholder: string, parse: Parse<readonly T[]>, summary: string) =>
    option<readonly T[] | undefined>('list', placeholder, parse, summary),
  /** Three states: a value, null with `--no-<name>`, undefined if left out. */
  clearable: <T>(placeholder: string, parse: Parse<T>, summary: string) =>
    option<T | null | undefined>('clearable', placeholder, parse, summary),
  /** The same for a list. Each use of the option adds to it. */
  clearableMany: <T>(placeholder: string, parse: Parse<T>, summary: string) => ({
    ...option<readonly T[] | null | undefined>('clearable', placeholder, parse, summary),
    repeatable: true,
  }),
  hidden: <T>(base: Option<T>): Option<T> => ({ ...base, hidden: true }),
  /** Required, unless one of these options replaces it. */
  unless: <T>(options: readonly string[], base: Option<T>): Option<T> => ({
    ...base,
    required: true,
    unless: options,
  }),
  required: <T>(base: Option<T>): Option<Exclude<T, undefined>> => ({ ...base, required: true }) as never,
}

/** Whether an option may be given more than once, so that its values add up. */
export const isRepeatable = ({ kind, repeatable }: Option<unknown>): boolean =>
  kind === 'many' || kind === 'list' || repeatable === true

const printing = <Printed>(form: Form, shape: object, layout: object): Printed =>
  ({ form, shape, ...layout }) as Printed

/** One thing: the text of `done`, or a card with all its fields. */
export const one = <T, Typed>(
  shape: ObjectShape<T>,
  layout: Pick<Layout<T, T, Typed>, 'done'> = {},
): Prints<T, T, Typed> => printing('one', shape, layout)

/** Rows, all at once or as they are read: a table. */
export const rows = <T, Typed>(
  shape: ObjectShape<T>,
  layout: Layout<T, readonly T[], Typed> & { readonly empty: string },
): Prints<readonly T[], readonly T[] | AsyncIterable<T>, Typed> => printing('rows', shape, layout)

/** One thing or, if several are selected, rows of the same shape. `done` describes one. */
export const oneOrRows = <T>(
  shape: ObjectShape<T>,
  layout: Layout<T, T> & { readonly done: unknown },
): Prints<T | readonly T[], T | readonly T[], unknown> => printing('one or rows', shape, layout)

/** Plain text (a tutorial, a completion script). It has no other format. */
export const text: Prints<string, string, unknown> = { form: 'text' }

type None = Record<never, never>

/** Declares a command. `prints` decides the types of its result. */
export const command = <Result, Returned, A extends Arguments = None, O extends Options = None>(
  spec: Spec<A, O, Result, Returned>,
): Declaration => ({ args: {}, options: {}, ...spec }) as object as Declaration

/** Added by a dry run to every object that a changing command prints, so that it is not mistaken for a real result. */
export const dryRunField = {
  dryRun: flag('true in a dry run, where nothing is changed; otherwise missing'),
}

/** Whether the result of a changing command says that nothing had to be changed. */
export const isSame = (result: unknown): boolean => {
  const { changed, created } = Object(result)
  return changed === false || created === false
}
