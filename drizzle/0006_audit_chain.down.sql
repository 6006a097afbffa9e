-- loses: audit.seq, audit.previous, audit.salt, audit.hash
ALTER TABLE `audit` RENAME TO `__new_audit`;
--> statement-breakpoint
DROP INDEX `audit_at`;
--> statement-breakpoint
DROP INDEX `audit_target`;
--> statement-breakpoint
DROP INDEX `audit_seq`;
--> statement-breakpoint
CREATE TABLE `audit` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`origin` text NOT NULL,
	`action` text NOT NULL,
	`target_type` text NOT NULL,
	`target_id` text NOT NULL,
	`target_name` text,
	`before` text,
	`after` text,
	CONSTRAINT "audit_id" CHECK("id" GLOB 'aud_*' AND length("id") = 30),
	CONSTRAINT "audit_origin" CHECK("audit"."origin" IN ('terminal', 'cron', 'service', 'script', 'library')),
	CONSTRAINT "audit_json" CHECK(("audit"."before" IS NULL OR json_valid("audit"."before")) AND ("audit"."after" IS NULL OR json_valid("audit"."after")))
) STRICT;
--> statement-breakpoint
INSERT INTO `audit` SELECT `id`, `at`, `actor`, `origin`, `action`, `target_type`, `target_id`, `target_name`, `before`, `after` FROM `__new_audit` ORDER BY `seq`;
--> statement-breakpoint
DROP TABLE `__new_audit`;
--> statement-breakpoint
CREATE INDEX `audit_at` ON `audit` (`at`);
--> statement-breakpoint
CREATE INDEX `audit_target` ON `audit` (`target_id`);
