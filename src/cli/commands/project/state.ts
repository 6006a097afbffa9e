/** The commands of the state of the agent that works on a project. */
import {
  addedPhase,
  agentFile,
  agentMessage,
  agentState,
  changedAgentState,
  completedPhase,
} from '../../../contract/views/content.ts'
import { agentRoles } from '../../../contract/views/words.ts'
import { many } from '../../../text/quantity.ts'
import { arg, command, one, opt, rows } from '../../declare/define.ts'
import { count } from '../../declare/parse.ts'
import { atMost, selecting } from '../thing.ts'

const show = command({
  effect: 'read',
  summary: 'Show what the agent of a project is doing',
  examples: ['latchkey project state show shop', 'latchkey project state show shop --json'],
  args: selecting('project'),
  run: async (ctx, { project }) => (await ctx.operations()).agents.get(project),
  prints: one(agentState, {
    done: (state, brush) =>
      [
        `${brush.bold(state.project.slug)}: ${state.currentState}${state.currentPhase === null ? '' : `, ${state.currentPhase}`}`,
        ...(state.sandboxId === null ? [] : [`sandbox ${state.sandboxId}`]),
        ...(state.previewUrl === null ? [] : [`preview ${state.previewUrl}`]),
        ...state.phases.map(
          ({ position, name, completedAt }) =>
            `${position}. ${name}${completedAt === null ? '' : `, completed ${brush.dated(completedAt)}`}`,
        ),
        `${many(state.files.length, 'file')}, ${many(state.messages, 'message')}, changed ${brush.dated(state.updatedAt)}`,
      ].join('\n'),
  }),
})

const set = command({
  effect: 'write',
  summary: 'Set the state of the agent of a project',
  examples: [
    'latchkey project state set shop --state generating --phase Layout',
    'latchkey project state set shop --no-sandbox --preview https://shop.example.org',
  ],
  args: selecting('project'),
  options: {
    state: opt.text('state', 'What the agent is doing'),
    phase: opt.clearable('name', raw => raw, 'The phase that it is in'),
    sandbox: opt.clearable('id', raw => raw, 'The sandbox that it works in'),
    preview: opt.clearable('url', raw => raw, 'Where the result can be seen'),
  },
  run: async (ctx, { project, state, phase, sandbox, preview }) => {
    const changes = { currentState: state, currentPhase: phase, sandboxId: sandbox, previewUrl: preview }
    return (await ctx.operations()).agents.set(project, changes)
  },
  prints: one(changedAgentState, {
    done: ({ project, currentState, changed }) =>
      changed ? `The agent of ${project.slug} is ${currentState}` : `Unchanged: the agent of ${project.slug}`,
  }),
  would: ({ project, changed }) => (changed ? `set the state of ${project.slug}` : undefined),
})

const reset = command({
  effect: 'destroy',
  summary: 'Make the agent of a project idle, without phases, files and messages',
  description: 'Files of the project stay.',
  examples: ['latchkey project state reset shop', 'latchkey project state reset shop --yes'],
  args: selecting('project'),
  confirm: async (ctx, { project }) => {
    const state = await (await ctx.operations()).agents.get(project)
    const gone = [
      many(state.phases.length, 'phase'),
      many(state.files.length, 'file'),
      many(state.messages, 'message'),
    ]
    return {
      question: `Reset the agent of ${state.project.slug}, with its ${gone.join(', ')}`,
      binds: { project: state.project.id },
    }
  },
  run: async (ctx, { project }) => (await ctx.operations()).agents.reset(project),
  prints: one(changedAgentState, {
    done: ({ project, changed }) =>
      changed ? `Reset the agent of ${project.slug}` : `Unchanged: the agent of ${project.slug}`,
  }),
  would: ({ project, changed }) => (changed ? `reset the agent of ${project.slug}` : undefined),
})

