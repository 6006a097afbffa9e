CREATE TABLE `agent_files` (
	`project_id` text NOT NULL,
	`path` text NOT NULL,
	`position` integer NOT NULL,
	PRIMARY KEY(`project_id`, `path`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "agent_files_position_form" CHECK("agent_files"."position" > 0),
	CONSTRAINT "agent_files_path_form" CHECK(length("agent_files"."path") BETWEEN 1 AND 1024 AND '/' || "agent_files"."path" || '/' NOT GLOB '*//*' AND '/' || "agent_files"."path" || '/' NOT GLOB '*/../*')
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `agent_files_position` ON `agent_files` (`project_id`,`position`);--> statement-breakpoint
CREATE TABLE `agent_messages` (
	`project_id` text NOT NULL,
	`position` integer NOT NULL,
	`role` text NOT NULL,
	`content` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`project_id`, `position`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "agent_messages_position" CHECK("agent_messages"."position" > 0),
	CONSTRAINT "agent_messages_role" CHECK("agent_messages"."role" IN ('user', 'assistant', 'system'))
) STRICT;
--> statement-breakpoint
CREATE TABLE `agent_phases` (
	`project_id` text NOT NULL,
	`position` integer NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`files` text NOT NULL,
	`is_last` integer NOT NULL,
	`completed_at` integer,
	PRIMARY KEY(`project_id`, `position`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "agent_phases_position" CHECK("agent_phases"."position" > 0),
	CONSTRAINT "agent_phases_files" CHECK(json_valid("agent_phases"."files") AND json_type("agent_phases"."files") = 'array'),
	CONSTRAINT "agent_phases_is_last" CHECK("agent_phases"."is_last" IN (0, 1))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `agent_states` (
	`project_id` text PRIMARY KEY NOT NULL,
	`current_state` text DEFAULT 'idle' NOT NULL,
	`current_phase` text,
	`sandbox_id` text,
	`preview_url` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "agent_states_form" CHECK(length("agent_states"."current_state") BETWEEN 1 AND 100)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `file_contents` (
	`sha256` text PRIMARY KEY NOT NULL,
	`bytes` blob NOT NULL,
	`size` integer NOT NULL,
	CONSTRAINT "file_contents_sha256" CHECK(length("file_contents"."sha256") = 64 AND "file_contents"."sha256" NOT GLOB '*[^0-9a-f]*'),
	CONSTRAINT "file_contents_size" CHECK("file_contents"."size" BETWEEN 0 AND 16777216)
) STRICT;
--> statement-breakpoint
CREATE TABLE `file_history` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`path` text NOT NULL,
	`action` text NOT NULL,
	`previous_path` text,
	`sha256` text,
	`size` integer,
	`actor` text NOT NULL,
	`at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "file_history_id" CHECK("id" GLOB 'fch_*' AND length("id") = 30),
	CONSTRAINT "file_history_action" CHECK("file_history"."action" IN ('added', 'changed', 'removed', 'moved')),
	CONSTRAINT "file_history_content" CHECK(("file_history"."sha256" IS NULL) = ("file_history"."size" IS NULL))
) STRICT;
--> statement-breakpoint
CREATE INDEX `file_history_project` ON `file_history` (`project_id`,`id`);--> statement-breakpoint
CREATE INDEX `file_history_path` ON `file_history` (`project_id`,`path`,`id`);--> statement-breakpoint
CREATE TABLE `imported_files` (
	`source` text NOT NULL,
	`foreign_id` text NOT NULL,
	`project_id` text NOT NULL,
	`import_id` text NOT NULL,
	`state` text NOT NULL,
	PRIMARY KEY(`source`, `foreign_id`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "imported_files_state_json" CHECK(json_valid("imported_files"."state"))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `imported_files_project` ON `imported_files` (`project_id`);--> statement-breakpoint
CREATE INDEX `imported_files_import` ON `imported_files` (`import_id`);--> statement-breakpoint
CREATE TABLE `project_files` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`path` text NOT NULL,
	`sha256` text NOT NULL,
	`size` integer NOT NULL,
	`media_type` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`sha256`) REFERENCES `file_contents`(`sha256`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "project_files_id" CHECK("id" GLOB 'fil_*' AND length("id") = 30),
	CONSTRAINT "project_files_path_form" CHECK(length("project_files"."path") BETWEEN 1 AND 1024 AND '/' || "project_files"."path" || '/' NOT GLOB '*//*' AND '/' || "project_files"."path" || '/' NOT GLOB '*/../*'),
	CONSTRAINT "project_files_size" CHECK("project_files"."size" BETWEEN 0 AND 16777216)
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `project_files_path` ON `project_files` (`project_id`,`path`);--> statement-breakpoint
CREATE INDEX `project_files_sha256` ON `project_files` (`sha256`);
--> statement-breakpoint

DROP VIEW message_texts;
--> statement-breakpoint
CREATE VIEW message_texts AS
SELECT number, (SELECT group_concat(atom, char(10)) FROM json_tree(content) WHERE type = 'text' AND key IS NOT 'type') AS text FROM messages;
--> statement-breakpoint
INSERT INTO message_words (message_words) VALUES ('delete-all');
--> statement-breakpoint
INSERT INTO message_words (rowid, text) SELECT number, text FROM message_texts;
