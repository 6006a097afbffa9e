/** Files of projects, what became of them, and the state of the agent that works on a project. */
import { as, choice, extend, flag, integer, list, nullable, type Of, object, text, time } from '../shape.ts'
import { stamps } from './changes.ts'
import { projectRef } from './refs.ts'
import { agentRoles, fileActions, fileOutcomes } from './words.ts'

export const projectFile = object('ProjectFile', {
  id: text('fil_ and a time-sorted id'),
  path: text('Path in the project, with / between folders'),
  project: as(projectRef, 'The project'),
  sha256: text('SHA-256 of the content, in hex'),
  sizeBytes: integer('Size of the content'),
  mediaType: text('Media type, by the name unless it was given'),
  ...stamps,
})

export const fileContent = extend('FileContent', projectFile, {
  encoding: choice(['utf-8', 'base64'], 'How the content is written here'),
  content: text('What the file holds'),
})

export const writtenFile = extend('WrittenFile', projectFile, {
  outcome: choice(fileOutcomes, 'What this call did'),
})

export const movedFile = extend('MovedFile', projectFile, { previousPath: text('Where it was') })

export const fileChange = object('FileChange', {
  id: text('fch_ and a time-sorted id'),
  path: text('Path in the project'),
  action: choice(fileActions, 'What was done to it'),
  previousPath: nullable(text('Where it was before it moved here')),
  sha256: nullable(text('SHA-256 of what it has held since; null if it was removed')),
  sizeBytes: nullable(integer('Size of that')),
  actor: text('Who did it'),
  at: time('When'),
})

export const filesChange = object('FilesChange', {
  project: as(projectRef, 'The project'),
  added: list(text('Path'), 'Files that were not there before'),
  changed: list(text('Path'), 'Files that held something else'),
  removed: list(text('Path'), 'Files that are no longer there'),
  unchanged: integer('How many files were as they should be'),
  bytes: integer('Size of what was added and changed'),
})

export const agentPhase = object('AgentPhase', {
  position: integer('Position in the plan, from 1'),
  name: text('Name'),
  description: nullable(text('What is to be done')),
  files: list(text('Path'), 'Files that it is about'),
  isLast: flag('Whether nothing follows it'),
  completedAt: nullable(time('When it was completed')),
})

export const agentState = object('AgentState', {
  project: as(projectRef, 'The project'),
  currentState: text('What the agent is doing; idle at first'),
  currentPhase: nullable(text('Phase that it is in')),
  sandboxId: nullable(text('Sandbox that it works in')),
  previewUrl: nullable(text('Where the result can be seen')),
  phases: list(agentPhase, 'Phases in their order'),
  files: list(text('Path'), 'Files that it has made, in their order'),
  messages: integer('How many messages were exchanged'),
  createdAt: nullable(time('When it was first set; null before that')),
  updatedAt: nullable(time('When it last changed; null before that')),
})

export const changedAgentState = extend('ChangedAgentState', agentState, {
  changed: flag('Whether this call changed anything'),
})

export const addedPhase = extend('AddedPhase', agentPhase, { project: as(projectRef, 'The project') })
export const completedPhase = extend('CompletedPhase', addedPhase, {
  changed: flag('Whether this call completed it'),
})

export const agentFile = object('AgentFile', {
  project: as(projectRef, 'The project'),
  path: text('Path in the project'),
  position: integer('Position among the files of the agent, from 1'),
  added: flag('Whether this call added it'),
})

export const agentMessage = object('AgentMessage', {
  project: as(projectRef, 'The project'),
  position: integer('Position in the conversation, from 1'),
  role: choice(agentRoles, 'Who said it'),
  content: text('What was said'),
  at: time('When it was said'),
})

export type ProjectFile = Of<typeof projectFile>
export type WrittenFile = Of<typeof writtenFile>
export type MovedFile = Of<typeof movedFile>
export type FileChange = Of<typeof fileChange>
export type FilesChange = Of<typeof filesChange>
export type AgentPhase = Of<typeof agentPhase>
export type AgentState = Of<typeof agentState>
export type ChangedAgentState = Of<typeof changedAgentState>
export type AddedPhase = Of<typeof addedPhase>
export type CompletedPhase = Of<typeof completedPhase>
export type AgentFile = Of<typeof agentFile>
export type AgentMessage = Of<typeof agentMessage>
