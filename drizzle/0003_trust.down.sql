ALTER TABLE `import_changes` RENAME TO `__new_import_changes`;
--> statement-breakpoint
DROP INDEX `import_changes_target`;
--> statement-breakpoint
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
INSERT INTO `import_changes` SELECT * FROM `__new_import_changes`;
--> statement-breakpoint
DROP TABLE `__new_import_changes`;
--> statement-breakpoint
CREATE INDEX `import_changes_target` ON `import_changes` (`target_id`);
--> statement-breakpoint
DROP TABLE `identity`;
--> statement-breakpoint
DROP TABLE `denials`;
