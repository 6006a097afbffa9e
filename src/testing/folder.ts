/** Temporary folders that are removed automatically. For tests only. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TemporaryFolder extends Disposable {
  readonly path: string
  /** Absolute path of a name inside. */
  readonly file: (...names: string[]) => string
  /** Writes a file inside and returns its path. */
  readonly write: (name: string, content: string | Uint8Array) => string
  readonly remove: () => void
}

/** `using folder = temporaryFolder()`, or call `remove` in afterEach. */
export function temporaryFolder(): TemporaryFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'latchkey-')))
  const remove = () => rmSync(path, { recursive: true, force: true })
  const file = (...names: string[]) => join(path, ...names)
  return {
    path,
    file,
    write: (name, content) => {
      writeFileSync(file(name), content)
      return file(name)
    },
    remove,
    [Symbol.dispose]: remove,
  }
}
