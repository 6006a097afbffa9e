CREATE TABLE `import_changes` (
	`import_id` text NOT NULL,
	`type` text NOT NULL,
	`target_id` text NOT NULL,
	`action` text NOT NULL,
	`before` text,
	`after` text,
	PRIMARY KEY(`import_id`, `type`, `target_id`),
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "import_changes_type" CHECK("import_changes"."type" IN ('user', 'project', 'key')),
	CONSTRAINT "import_changes_action" CHECK("import_changes"."action" IN ('created', 'updated', 'linked')),
	CONSTRAINT "import_changes_json" CHECK(json_valid("import_changes"."before") AND json_valid("import_changes"."after"))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `import_changes_target` ON `import_changes` (`target_id`);--> statement-breakpoint
CREATE TABLE `imported_projects` (
	`source` text NOT NULL,
	`foreign_id` text NOT NULL,
	`project_id` text NOT NULL,
	`import_id` text NOT NULL,
	`state` text NOT NULL,
	PRIMARY KEY(`source`, `foreign_id`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "imported_projects_state_json" CHECK(json_valid("imported_projects"."state"))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `imported_projects_project` ON `imported_projects` (`project_id`,`source`);--> statement-breakpoint
CREATE INDEX `imported_projects_import` ON `imported_projects` (`import_id`);--> statement-breakpoint
CREATE TABLE `imported_users` (
	`source` text NOT NULL,
	`foreign_id` text NOT NULL,
	`user_id` text NOT NULL,
	`import_id` text NOT NULL,
	`state` text NOT NULL,
	PRIMARY KEY(`source`, `foreign_id`),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "imported_users_state_json" CHECK(json_valid("imported_users"."state"))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `imported_users_user` ON `imported_users` (`user_id`,`source`);--> statement-breakpoint
CREATE INDEX `imported_users_import` ON `imported_users` (`import_id`);--> statement-breakpoint
ALTER TABLE `imports` ADD `undone_at` integer;