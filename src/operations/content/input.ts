/** Inputs of the operations on files of projects and on the state of agents. */
import * as v from 'valibot'
import { agentRoles } from '../../contract/views/words.ts'
import type { AgentMessage, AgentRole, FileChange, ProjectFile } from '../../contract/views.ts'
import type { PageOf } from '../input.ts'
import * as rules from '../rules/input.ts'
import { filePath } from './paths.ts'

/** Text, bytes, or bytes as they arrive; at most 16 MiB. */
export type FileBody = string | Uint8Array | AsyncIterable<Uint8Array>

const digest: rules.Rule<string> = v.pipe(
  v.string('must be text'),
  v.transform(text => text.toLowerCase()),
  v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256: 64 hexadecimal digits'),
)

const mediaType: rules.Rule<string> = v.pipe(
  v.string('must be text'),
  v.regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/, 'must be a media type, such as text/markdown'),
  v.maxLength(127, 'must have at most 127 characters'),
)

export const fileCondition = v.object({
  /** Only if the file holds this, by its SHA-256. */
  ifMatch: v.optional(digest),
})
export type FileCondition = rules.Input<typeof fileCondition>

export const fileOptions = v.object({
  ...fileCondition.entries,
  /** Default by the name of the file. */
  mediaType: v.optional(mediaType),
})
export type FileOptions = rules.Input<typeof fileOptions>

export const newFile = v.object({
  /** With / between folders, within the project. */
  path: filePath,
  /** Default by the name of the file. */
  mediaType: v.optional(mediaType),
})
export type NewFile = rules.Input<typeof newFile> & {
  /** Text, bytes, or bytes as they arrive; at most 16 MiB. */
  readonly content: FileBody
}

/** A file somewhere else, whose content is read when it is needed. */
export interface SourceFile {
  /** With / between folders, within the project. */
  readonly path: string
  /** SHA-256 of the content, in hex. */
  readonly sha256: string
  /** Of the content. */
  readonly sizeBytes: number
  /** Called for what the project does not have. */
  readonly read: () => FileBody | Promise<FileBody>
}

export const syncing = v.object({
  /** Only files in this folder of the project, which the paths begin with. */
  under: v.optional(filePath),
  /** Remove files that the source does not have. */
  delete: v.optional(v.boolean(), false),
  /** Conflict unless exactly these paths would be added, changed and removed. */
  ifChanges: v.optional(rules.listOf(v.string())),
})
export type Syncing = rules.Input<typeof syncing>

export const fileFilter = v.object({
  /** Only files in this folder. */
  under: v.optional(filePath),
})
export type FilePage = rules.Input<typeof fileFilter> & rules.Part

export type FileList = PageOf<'files', ProjectFile>

export const historyFilter = v.object({
  /** Only changes of this file. */
  path: v.optional(filePath),
})
export type HistoryPage = rules.Input<typeof historyFilter> & rules.Part

export type FileHistory = readonly FileChange[]

/** A file with its content, which is checked against its SHA-256 as it is read. */
export type OpenFile = ProjectFile & { readonly content: ReadableStream<Uint8Array> }

export const agentChanges = v.object({
  /** What the agent is doing. */
  currentState: v.optional(rules.trimmed(100)),
  /** The phase that it is in; null for none. */
  currentPhase: rules.clearable(rules.trimmed(200)),
  /** The sandbox that it works in; null for none. */
  sandboxId: rules.clearable(rules.trimmed(200)),
  /** Where the result can be seen; null for none. */
  previewUrl: rules.clearable(rules.trimmed(2_000)),
})
export type AgentChanges = rules.Input<typeof agentChanges>

export const newPhase = v.object({
  /** What it is called. */
  name: rules.trimmed(200),
  /** What is to be done. */
  description: v.optional(
    v.pipe(v.string('must be text'), v.maxLength(10_000, 'must have at most 10,000 characters')),
  ),
  /** Paths that it is about. */
  files: v.optional(rules.listOf(filePath), []),
  /** Whether nothing follows it. */
  isLast: v.optional(v.boolean(), false),
})
export type NewPhase = rules.Input<typeof newPhase>

export const newAgentFile = v.object({
  /** Within the project. */
  path: filePath,
})

const role: rules.Rule<AgentRole> = rules.among(agentRoles)
const said: rules.Rule<string> = v.pipe(
  v.string('must be text'),
  v.minLength(1, 'must not be empty'),
  v.maxLength(4 * 1024 * 1024, 'must be at most 4 MiB'),
  v.check(text => text.isWellFormed(), 'must be valid Unicode'),
  v.check(text => !text.includes('\0'), 'must not contain NUL'),
)

export const newAgentMessage = v.object({
  /** Who said it. */
  role,
  /** What was said; at most 4 MiB. */
  content: said,
})
export type NewAgentMessage = rules.Input<typeof newAgentMessage>

export type AgentMessagePage = rules.Positions

export type AgentMessageList = PageOf<'messages', AgentMessage>
