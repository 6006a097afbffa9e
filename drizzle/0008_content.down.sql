DROP TABLE `project_files`;
--> statement-breakpoint
DROP TABLE `imported_files`;
--> statement-breakpoint
DROP TABLE `file_history`;
--> statement-breakpoint
DROP TABLE `file_contents`;
--> statement-breakpoint
DROP TABLE `agent_states`;
--> statement-breakpoint
DROP TABLE `agent_phases`;
--> statement-breakpoint
DROP TABLE `agent_messages`;
--> statement-breakpoint
DROP TABLE `agent_files`;

--> statement-breakpoint
DROP VIEW message_texts;
--> statement-breakpoint
CREATE VIEW message_texts AS
SELECT number, (SELECT group_concat(atom, char(10)) FROM json_tree(content) WHERE type = 'text') AS text FROM messages;
--> statement-breakpoint
INSERT INTO message_words (message_words) VALUES ('delete-all');
--> statement-breakpoint
INSERT INTO message_words (rowid, text) SELECT number, text FROM message_texts;
