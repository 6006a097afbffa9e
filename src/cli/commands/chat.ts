/** The commands of chats. */
import {
  changedChat,
  chat,
  createdChat,
  foundMessage,
  message,
  prunedChats,
} from '../../contract/views/chats.ts'
import { chatSorts } from '../../contract/views/words.ts'
import type { ChatFilter, ChatSelector, Message } from '../../index.ts'
import { many } from '../../text/quantity.ts'
import type { Context } from '../declare/declaration.ts'
import { arg, command, one, opt, rows } from '../declare/define.ts'
import { duration } from '../declare/times.ts'
import { printable } from '../terminal/printable.ts'
import { atMost, creating, paging, selecting, thing, updating } from './thing.ts'

const ofUser = { user: opt.text('user', 'Only a chat of this user') }

const within = (chat: string, user: string | undefined): ChatSelector =>
  user === undefined ? chat : { chat, user }

const ofChats = thing('chat', chat, ({ chats }, { chat, user }) => [chats, within(chat, user)], ofUser)

const create = command({
  effect: 'write',
  summary: 'Create a chat',
  examples: [
    'latchkey chat create --user alice --title Holiday',
    'latchkey chat create --user alice --title Invoices --project shop',
    'latchkey chat create --user alice --session-id session-7 --json',
  ],
  options: {
    user: opt.required(opt.text('user', 'Whose it is')),
    title: opt.text('title', 'Title (default: New Chat)'),
    project: opt.text('project', 'The project that it belongs to'),
    sessionId: opt.text('id', 'Session of the backend that continues it'),
  },
  wizard: ['title'],
  run: async (ctx, typed) => (await ctx.operations()).chats.create(typed),
  ...creating('chat', createdChat),
})

const list = command({
  effect: 'read',
  summary: 'List chats, oldest first',
  description:
    'To page, give the last chat of a page as --after CHAT. With --sort updated, the latest change comes first.',
  examples: [
    'latchkey chat list',
    'latchkey chat list --user alice --sort updated --limit 20',
    'latchkey chat list --project shop --search invoice --json',
  ],
  options: {
    user: opt.text('user', 'Only chats of this user'),
    project: opt.text('project', 'Only chats of this project'),
    search: opt.text('text', 'Only chats whose title contains this'),
    sort: opt.choice(chatSorts, 'What comes first: the oldest, or the latest change (default: created)'),
    ...paging('chat'),
  },
  run: async (ctx, page) => (await ctx.operations()).chats.stream(page),
  prints: rows(chat, {
    columns: [
      { title: 'title', cell: chat => chat.title, importance: 'low' },
      { title: 'user', cell: chat => chat.user.username },
      { title: 'project', cell: chat => chat.project?.slug ?? '', hideEmpty: true, spare: 'last' },
      { title: 'messages', cell: (chat, brush) => brush.count(chat.messages), align: 'right' },
      { title: 'changed', time: chat => chat.updatedAt },
      { title: 'id', cell: chat => chat.id, whole: true },
      { title: 'session', cell: chat => chat.sessionId ?? '', wide: true },
      { title: 'created', time: chat => chat.createdAt, wide: true },
    ],
    empty: 'No chats. Create one with: latchkey chat create --user alice',
    noMatch: 'No chats match. List all with: latchkey chat list',
  }),
})

const search = command({
  effect: 'read',
  summary: 'Find messages by their words, the latest first',
  description:
    'Finds messages that have all the words. Words in quotes must follow each other, and * at the end of a word stands for more letters. Case and accents do not matter. To page, give the last message of a page as --after ID.',
  examples: [
    'latchkey chat search invoice',
    `latchkey chat search '"good morning" ali*' --user alice`,
    'latchkey chat search refund --project shop --json',
  ],
  args: { words: arg.many('Words to find') },
  options: {
    user: opt.text('user', 'Only in chats of this user'),
    project: opt.text('project', 'Only in chats of this project'),
    limit: atMost('100'),
    after: opt.text('id', 'Start after this message'),
  },
  run: async (ctx, { words, ...page }) => (await ctx.operations()).chats.search(words.join(' '), page),
  prints: rows(foundMessage, {
    columns: [
      { title: 'chat', cell: found => found.chat.title, importance: 'low' },
      { title: 'user', cell: found => found.user.username },
      { title: '#', cell: (found, brush) => brush.count(found.position), align: 'right' },
      { title: 'role', cell: found => found.role, spare: true },
      { title: 'text', cell: found => found.excerpt, importance: 'high' },
      { title: 'at', time: found => found.createdAt },
      { title: 'chat id', cell: found => found.chat.id, wide: true },
      { title: 'id', cell: found => found.id, wide: true },
    ],
    empty: 'No messages have these words.',
  }),
})

