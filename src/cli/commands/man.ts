import { manPage } from '../../contract/views/program.ts'
import { many } from '../../text/quantity.ts'
import { arg, command, oneOrRows, opt } from '../declare/define.ts'
import { manual, writeManual } from '../reference/manual.ts'

export default command({
  effect: 'write',
  summary: 'Print the manual page of a command, or write all pages to a folder',
  description: 'The pages are in roff, for man and mandoc. To read one, pipe it into man -l -.',
  examples: [
    'latchkey man key create | man -l -',
    'latchkey man --dir ~/.local/share/man/man1',
    'latchkey man > latchkey.1',
  ],
  args: { command: arg.any('Command, such as key create (default: latchkey itself)') },
  options: { dir: opt.text('folder', 'Write all pages to this folder and replace earlier ones') },
  run: async (ctx, { command: words, dir }) =>
    dir === undefined
      ? manual(ctx.tree, words, ctx.now())
      : writeManual(ctx.tree, ctx.path(dir), words, ctx.now(), ctx.dryRun),
  prints: oneOrRows(manPage, {
    columns: [
      { title: 'page', cell: ({ name, section }) => `${name}(${section})`, whole: true },
      { title: 'file', cell: page => page.path ?? '-' },
    ],
    done: page => page.text,
  }),
  would: (result, _, { dir }) =>
    dir === undefined ? undefined : `write ${many([result].flat().length, 'page')} to ${dir}`,
})
