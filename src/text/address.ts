/** Distinguishes addresses of buckets from paths. Does not access either. */

/** Whether this is the address of a bucket and not a path. */
export const isAddress = (text: string): boolean => text.startsWith('s3://')

/** Whether this is the URL of a database server and not a path. */
export const isServerUrl = (text: string): boolean => /^postgres(ql)?:\/\//.test(text)

/** Whether this is the URL of a server whose database can be imported. */
export const isForeignUrl = (text: string): boolean => isServerUrl(text) || /^(mysql|mariadb):\/\//.test(text)

/** The problem of a path, and what to write instead. */
export interface NoPath {
  readonly problem: string
  readonly hint: string
}

/**
 * Why this is not a path here: `host:/x` means another machine and `b2:bucket` another service, hardly ever a folder.
 * Such a folder can be written as `./b2:bucket`.
 */
export const pathProblem = (text: string): NoPath | undefined =>
  problemOf(text, 'name a file or a folder on this machine')

/** The same for places of backups, which may also be buckets. */
export const placeProblem = (text: string): NoPath | undefined =>
  isAddress(text) ? undefined : problemOf(text, 'name a folder on this machine or s3://bucket/prefix')

/** The same for databases, which may also be on a server. */
export const databaseProblem = (text: string): NoPath | undefined =>
  isServerUrl(text) ? undefined : problemOf(text, 'name a file, or postgres://user@host/database')

function problemOf(text: string, instead: string): NoPath | undefined {
  if (text === '') return { problem: 'a path is empty', hint: 'name a file or a folder, or leave it out' }
  if (isAddress(text)) {
    const problem = `'${text}' is the address of a bucket, and this must be on this machine`
    return { problem, hint: instead }
  }
  const [, word] = /^([^/]*:)/.exec(text) ?? []
  if (word === undefined) return undefined
  // Nobody has a folder with the name of an address.
  const really = text.includes('://') ? '' : `; for what is really called so, write ./${text}`
  return { problem: `'${text}' is no path, and nothing here goes by '${word}'`, hint: instead + really }
}

/** The URL of a server as people may see it: without its password and options, also when it cannot be parsed. */
export function shownUrl(url: string): string {
  const [, scheme = '', user, rest = ''] = /^(\w+:\/\/)(?:([^:@/?#]*)(?::.*)?@)?([^?#]*)/s.exec(url) ?? []
  return `${scheme}${user === undefined ? '' : `${user}@`}${rest}`
}

/** The same URL with a password, if it has none and there is one. */
export function withPassword(url: string, password: string | undefined): string {
  const [, scheme = '', user = '', rest = ''] = /^(\w+:\/\/)(?:([^@/?#]*)@)?(.*)$/s.exec(url) ?? []
  if (!password || user.includes(':')) return url
  return `${scheme}${user}:${encodeURIComponent(password)}@${rest}`
}

/** The URL of a server without user, password and options: the same for all that use the database. */
export const placeOfUrl = (url: string): string =>
  shownUrl(url)
    .replace(/^(\w+:\/\/)[^@]*@/, '$1')
    .replace(/^postgresql:/, 'postgres:')
    .replace(/^(\w+:\/\/)(?=\/)/, '$1localhost')
    .replace(/^(\w+:\/\/[^/]*):5432(?=\/|$)/, '$1')

/** What others may see on a command line: a URL keeps its options, and a path stays as it is. */
export const withoutPassword = (database: string): string =>
  isServerUrl(database) ? database.replace(/^(\w+:\/\/[^:@/?#]*):[^@]*@/, '$1@') : database
