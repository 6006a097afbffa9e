/** A row of a file, or what is wrong with it. */

export type Row =
  | { readonly line: number; readonly row: Readonly<Record<string, unknown>>; readonly problem: null }
  /** `problem` continues a sentence: `is not JSON`. */
  | { readonly line: number; readonly row: null; readonly problem: string }
