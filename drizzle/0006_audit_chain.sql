CREATE TABLE `__new_audit` (
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
	`seq` integer NOT NULL,
	`previous` text NOT NULL,
	`salt` text NOT NULL,
	`hash` text NOT NULL,
	CONSTRAINT "audit_id" CHECK("id" GLOB 'aud_*' AND length("id") = 30),
	CONSTRAINT "audit_origin" CHECK("__new_audit"."origin" IN ('terminal', 'cron', 'service', 'script', 'library')),
	CONSTRAINT "audit_json" CHECK(("__new_audit"."before" IS NULL OR json_valid("__new_audit"."before")) AND ("__new_audit"."after" IS NULL OR json_valid("__new_audit"."after"))),
	CONSTRAINT "audit_chain" CHECK("__new_audit"."seq" > 0 AND length("__new_audit"."previous") = 64 AND length("__new_audit"."hash") = 64)
) STRICT;
--> statement-breakpoint
-- chains: audit
--> statement-breakpoint
DROP TABLE `audit`;
--> statement-breakpoint
ALTER TABLE `__new_audit` RENAME TO `audit`;
--> statement-breakpoint
CREATE INDEX `audit_at` ON `audit` (`at`);
--> statement-breakpoint
CREATE INDEX `audit_target` ON `audit` (`target_id`);
--> statement-breakpoint
CREATE UNIQUE INDEX `audit_seq` ON `audit` (`seq`);