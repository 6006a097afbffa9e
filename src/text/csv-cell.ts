/**
 * Text in a cell of CSV. Spreadsheets run a cell as a formula that begins with =, +, -, @, a tab or a return, and names come
 * from users: such text gets a `'` before it, which spreadsheets take for "text" and which reading takes away again.
 * See OWASP, "CSV Injection".
 */

/** The text as it is written; what begins like a guarded text is guarded as well, so that both come back. */
export const guarded = (text: string): string => (/^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text)

/** The text that was guarded. */
export const unguarded = (cell: string): string => (/^''*[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell)
