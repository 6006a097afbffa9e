/** What tells the address of a remote place from the path of a folder. Must never reach for either. */

/** Whether this is `scheme://…` and not a path. */
export const isAddress = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