const phaseAdd = command({
  effect: 'write',
  summary: 'Add a phase to the plan of an agent',
  examples: [
    'latchkey project state phase add shop Layout',
    "latchkey project state phase add shop Cart --description 'Basket and checkout' --touches cart.ts --last",
  ],
  args: { ...selecting('project'), name: arg.one('What it is called') },
  options: {
    description: opt.text('text', 'What is to be done'),
    touches: opt.many('document', raw => raw, 'A file that it is about (repeatable)'),
    last: opt.flag('Nothing follows it'),
  },
  run: async (ctx, { project, name, description, touches, last }) =>
    (await ctx.operations()).agents.addPhase(project, { name, description, files: touches, isLast: last }),
  prints: one(addedPhase, {
    done: ({ position, name, project }) => `Added phase ${position}, ${name}, to ${project.slug}`,
  }),
  would: ({ name, project }) => `add the phase ${name} to ${project.slug}`,
})

const phaseComplete = command({
  effect: 'write',
  summary: 'Complete a phase of an agent',
  examples: [
    'latchkey project state phase complete shop Layout',
    'latchkey project state phase complete shop 2 --json',
  ],
  args: { ...selecting('project'), phase: arg.one('Its name, or its position') },
  run: async (ctx, { project, phase }) =>
    (await ctx.operations()).agents.completePhase(project, /^\d+$/.test(phase) ? Number(phase) : phase),
  prints: one(completedPhase, {
    done: ({ position, name, changed }) =>
      `${changed ? 'Completed' : 'Unchanged:'} phase ${position}, ${name}`,
  }),
  would: ({ name, changed }) => (changed ? `complete the phase ${name}` : undefined),
})

const fileAdd = command({
  effect: 'write',
  summary: 'Add a file to those that an agent has made',
  examples: [
    'latchkey project state file add shop index.html',
    'latchkey project state file add shop index.html --dry-run',
  ],
  args: { ...selecting('project'), document: arg.fresh('Path in the project') },
  run: async (ctx, { project, document }) => (await ctx.operations()).agents.addFile(project, document),
  prints: one(agentFile, {
    done: ({ path, added }) => (added ? `Added ${path}` : `Unchanged: ${path} is there already`),
  }),
  would: ({ path, added }) => (added ? `add ${path}` : undefined),
})

const messageAdd = command({
  effect: 'write',
  summary: 'Add a message to the conversation with an agent',
  examples: [
    "latchkey project state message add shop 'Make the header blue'",
    'latchkey project state message add shop - --role assistant < answer.txt',
  ],
  args: { ...selecting('project'), content: arg.one('What was said; - reads stdin') },
  options: { role: opt.choice(agentRoles, 'Who said it (default: user)') },
  run: async (ctx, { project, content, role = 'user' }) => {
    const said = content === '-' ? await ctx.readStdin() : content
    return (await ctx.operations()).agents.addMessage(project, { role, content: said })
  },
  prints: one(agentMessage, {
    done: ({ position, project }) => `Added message ${position} to ${project.slug}`,
  }),
  would: ({ project }) => `add a message to ${project.slug}`,
})

const messageList = command({
  effect: 'read',
  summary: 'List the messages of an agent, oldest first',
  description: 'To page, give the last position of a page as --after N.',
  examples: [
    'latchkey project state message list shop',
    'latchkey project state message list shop --limit 20 --after 100 --json',
  ],
  args: selecting('project'),
  options: {
    limit: atMost('100'),
    after: opt.as('n', count, 'Start after this position'),
  },
  run: async (ctx, { project, ...page }) =>
    (await (await ctx.operations()).agents.messages(project, page)).messages,
  prints: rows(agentMessage, {
    columns: [
      { title: '#', cell: (message, brush) => brush.count(message.position), align: 'right' },
      { title: 'role', cell: message => message.role },
      { title: 'text', cell: message => message.content, importance: 'high' },
      { title: 'at', time: message => message.at },
    ],
    empty: 'No messages.',
  }),
})

export const phase = { add: phaseAdd, complete: phaseComplete }
export const file = { add: fileAdd }
export const message = { add: messageAdd, list: messageList }

export default { show, set, reset }
