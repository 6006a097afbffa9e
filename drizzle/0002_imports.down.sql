DROP TABLE `import_changes`;
--> statement-breakpoint
DROP TABLE `imported_projects`;
--> statement-breakpoint
DROP TABLE `imported_users`;
--> statement-breakpoint
ALTER TABLE `imports` DROP COLUMN `undone_at`;