const exporting = command({
  effect: 'read',
  summary: 'Export the messages of a chat as Markdown or NDJSON',
  description: 'Writes Markdown, or NDJSON with -o ndjson. Long chats are written as they are read.',
  examples: [
    'latchkey chat export Holiday > holiday.md',
    'latchkey chat export Holiday --user alice -o ndjson > holiday.ndjson',
  ],
  args: selecting('chat'),
  options: ofUser,
  run: async (ctx, { chat, user }) => (await ctx.operations()).chats.export(within(chat, user)),
  prints: rows(message, { columns: [], empty: 'No messages.' }),
  lines: markdown,
})

const rename = command({
  effect: 'write',
  summary: 'Give a chat another title',
  examples: [
    'latchkey chat rename Holiday Summer',
    'latchkey chat rename Holiday Summer --user alice --dry-run',
  ],
  args: { ...selecting('chat'), title: arg.one('The new title') },
  options: ofUser,
  run: async (ctx, { chat, title, user }) => (await ctx.operations()).chats.rename(within(chat, user), title),
  ...updating('chat', changedChat),
})

const pruned = {
  olderThan: opt.as('duration', duration, 'Only chats without a change for this long'),
  user: opt.text('user', 'Only chats of this user'),
  project: opt.text('project', 'Only chats of this project'),
}

interface Pruning {
  readonly olderThan: number | undefined
  readonly user: string | undefined
  readonly project: string | undefined
  /** What was confirmed. */
  readonly unchangedSince?: Date
}

const chosen = (ctx: Context, { olderThan, unchangedSince, ...typed }: Pruning): ChatFilter => ({
  ...typed,
  unchangedSince:
    unchangedSince ?? (olderThan === undefined ? undefined : new Date(ctx.now().getTime() - olderThan)),
})

const prune = command({
  effect: 'destroy',
  summary: 'Erase old chats with their messages',
  description:
    'Give --older-than, or whose chats: all conditions must hold. What was used in the chats still counts.',
  examples: [
    'latchkey chat prune --older-than 365d --dry-run',
    'latchkey chat prune --older-than 90d --user alice --yes',
  ],
  options: pruned,
  // Without a filter there is nothing to confirm: it is refused.
  asks: ({ olderThan, user, project }) => [olderThan, user, project].some(each => each !== undefined),
  confirm: async (ctx, typed) => {
    const filter = chosen(ctx, typed)
    const { chats, total } = await (await ctx.operations()).chats.list({ ...filter, limit: 1 })
    if (chats.length === 0) return undefined
    return { question: `Erase ${many(total, 'chat')} for good`, typed: String(total), binds: { ...filter } }
  },
  run: async (ctx, typed: Pruning) => (await ctx.operations()).chats.prune(chosen(ctx, typed)),
  prints: one(prunedChats, { done: gone => `Deleted ${goneText(gone.chats, gone.messages)}` }),
  would: gone => `delete ${goneText(gone.chats, gone.messages)}`,
})

const goneText = (chats: number, messages: number): string =>
  `${many(chats, 'chat')} with ${many(messages, 'message')}`

export default {
  create,
  list,
  show: ofChats.show({
    summary: 'Show a chat',
    examples: ['latchkey chat show Holiday', 'latchkey chat show Holiday --user alice --json'],
  }),
  search,
  export: exporting,
  rename,
  delete: ofChats.delete({
    summary: 'Erase a chat with its messages',
    examples: ['latchkey chat delete Holiday', 'latchkey chat delete Holiday --user alice --yes'],
  }),
  prune,
}

/** A heading with the title, then each message below its role and time. */
async function* markdown(messages: Iterable<Message> | AsyncIterable<Message>): AsyncIterable<string> {
  let isFirst = true
  for await (const { chat, role, createdAt, content } of messages) {
    if (isFirst) yield `# ${printable(chat.title)}`
    isFirst = false
    yield `\n## ${role} · ${createdAt.toISOString()}\n\n${printable(markdownOf(content))}`
  }
}

/** Text as it is, also in a list of parts; anything else as JSON. */
function markdownOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (Array.isArray(content)) return content.map(markdownOf).join('\n\n')
  const text = typeof content === 'object' && content !== null && 'text' in content ? content.text : undefined
  return typeof text === 'string' ? text : `\`\`\`json\n${JSON.stringify(content, null, 2)}\n\`\`\``
}
