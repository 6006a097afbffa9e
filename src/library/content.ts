/** Files of projects, and the state of agents. Types only; `src/operations/content` has the rules. */
import type {
  AddedPhase,
  AgentFile,
  AgentMessage,
  AgentState,
  ChangedAgentState,
  CompletedPhase,
  FilesChange,
  MovedFile,
  ProjectFile,
  WrittenFile,
} from '../contract/views.ts'
import type {
  AgentChanges,
  AgentMessageList,
  AgentMessagePage,
  FileBody,
  FileCondition,
  FileHistory,
  FileList,
  FileOptions,
  FilePage,
  HistoryPage,
  NewAgentMessage,
  NewFile,
  NewPhase,
  OpenFile,
  SourceFile,
  Syncing,
} from '../operations/content/input.ts'

export type * from '../operations/content/input.ts'

/** Files of projects, text or bytes up to 16 MiB. A file is named by its project and its path. */
export interface Files {
  /**
   * Writes a file, new or over what is there. With `ifMatch` only if the file still holds that.
   *
   * @throws not_found, ambiguous, invalid (the path, or more than 16 MiB), conflict (`ifMatch`)
   * @example
   * const { sha256 } = await latchkey.files.put('shop', 'docs/plan.md', '# Plan')
   * await latchkey.files.put('shop', 'docs/plan.md', '# A better plan', { ifMatch: sha256 })
   */
  readonly put: (
    project: string,
    path: string,
    content: FileBody,
    options?: FileOptions,
  ) => Promise<WrittenFile>
  /**
   * Writes any number of files in one transaction, with one row in the audit log.
   *
   * @throws not_found, ambiguous, invalid (a path, one that is given twice, or more than 16 MiB)
   * @example
   * const { added } = await latchkey.files.putMany('shop', [{ path: 'a.md', content: '# A' }, { path: 'b.md', content: '# B' }])
   */
  readonly putMany: (
    project: string,
    files: Iterable<NewFile> | AsyncIterable<NewFile>,
  ) => Promise<FilesChange>
  /**
   * A file without its content.
   *
   * @throws not_found, ambiguous
   * @example
   * await latchkey.files.put('shop', 'a.md', '# A')
   * const { sha256, sizeBytes } = await latchkey.files.get('shop', 'a.md')
   */
  readonly get: (project: string, path: string) => Promise<ProjectFile>
  /**
   * A file with its content as a stream, which fails at its end if it is not what was stored.
   *
   * @throws not_found, ambiguous, corrupt (from the stream)
   * @example
   * await latchkey.files.put('shop', 'a.md', '# A')
   * const { content, mediaType } = await latchkey.files.open('shop', 'a.md')
   * const response = new Response(content, { headers: { 'content-type': mediaType } })
   */
  readonly open: (project: string, path: string) => Promise<OpenFile>
  /**
   * A page of the files in the order of their paths, and how many match.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { files, total } = await latchkey.files.list('shop', { under: 'docs', limit: 20 })
   */
  readonly list: (project: string, page?: FilePage) => Promise<FileList>
  /**
   * Streams the files of `list` from one snapshot, in constant memory. Without a limit it has all of them.
   *
   * @throws not_found, ambiguous, invalid (when the first file is read)
   * @example
   * for await (const file of latchkey.files.stream('shop')) console.log(file.path)
   */
  readonly stream: (project: string, page?: FilePage) => AsyncIterable<ProjectFile>
  /**
   * Gives a file another path.
   *
   * @throws not_found, ambiguous, invalid, conflict (the path is taken, or `ifMatch`)
   * @example
   * await latchkey.files.put('shop', 'a.md', '# A')
   * await latchkey.files.move('shop', 'a.md', 'docs/a.md')
   */
  readonly move: (project: string, from: string, to: string, condition?: FileCondition) => Promise<MovedFile>
  /**
   * Removes a file.
   *
   * @throws not_found, ambiguous, conflict (`ifMatch`)
   * @example
   * await latchkey.files.put('shop', 'old.md', '# Old')
   * await latchkey.files.remove('shop', 'old.md')
   */
  readonly remove: (project: string, path: string, condition?: FileCondition) => Promise<ProjectFile>
  /**
   * Removes every file of a project in one transaction.
   *
   * @throws not_found, ambiguous
   * @example
   * const { removed } = await latchkey.files.removeAll('shop')
   */
  readonly removeAll: (project: string) => Promise<FilesChange>
  /**
   * What became of the files, the latest first, without their contents.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const [latest] = await latchkey.files.history('shop', { path: 'docs/plan.md', limit: 1 })
   */
  readonly history: (project: string, page?: HistoryPage) => Promise<FileHistory>
  /**
   * Makes the files of a project those of another place, in one transaction. A content is read only if the project has
   * another. Nothing is removed without `delete`.
   *
   * @throws not_found, ambiguous, invalid, conflict (a content changed while it was read, or `ifChanges`)
   * @example
   * const { sha256 } = await latchkey.files.put('shop', 'plan.md', '# Plan')
   * const { unchanged } = await latchkey.files.sync('shop', [{ path: 'plan.md', sha256, sizeBytes: 6, read: () => '# Plan' }])
   */
  readonly sync: (project: string, source: readonly SourceFile[], options?: Syncing) => Promise<FilesChange>
  /**
   * What `sync` would change. Reads no content.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { removed } = await latchkey.files.planSync('shop', [], { delete: true })
   */
  readonly planSync: (
    project: string,
    source: readonly SourceFile[],
    options?: Syncing,
  ) => Promise<FilesChange>
}

