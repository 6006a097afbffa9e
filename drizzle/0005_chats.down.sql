DROP TABLE `message_words`;
--> statement-breakpoint
DROP VIEW `message_texts`;
--> statement-breakpoint
DROP TABLE `imported_chats`;
--> statement-breakpoint
DROP TABLE `messages`;
--> statement-breakpoint
DROP TABLE `chats`;
