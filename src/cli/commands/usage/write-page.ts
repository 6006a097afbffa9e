/** Puts a report of usage into an HTML file. */
import { LatchkeyError } from '../../../contract/errors.ts'
import type { UsageOverview } from '../../../index.ts'
import { withNewFile } from '../../../system/new-file.ts'
import { writeWhole } from '../../../system/whole-file.ts'
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
    throw new LatchkeyError('usage', '--html names a new file, and - is none', 'name it: --html usage.html')
  }
  const path = ctx.path(file)
  const fill = async (write: (text: string) => Promise<void>): Promise<UsageOverview> => {
    const overview = await read()
    await write(usagePage(overview))
    return overview
  }
  return replace ? fill(text => writeWhole(path, text, 0o600)) : withNewFile(path, fill)
}
