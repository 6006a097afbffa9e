import { arg, command, opt } from '../define.ts'
import { manual } from '../reference/pages.ts'

export default command({
  name: 'man',
  effect: 'read',
  summary: 'Print the manual page of a command, or write all pages to a folder',
  description:
    'The pages are in roff, for man and mandoc. To read one at once: latchkey man key create | man -l -. To install them: latchkey man --dir ~/.local/share/man/man1.',
  examples: [
    'latchkey man key create | man -l -',
    'latchkey man --dir ~/.local/share/man/man1',
    'latchkey man > latchkey.1',
  ],
  args: { command: arg.any('Words of the command, such as key create; none for the program itself') },
  options: { dir: opt.text('folder', 'Write every page there, over earlier ones') },
  run: async (ctx, { command: words, dir }) =>
    manual(words.join(' '), ctx.now(), dir === undefined ? undefined : ctx.path(dir)),
  text: true,
})