/**
 * The state of the agent that works on a project. Every project has one. Changes at the same time are all kept, each with
 * its own position.
 */
export interface Agents {
  /**
   * The state, with its phases and files; messages are counted.
   *
   * @throws not_found, ambiguous
   * @example
   * const { currentState } = await latchkey.agents.get('shop')
   */
  readonly get: (project: string) => Promise<AgentState>
  /**
   * Sets some of its fields.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * await latchkey.agents.set('shop', { currentState: 'generating', sandboxId: 'sbx-7' })
   */
  readonly set: (project: string, changes: AgentChanges) => Promise<ChangedAgentState>
  /**
   * Makes it idle, without phases, files and messages.
   *
   * @throws not_found, ambiguous
   * @example
   * await latchkey.agents.reset('shop')
   */
  readonly reset: (project: string) => Promise<ChangedAgentState>
  /**
   * Adds a phase at the end.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * await latchkey.agents.addPhase('shop', { name: 'Layout', files: ['index.html'] })
   */
  readonly addPhase: (project: string, phase: NewPhase) => Promise<AddedPhase>
  /**
   * Completes a phase, by its position or its name.
   *
   * @throws not_found, ambiguous
   * @example
   * const { position } = await latchkey.agents.addPhase('shop', { name: 'Checkout' })
   * await latchkey.agents.completePhase('shop', position)
   */
  readonly completePhase: (project: string, phase: string | number) => Promise<CompletedPhase>
  /**
   * Adds a file that the agent has made. One that is there stays where it is.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { position } = await latchkey.agents.addFile('shop', 'index.html')
   */
  readonly addFile: (project: string, path: string) => Promise<AgentFile>
  /**
   * Adds a message at the end of the conversation.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { position } = await latchkey.agents.addMessage('shop', { role: 'user', content: 'Make the header blue' })
   */
  readonly addMessage: (project: string, message: NewAgentMessage) => Promise<AgentMessage>
  /**
   * A page of the conversation in its order, and how many messages it has.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { messages, total } = await latchkey.agents.messages('shop', { descending: true, limit: 20 })
   */
  readonly messages: (project: string, page?: AgentMessagePage) => Promise<AgentMessageList>
}
