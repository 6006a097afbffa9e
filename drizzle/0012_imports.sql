CREATE TABLE `imported_rows` (
	`import_id` text NOT NULL,
	`type` text NOT NULL,
	`foreign_id` text NOT NULL,
	`target_id` text NOT NULL,
	`user_id` text,
	`action` text NOT NULL,
	`state` text NOT NULL,
	`after` text NOT NULL,
	`before` text,
	PRIMARY KEY(`import_id`, `type`, `foreign_id`),
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "imported_rows_action" CHECK("imported_rows"."action" IN ('created', 'updated', 'linked')),
	CONSTRAINT "imported_rows_json" CHECK(json_valid("imported_rows"."state") AND json_valid("imported_rows"."after") AND ("imported_rows"."before" IS NULL OR json_valid("imported_rows"."before")))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `imported_rows_user` ON `imported_rows` (`user_id`);