/** Paths of files within a project: the same on every disk, whatever the system. Pure. */
import * as v from 'valibot'
import { noSecret, type Rule } from '../rules/input.ts'

/** Names that open a device of Windows, with any extension (learn.microsoft.com, "Naming Files, Paths, and Namespaces"). */
const device = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])$/i

const mostBytes = 1_024

const folders = (path: string): readonly string[] => path.split('/')

const isDevice = (name: string): boolean => device.test((name.split('.')[0] ?? '').trimEnd())

/** A path with / between folders, in NFC. */
export const filePath: Rule<string> = v.pipe(
  v.string('must be text'),
  v.check(path => path.isWellFormed(), 'must be valid Unicode'),
  v.transform(path => path.normalize('NFC')),
  v.check(path => path.trim() !== '', 'must not be blank'),
  v.check(path => Buffer.byteLength(path) <= mostBytes, 'must be at most 1,024 bytes'),
  v.check(path => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(path), 'must not contain control characters'),
  noSecret,
  v.check(path => !path.startsWith('/'), 'must not begin with /: it is within the project'),
  v.check(path => !/[\\:]/.test(path), 'must not contain \\ or :, which mean something else on Windows'),
  v.check(path => !folders(path).includes(''), 'must not contain // or end with /'),
  v.check(
    path => !folders(path).some(name => name === '.' || name === '..'),
    'must not contain . or .. as a folder',
  ),
  v.check(
    path => !folders(path).some(name => /[. ]$/.test(name)),
    'must have no name that ends with a dot or a space',
  ),
  v.check(path => !folders(path).some(isDevice), 'must not contain the name of a device, such as CON or NUL'),
)
