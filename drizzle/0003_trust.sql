CREATE TABLE `denials` (
	`key_id` text NOT NULL,
	`start` integer NOT NULL,
	`code` text NOT NULL,
	`count` integer NOT NULL,
	`last_at` integer NOT NULL,
	PRIMARY KEY(`key_id`, `start`, `code`),
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "denials_count" CHECK("denials"."count" > 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `identity` (
	`single` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`created_at` integer NOT NULL,
	CONSTRAINT "identity_single" CHECK("identity"."single" = 1),
	CONSTRAINT "identity_id" CHECK("identity"."id" GLOB 'dbs_*' AND length("identity"."id") = 30)
) STRICT;
--> statement-breakpoint
INSERT INTO `identity` (`single`, `id`, `created_at`) SELECT 1, 'dbs_' || substr(`id`, 5), `at` FROM `audit` ORDER BY rowid LIMIT 1;
--> statement-breakpoint
INSERT OR IGNORE INTO `identity` (`single`, `id`, `created_at`) VALUES (1, 'dbs_' || lower(hex(randomblob(13))), CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));
--> statement-breakpoint
CREATE TABLE `__new_import_changes` (
	`import_id` text NOT NULL,
	`type` text NOT NULL,
	`target_id` text NOT NULL,
	`action` text NOT NULL,
	`before` text,
	`after` text,
	PRIMARY KEY(`import_id`, `type`, `target_id`),
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "import_changes_type" CHECK("__new_import_changes"."type" IN ('user', 'project', 'key')),
	CONSTRAINT "import_changes_action" CHECK("__new_import_changes"."action" IN ('created', 'updated', 'linked')),
	CONSTRAINT "import_changes_json" CHECK(("__new_import_changes"."before" IS NULL OR json_valid("__new_import_changes"."before")) AND ("__new_import_changes"."after" IS NULL OR json_valid("__new_import_changes"."after")))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `__new_import_changes`("import_id", "type", "target_id", "action", "before", "after") SELECT "import_id", "type", "target_id", "action", "before", "after" FROM `import_changes`;--> statement-breakpoint
DROP TABLE `import_changes`;--> statement-breakpoint
ALTER TABLE `__new_import_changes` RENAME TO `import_changes`;--> statement-breakpoint
CREATE INDEX `import_changes_target` ON `import_changes` (`target_id`);
