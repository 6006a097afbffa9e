/**
 * Text in a CSV cell. Spreadsheets run cells that begin with =, +, -, @, a tab or a return as formulas, and names come
 * from users. Such text gets a leading `'`, which spreadsheets take for "text" and which is removed again when it is
 * read. See OWASP, "CSV Injection".
 */

/** The text as written. Text that looks guarded is guarded too, so that both can be read back. */
export const guarded = (text: string): string => (/^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text)

/** The original text. */
export const unguarded = (cell: string): string => (/^''*[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell)
