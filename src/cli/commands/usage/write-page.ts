/** Puts a report of usage into an HTML file. */
import { LatchkeyError } from '../../../contract/errors.ts'
import type { UsageOverview } from '../../../index.ts'
import { replaceFile, requireFree, withNewFile } from '../../../system/files.ts'
import type { Context } from '../../declare/declaration.ts'
import { usagePage } from '../../draw/page/usage.ts'

/** Where a page goes. */
interface PageFile {
  readonly file: string
  /** Whether it may take the place of another. */
  readonly replace: boolean
}

/** Writes what `read` gives, and gives it back. @throws conflict, usage, permission */
export async function writeUsagePage(
  ctx: Context,
  { file, replace }: PageFile,
  read: () => Promise<UsageOverview>,
): Promise<UsageOverview> {
  if (file === '-') {
    throw new LatchkeyError(
      'usage',
      '--html needs the name of a new file, not -',
      'name one: --html usage.html',
    )
  }
  const path = ctx.path(file)
  const fill = async (write: (text: string) => void): Promise<UsageOverview> => {
    const overview = await read()
    write(usagePage(overview))
    return overview
  }
  if (replace) return fill(text => replaceFile(path, text))
  const hint = 'name a new file, or overwrite that one with --force'
  // Found out before anything is worked out for it.
  requireFree(path, hint)
  return withNewFile(path, hint, fill)
}
