CREATE TABLE `chats` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`project_id` text,
	`title` text NOT NULL,
	`session_id` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE set null,
	CONSTRAINT "chats_id" CHECK("id" GLOB 'cht_*' AND length("id") = 30),
	CONSTRAINT "chats_title_form" CHECK(length("chats"."title") BETWEEN 1 AND 200 AND "chats"."title" NOT GLOB 'cht_*')
) STRICT;
--> statement-breakpoint
CREATE INDEX `chats_user` ON `chats` (`user_id`,`updated_at`,`id`);--> statement-breakpoint
CREATE INDEX `chats_project` ON `chats` (`project_id`);--> statement-breakpoint
CREATE INDEX `chats_title` ON `chats` (lower("title"));--> statement-breakpoint
CREATE INDEX `chats_updated` ON `chats` (`updated_at`,`id`);--> statement-breakpoint
CREATE TABLE `messages` (
	`number` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`chat_id` text NOT NULL,
	`position` integer NOT NULL,
	`role` text NOT NULL,
	`content` text NOT NULL,
	`metadata` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`chat_id`) REFERENCES `chats`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "messages_id" CHECK("id" GLOB 'msg_*' AND length("id") = 30),
	CONSTRAINT "messages_position" CHECK("messages"."position" > 0),
	CONSTRAINT "messages_role" CHECK("messages"."role" IN ('user', 'assistant', 'system', 'tool')),
	CONSTRAINT "messages_json" CHECK(json_valid("messages"."content") AND ("messages"."metadata" IS NULL OR json_valid("messages"."metadata")))
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `messages_id` ON `messages` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `messages_chat` ON `messages` (`chat_id`,`position`);--> statement-breakpoint
CREATE TABLE `imported_chats` (
	`source` text NOT NULL,
	`foreign_id` text NOT NULL,
	`chat_id` text NOT NULL,
	`import_id` text NOT NULL,
	`state` text NOT NULL,
	PRIMARY KEY(`source`, `foreign_id`),
	FOREIGN KEY (`chat_id`) REFERENCES `chats`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "imported_chats_state_json" CHECK(json_valid("imported_chats"."state"))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `imported_chats_chat` ON `imported_chats` (`chat_id`);--> statement-breakpoint
CREATE INDEX `imported_chats_import` ON `imported_chats` (`import_id`);--> statement-breakpoint
CREATE VIEW message_texts AS
SELECT number, (SELECT group_concat(atom, char(10)) FROM json_tree(content) WHERE type = 'text') AS text FROM messages;
--> statement-breakpoint
CREATE VIRTUAL TABLE message_words USING fts5(text, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2");
--> statement-breakpoint
CREATE TRIGGER message_words_added AFTER INSERT ON messages BEGIN
  INSERT INTO message_words (rowid, text) SELECT number, text FROM message_texts WHERE number = new.number;
END;
--> statement-breakpoint
CREATE TRIGGER message_words_removed AFTER DELETE ON messages BEGIN
  DELETE FROM message_words WHERE rowid = old.number;
END;
--> statement-breakpoint
CREATE TRIGGER message_words_changed AFTER UPDATE OF number, content ON messages BEGIN
  DELETE FROM message_words WHERE rowid = old.number;
  INSERT INTO message_words (rowid, text) SELECT number, text FROM message_texts WHERE number = new.number;
END;
